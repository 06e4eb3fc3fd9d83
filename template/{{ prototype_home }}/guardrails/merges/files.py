"""Files of the user's: read and written without following a link out of the tree (CWE-59)."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from .merge import Refused

MOST_BYTES = 2_000_000
_ANYBODY_WRITES = 0o222


def located(root: Path, path: str) -> str:
    """Where the file really is, relative to the tree: the path itself, or what it links to.

    Raises:
        Refused: it leads out of the tree or into git's own folder, or to nothing.
    """
    top = os.path.realpath(root)
    real = os.path.realpath(root / path)
    parts = Path(os.path.relpath(real, top)).parts
    if parts[0] in {os.pardir, ".git"}:
        raise Refused(f"{path} is a link that leads out of the tree; make it a file of its own")
    if (root / path).is_symlink() and not os.path.lexists(real):
        raise Refused(f"{path} is a link to nothing; mend or remove it")
    return "/".join(parts)


def read(root: Path, path: str) -> bytes | None:
    """The whole file, None where there is none.

    Raises:
        Refused: it is no regular file, can't be written, or is too big to be what it is called.
    """
    real = root / located(root, path)
    try:
        status = real.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"{path} can't be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise Refused(f"{path} is no regular file")
    if not status.st_mode & _ANYBODY_WRITES or not os.access(real, os.R_OK | os.W_OK):
        raise Refused(f"{path} is write-protected; `chmod u+w {path}` if it may be added to")
    if status.st_size > MOST_BYTES:
        raise Refused(f"{path} has {status.st_size} bytes, too many to be touched")
    return real.read_bytes()


def write(root: Path, path: str, content: bytes | None) -> None:
    """Replace the file as one step, with its mode and owner; None removes it.

    Raises:
        Refused: the folder can't be written to.
    """
    real = root / located(root, path)
    try:
        if content is None:
            real.unlink()
        else:
            _replace(real, content)
    except OSError as error:
        raise Refused(f"{path} can't be written: {error.strerror}") from None


def _replace(real: Path, content: bytes) -> None:
    real.parent.mkdir(parents=True, exist_ok=True)
    beside = real.with_name(f".{real.name}.{os.getpid()}.guardrails")
    # O_EXCL: a file or link that somebody put there is not written through.
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _like(real, beside)
        beside.replace(real)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _like(real: Path, beside: Path) -> None:
    with suppress(FileNotFoundError):
        status = real.stat()
        if hasattr(os, "chown"):
            with suppress(PermissionError):
                os.chown(beside, status.st_uid, status.st_gid)
        beside.chmod(stat.S_IMODE(status.st_mode))
