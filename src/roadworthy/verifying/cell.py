"""Runs one command that nobody trusts: confined, for a while, and with all that it started ended.

`main` is a program of its own, whose one argument is the JSON of a `Specification`. What became of
the command is written to the file `report`.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from . import landlock, namespaces

_SUBREAPER, _DEATH_SIGNAL, _DROP = 36, 1, 24
_CAPABILITIES = range(41)
_KEPT = {0, 1, 3, 4, 5, 6, 7}
"""Of root's, about owners of files and becoming somebody else; the others see and change more
than Landlock looks at: CAP_PERFMON reads the environment of any process (CWE-250)."""
_UNSTARTED = 127
_LARGEST_FILE = 4 << 30


@dataclass(frozen=True)
class Specification:
    command: list[str]
    folder: str
    report: str
    seconds: float
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    trusted: bool = False
    """It is our own, and is only ended with all that it started."""
    network: bool = False
    serves: bool = False
    """It is to be reached from outside, so it keeps the machine's network; it can't call out
    where Landlock cuts TCP."""
    ports: list[int] = field(default_factory=list)
    """Of this machine's, which it may call all the same."""

    def dump(self) -> str:
        return json.dumps(asdict(self))


class _Late(Exception):
    pass


def main() -> int:
    specification = Specification(**json.loads(sys.argv[1]))
    _prctl(_SUBREAPER, 1)
    _prctl(_DEATH_SIGNAL, signal.SIGTERM)
    signal.signal(signal.SIGTERM, _raise)
    signal.signal(signal.SIGALRM, _raise)
    held, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        _become(specification, tell)
    os.close(tell)
    signal.setitimer(signal.ITIMER_REAL, specification.seconds)
    status, late = None, False
    containment: dict[str, bool] = {}
    try:
        with os.fdopen(held) as pipe:
            containment = json.loads(pipe.read() or "{}")
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except _Late:
        late = True
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_all(child)
    said = {"status": status, "late": late, "containment": containment}
    Path(specification.report).write_text(json.dumps(said), encoding="utf-8")
    return 0


def _raise(number: int, _: FrameType | None) -> None:
    raise _Late(number)


def _become(specification: Specification, tell: int) -> None:
    """In the child: give everything up, say what was held, and be the command."""
    try:
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        _prctl(_DEATH_SIGNAL, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _lower(resource.RLIMIT_FSIZE, _LARGEST_FILE)
        os.chdir(specification.folder)
        os.write(tell, json.dumps(_confine(specification)).encode())
        os.close(tell)
        os.execvp(specification.command[0], specification.command)  # noqa: S606 (none is wanted)
    except OSError as error:
        os.write(2, f"{specification.command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(_UNSTARTED)


def _confine(specification: Specification) -> Mapping[str, bool]:
    if specification.trusted:
        return {}
    cut = False
    if not specification.network and not specification.serves:
        cut = namespaces.cut_network()
    ports = None if specification.network or cut else specification.ports
    for capability in _CAPABILITIES:
        if os.geteuid() == 0 and capability not in _KEPT:
            _prctl(_DROP, capability)
    files = False
    with suppress(OSError):
        if landlock.version():
            landlock.confine(specification.reads, specification.writes, ports)
            files = True
    refused = ports is not None and files and landlock.cuts_tcp(landlock.version())
    return {"files": files, "network": cut or refused}


def _lower(limit: int, to: int) -> None:
    _, hard = resource.getrlimit(limit)
    to = to if hard == resource.RLIM_INFINITY else min(to, hard)
    resource.setrlimit(limit, (to, hard))


def _end_all(child: int) -> None:
    """Whatever it started is our descendant, even what left its process group and its parent."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    for _ in range(200):
        for process in _descendants():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


def _descendants() -> Iterator[int]:
    parents = dict(_parents())
    ours = {os.getpid()}
    while found := {pid for pid, parent in parents.items() if parent in ours and pid not in ours}:
        ours |= found
        yield from found


def _parents() -> Iterator[tuple[int, int]]:
    with suppress(FileNotFoundError):
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with suppress(OSError):
                    # The name in parentheses may hold anything, a parenthesis too.
                    fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                    yield int(entry.name), int(fields[1])


def _prctl(option: int, value: Any) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, int(value), 0, 0, 0)
