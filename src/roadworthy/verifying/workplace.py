"""Where a prototype's code is run: in copies, in a scratch folder, with nothing of the user's."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .cell import Specification
from .model import Containment

_CELL = "from roadworthy.verifying.cell import main; raise SystemExit(main())"
_TAIL = 4000
_GRACE = 15
_LAST_WORDS = 2
"""What is left may hold the pipe open where nothing ends it, and what was said is read at once."""
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix", "/proc"),
    *("/sys", "/dev", "/run/systemd/resolve", "/home/linuxbrew", "/Library", "/System"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")
_PASSED_ON = (
    *("LANG", "LC_ALL", "TZ"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "PIP_CERT"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("npm_config_registry", "NPM_CONFIG_REGISTRY", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
    *("PIP_FIND_LINKS", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_OFFLINE"),
)
_LEFT_OUT = frozenset({".git", "node_modules", ".venv", "__pycache__", ".next", ".turbo"})


@dataclass(frozen=True)
class Terms:
    """On which a command runs. `serves`: it is to be reached from outside, and may call `ports`
    of this machine; `reads` is what it may see besides the system and the scratch folder.
    `trusted` is a command of ours: it is held to its time alone.
    """

    seconds: float
    trusted: bool = False
    network: bool = False
    serves: bool = False
    ports: tuple[int, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Ran:
    """`status` is None for what had to be stopped."""

    status: int | None
    seconds: float
    said: str
    late: bool
    containment: Containment


@dataclass(frozen=True)
class Workplace:
    """Make one with `workplace()`; it is gone with all that was done in it."""

    scratch: Path
    reports: Path

    @property
    def home(self) -> Path:
        return self.scratch / "home"

    @property
    def fetched(self) -> Path:
        """Where programs are installed that this machine lacks; npm and uv agree about `bin`."""
        return self.home / ".local"

    @property
    def path(self) -> str:
        """Where the prototype's programs are looked for. Its code can write the last folder, so
        that no command of ours is looked for there (CWE-427).
        """
        return os.pathsep.join([search_path(), str(self.fetched / "bin")])

    def copy(self, tree: Path, name: str, *, environment_of: Path | None = None) -> Path:
        """A tree to work on. `environment_of` is where `.env` files are that this one lost."""
        to = self.scratch / name
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(tree, to, symlinks=True, ignore=_left_out)
        if environment_of is not None:
            _add_environment(environment_of, to)
        return to

    def environment(self, terms: Terms) -> dict[str, str]:
        """No token, no configuration and no home of the user's (CWE-526)."""
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        kept = {name: value for name, value in kept.items() if not _holds_credential(value)}
        return kept | {
            "PATH": search_path() if terms.trusted else self.path,
            "HOME": str(self.home),
            "TMPDIR": str(self.scratch / "tmp"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "CI": "true",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "NEXT_TELEMETRY_DISABLED": "1",
            "DO_NOT_TRACK": "1",
            "PYTHONUNBUFFERED": "1",
            "npm_config_fund": "false",
            "npm_config_audit": "false",
            "npm_config_update_notifier": "false",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_LINK_MODE": "copy",
            **terms.variables,
        }

    def report_file(self) -> Path:
        """An empty file of its own, outside of what the code that is run can write."""
        handle, name = tempfile.mkstemp(dir=self.reports)
        os.close(handle)
        return Path(name)

    def run(self, command: Sequence[str], folder: Path, terms: Terms) -> Ran:
        with self.start(command, folder, terms) as running:
            return running.wait()

    @contextmanager
    def start(self, command: Sequence[str], folder: Path, terms: Terms) -> Iterator["Running"]:
        """Run a command beside what the caller does; it is over when the caller is."""
        report = self.report_file()
        environment = self.environment(terms)
        specification = Specification(
            command=[_found(command[0], environment["PATH"]), *command[1:]],
            folder=str(folder),
            report=str(report),
            seconds=terms.seconds,
            reads=[*_SYSTEM, *_programs(environment["PATH"]), *map(str, terms.reads)],
            writes=[str(self.scratch), *_DEVICES],
            trusted=terms.trusted,
            network=terms.network,
            serves=terms.serves,
            ports=list(terms.ports),
        )
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _CELL, specification.dump()],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        running = Running(process, report, time.monotonic(), terms.seconds)
        try:
            yield running
        finally:
            running.stop()


class Running:
    def __init__(
        self, process: "subprocess.Popen[bytes]", report: Path, since: float, seconds: float
    ) -> None:
        self._process = process
        self._report = report
        self._since = since
        self._seconds = seconds
        self._tail: deque[bytes] = deque()
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    @property
    def over(self) -> bool:
        return self._process.poll() is not None

    @property
    def said(self) -> str:
        return b"".join(list(self._tail)).decode("utf-8", "replace")[-_TAIL:].strip()

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether that came true while it ran."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.over:
            if condition():
                return True
            time.sleep(0.1)
        return False

    def wait(self) -> Ran:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self._seconds + _GRACE)
        return self.stop()

    def stop(self) -> Ran:
        """Ask the cell, which ends what it holds; it is not asked twice."""
        if not self.over:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(_LAST_WORDS)
        seconds = time.monotonic() - self._since
        try:
            told = json.loads(self._report.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Ran(None, seconds, self.said, late=False, containment=Containment())
        held = told["containment"]
        containment = Containment(held.get("files"), held.get("network"))
        return Ran(told["status"], seconds, self.said, told["late"], containment)

    def _read(self, stream: IO[bytes] | None) -> None:
        held = 0
        for line in iter(lambda: stream.read1(65536) if stream else b"", b""):  # type: ignore[attr-defined]
            self._tail.append(line)
            held += len(line)
            while len(self._tail) > 1 and held - len(self._tail[0]) > _TAIL:
                held -= len(self._tail.popleft())


@contextmanager
def workplace() -> Iterator[Workplace]:
    with tempfile.TemporaryDirectory(prefix="roadworthy-", ignore_cleanup_errors=True) as folder:
        # The reports say what became of a command, which is not the command's to say.
        scratch, reports = Path(folder).resolve() / "work", Path(folder).resolve() / "reports"
        for path in (scratch / "home", scratch / "tmp", reports):
            path.mkdir(parents=True)
        yield Workplace(scratch, reports)


def _add_environment(tree: Path, to: Path) -> None:
    for place, folders, names in os.walk(tree):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        for name in names:
            there = to / Path(place).relative_to(tree) / name
            if name.startswith(".env") and there.parent.is_dir() and not there.exists():
                shutil.copyfile(Path(place, name), there)


def _left_out(folder: str, names: list[str]) -> set[str]:
    """What is built anew, and by whoever builds it; a committed environment is for another disk."""
    environments = {name for name in names if Path(folder, name, "pyvenv.cfg").is_file()}
    return environments | (_LEFT_OUT & set(names))


def _holds_credential(value: str) -> bool:
    return bool(re.search(r"://[^/\s]*@", value))


def search_path() -> str:
    """What we bring ourselves, uv for one, is found last."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])


def _found(program: str, path: str) -> str:
    return shutil.which(program, path=path) or program


def _programs(path: str) -> Iterator[str]:
    """The folders on PATH, and those that the programs of a home come from."""
    yield from (sys.prefix, sys.base_prefix, str(Path(__file__).parents[2]))
    for folder in filter(os.path.isabs, path.split(os.pathsep)):
        yield folder
        # What a version manager has there asks the manager, which lies beside it.
        if Path(folder).name == "shims":
            yield str(Path(folder).parent)
    for name in ("node", "npm", "pnpm", "yarn", "bun", "python3", "uv", "poetry"):
        if (found := shutil.which(name, path=path)) is not None:
            real = Path(found).resolve()
            prefix = real.parents[1]
            yield str(real.parent if prefix == Path.home() else prefix)
