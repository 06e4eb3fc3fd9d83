"""What ends a statement that takes too long or writes too much, from outside of its session."""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from .scratch import Scratch

STATEMENT_SECONDS = 5.0
FILE_SECONDS = 8.0
GRACE_SECONDS = 1.0
LEAST_PATIENCE = 0.1
MOST_BYTES = 768_000_000
TICK_SECONDS = 0.1


class Watchdog:
    """Cancels, and a second later terminates, the session that is being watched.

    A migration can switch off `statement_timeout` and can catch a cancelled query; it can do
    nothing about a superuser who ends its session.
    """

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._deadline = 0.0
        self._pid = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.full = False
        self._ended = False
        self.patience = 1.0
        """What is left of it: who ran too long once is likely to do so again."""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watchdog":
        self._admin = self._scratch.admin()
        self._used = shutil.disk_usage(self._scratch.data).used
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()
        self._admin.close()

    @contextlib.contextmanager
    def watching(self, pid: int, seconds: float) -> Iterator[None]:
        with self._lock:
            self._pid, self._deadline = pid, time.monotonic() + seconds * self.patience
        try:
            yield
        finally:
            with self._lock:
                self._pid = 0
                if self._ended:
                    self.patience = max(LEAST_PATIENCE, self.patience / 2)
                self._ended = False

    def _run(self) -> None:
        ticks = 0
        while not self._closed.wait(TICK_SECONDS):
            ticks += 1
            with self._lock:
                if not self._pid:
                    continue
                late = time.monotonic() - self._deadline
                if ticks % 2 == 0 and self._is_full():
                    self.full, late = True, GRACE_SECONDS
                if late >= 0:
                    self._end("cancel" if late < GRACE_SECONDS else "terminate")
                    self._ended = True

    def _is_full(self) -> bool:
        """The folder is only walked once its disk has lost as much, whoever took it."""
        grown = shutil.disk_usage(self._scratch.data).used - self._used
        return grown > MOST_BYTES // 2 and size_of(self._scratch.data) > MOST_BYTES

    def _end(self, how: str) -> None:
        statement = f"select pg_catalog.pg_{how}_backend({self._pid})".encode()
        with contextlib.suppress(psycopg.Error):
            if self._admin.closed:
                self._admin = self._scratch.admin()
            self._admin.execute(statement)


def size_of(folder: Path) -> int:
    """The bytes below a folder that somebody else may be changing."""
    total = 0
    folders = [os.fspath(folder)]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total
