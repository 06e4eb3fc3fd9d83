"""A folder to work in for one backup, or one drill, at a time of what no database can lock."""

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...platform.backups.errors import AlreadyRunningError, NotReadyError


@contextmanager
def workroom(work: str, what: str) -> Iterator[Path]:
    """An empty folder that only its owner may enter, and this machine's lock on the work.

    A crash releases the lock; what it left in the folder goes when the next run begins. The
    lock's file stays: to remove one that another process has just opened would make two locks.
    """
    key = hashlib.sha256(f"{work}\n{what}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"backup-{os.getuid()}-{key}"
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    try:
        descriptor = os.open(f"{folder}.lock", flags, 0o600)
    except OSError as error:
        raise NotReadyError(f"{folder}.lock: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunningError(
                f"Another {work} of {what} is under way. Wait for its end."
            ) from error
        _clear(folder)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
    finally:
        os.close(descriptor)


def _clear(folder: Path) -> None:
    """Take away what a killed run left, but nothing that somebody else has put there (CWE-377)."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise NotReadyError(f"{folder} is there, and it is not ours. Remove it.")
    shutil.rmtree(folder)
