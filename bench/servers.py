"""Starts a server as a process of its own, waits until it answers, and stops it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


class ServerError(Exception):
    """A server did not start."""


@dataclass(frozen=True)
class Server:
    url: str
    pid: int
    log: Path

    def cpu_seconds(self) -> float | None:
        """The processor time it has used, where the system tells (Linux)."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def lines_about_requests(self) -> int:
        with self.log.open("rb") as lines:
            return sum(b'"duration_ms"' in line for line in lines)


@contextmanager
def serving(
    command: Sequence[str], environment: Mapping[str, str], *, directory: Path, log: Path
) -> Iterator[Server]:
    """`python -m *command --port N`; what it writes to both its streams goes to `log`."""
    port = _free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, f"--port={port}"],
            cwd=directory,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        server = Server(f"http://127.0.0.1:{port}", process.pid, log)
        _wait_until_it_answers(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(server.url, timeout=2).close()  # noqa: S310 (our own server)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    last = server.log.read_text(errors="replace").strip().splitlines()[-15:]
    raise ServerError("\n".join([f"{server.log.stem} does not answer on {server.url}:", *last]))
