"""Locks that the kernel releases when their holder dies, however it dies (flock)."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class Lock:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    @property
    def file(self) -> int:
        assert self._file is not None, "released"
        return self._file

    def acquire_shared(self) -> None:
        fcntl.flock(self.file, fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Take the lock for oneself, also from shared; False if somebody else holds it."""
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        fcntl.flock(self.file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def is_current(self) -> bool:
        """Whether the path still names the locked file: its folder may have been removed."""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.fstat(self.file), self.path.stat())
        return False

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether somebody holds the lock exclusively."""
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False
