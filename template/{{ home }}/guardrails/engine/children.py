"""The processes of the guards: so many at once, each in a session of its own, none left behind.

A guard is a command, or work of ours in a fork of this process, which has the interpreter, the
rules and the tree already. Either way it is another process: what it breaks is its own.
"""

import contextlib
import gc
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Self

_POLL = 0.01
_AT_ONCE = 0.0005
_GLANCE = 0.2
"""What kept a pipe of a guard that has ended says nothing of it, so it is looked for."""
_GRACE = 1.0
_BLOCK = 1 << 20
_OBJECTS = 100_000
"""So many new ones before garbage is looked for: a guard is soon over, and keeps nearly all."""
_ASKED = (signal.SIGTERM, signal.SIGINT)


@dataclass(eq=False)
class Child:
    """One of them, and in the end what it said. `late`: it was stopped at its deadline."""

    pid: int
    deadline: float
    output: bytearray = field(default_factory=bytearray)
    errors: bytearray = field(default_factory=bytearray)
    status: int | None = None
    ended: float = 0.0
    late: bool = False
    pipes: set[int] = field(default_factory=set)
    silent_since: float = 0.0

    def poll(self) -> bool:
        """Whether it has ended."""
        if self.status is None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if not pid:
                    return False
                self.status = os.waitstatus_to_exitcode(status)
            self.ended = self.ended or time.monotonic()
        return True


class Children:
    """Starts them and waits for them. It has no threads: a fork would take their locks along."""

    def __init__(self, folder: Path, environment: Mapping[str, str], path: Sequence[str]) -> None:
        """`path` is where forks import from; commands know by their environment."""
        self._folder = folder
        self._environment = dict(environment)
        self._path = list(path)
        self._running: list[Child] = []
        self._selector = selectors.DefaultSelector()

    def start(self, command: Sequence[str], seconds: float) -> Child:
        """Start a command. Raises OSError: there is no such program, or it can't be run."""
        with _Pipe() as output, _Pipe() as errors, _undisturbed():
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output.inner,
                stderr=errors.inner,
                start_new_session=True,
                preexec_fn=_heed,  # noqa: PLW1509 - there are no threads here
            )
            process.returncode = 0  # Waited for here, not there.
            return self._started(process.pid, seconds, output, errors)

    def fork(self, work: Callable[[], bytes], seconds: float) -> Child:
        """Start work of ours, whose bytes are what it says."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        with _Pipe() as output, _Pipe() as errors, _undisturbed():
            pid = os.fork()
            if not pid:
                self._work(work, output, errors)
            return self._started(pid, seconds, output, errors)

    def wait(self) -> Child:
        """The next that ends, by itself or at its deadline."""
        while True:
            for child in self._running:
                if self._is_over(child):
                    self._running.remove(child)
                    return child
            self._hear()

    def stop(self) -> None:
        """End all that run."""
        for child in self._running:
            _signal(child, signal.SIGTERM)
        for child in self._running:
            self._end(child)
        self._running.clear()
        self._selector.close()

    def _started(self, pid: int, seconds: float, output: "_Pipe", errors: "_Pipe") -> Child:
        child = Child(pid, time.monotonic() + seconds)
        for pipe, heard in ((output, child.output), (errors, child.errors)):
            self._selector.register(pipe.keep(), selectors.EVENT_READ, (child, heard))
            child.pipes.add(pipe.outer)
        self._running.append(child)
        return child

    def _is_over(self, child: Child) -> bool:
        ended, now = child.poll(), time.monotonic()
        if ended and not child.pipes:
            return True
        # Its pipes are open still: something that it started has them, and may keep them for ever.
        if now < (child.ended + _GRACE if ended else child.deadline):
            return False
        child.late = not ended
        self._end(child)
        return True

    def _hear(self) -> None:
        """Read what was said; wait until somebody says something, for a glance at most."""
        until = min(child.deadline for child in self._running) - time.monotonic()
        until = min(until, _GLANCE)
        silent = [child.silent_since for child in self._running if not child.pipes]
        if silent:
            # It is about to end; the longer it takes, the less often it is looked at.
            until = min(max(time.monotonic() - max(silent), _AT_ONCE), _POLL)
        for key, _ in self._selector.select(max(0.0, until)):
            child, heard = key.data
            if data := os.read(key.fd, _BLOCK):
                heard += data
            else:
                self._close(child, key.fd)

    def _close(self, child: Child, pipe: int) -> None:
        self._selector.unregister(pipe)
        child.pipes.discard(pipe)
        child.silent_since = time.monotonic()
        os.close(pipe)

    def _end(self, child: Child, patience: float = 5) -> None:
        """Ask first: a guard may have a database server to stop."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            _signal(child, sign)
            until = time.monotonic() + patience
            while not child.poll() and time.monotonic() < until:
                time.sleep(_POLL)
            if child.poll():
                break
        for pipe in tuple(child.pipes):
            self._close(child, pipe)

    def _work(self, work: Callable[[], bytes], output: "_Pipe", errors: "_Pipe") -> NoReturn:
        """In the child: become as a command is, work, and go, whatever happens."""
        status = 1
        try:
            os.setsid()
            for sign in _ASKED:
                signal.signal(sign, signal.SIG_DFL)
            _heed()
            # Whoever held the other end as well would never hear that nobody reads it any more.
            for pipe in (output.outer, errors.outer):
                os.close(pipe)
            os.chdir(self._folder)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for handle, target in ((nothing, 0), (output.inner, 1), (errors.inner, 2)):
                os.dup2(handle, target)
            sys.stdout = sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            gc.freeze()
            gc.set_threshold(_OBJECTS)
            os.environ.clear()
            os.environ.update(self._environment)
            sys.path[:] = self._path
            said = work()
            with open(1, "wb", closefd=False) as stream:
                stream.write(said)
            status = 0
        except BaseException as error:
            with contextlib.suppress(BaseException):
                os.write(2, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
        finally:
            os._exit(status)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Until it is known whom to stop, nobody asks to: a child that was just made would stay."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ASKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _heed() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED)


def _signal(child: Child, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, sign)


class _Pipe:
    def __init__(self) -> None:
        self.outer, self.inner = os.pipe()
        self._kept = False

    def keep(self) -> int:
        self._kept = True
        return self.outer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.inner)
        if not self._kept:
            os.close(self.outer)
