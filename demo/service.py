"""The stamped service, as a process, with what it says."""

import re
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.error import URLError

COMMAND = ".venv/bin/acme-bookings"
STARTS_WITHIN = 120.0


class Failure(Exception):
    """What failed, for the person who watches."""


class Service:
    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.url = url
        self.lines: list[str] = []
        self._process = process
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def said(self, pattern: str, within: float = 10.0) -> re.Match[str]:
        """Wait until the service says something."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if found := re.search(pattern, "\n".join(self.lines)):
                return found
            time.sleep(0.05)
        raise Failure(f"the service never said {pattern!r}; its last lines:\n{self.tail()}")

    def tail(self) -> str:
        return "\n".join(self.lines[-20:])

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health/ready", timeout=2):
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise Failure(f"the service did not become ready; its last lines:\n{self.tail()}")

    def wait(self) -> int:
        return self._process.wait()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        self._reader.join(5)

    def _read(self) -> None:
        if self._process.stdout is not None:
            self.lines.extend(line.rstrip("\n") for line in self._process.stdout)


def command(*arguments: str, typed: str = "") -> str:
    """Run one of the service's own commands."""
    ran = subprocess.run(
        [COMMAND, *arguments],
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise Failure(f"acme-bookings {' '.join(arguments)} failed:\n{ran.stdout}")
    return ran.stdout


def create_user(email: str, role: str | None = None) -> str:
    """Make an account that can log in, and give its password."""
    password = secrets.token_urlsafe(12)
    command("users", "create", email, *(["--role", role] if role else []), typed=f"{password}\n")
    return password


@contextmanager
def running(environment: dict[str, str], *, port: int, captured: bool) -> Iterator[Service]:
    """Serve on the port, or on a free one when that is taken."""
    port = _free_port(port)
    url = f"http://localhost:{port}"
    process = subprocess.Popen(
        [str(Path(COMMAND).absolute()), "serve", "--port", str(port)],
        env=environment | {"PUBLIC_URL": url, "EMBEDDED_WORKER": "true"},
        stdout=subprocess.PIPE if captured else None,
        stderr=subprocess.STDOUT if captured else None,
        text=True,
    )
    service = Service(process, url)
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.stop()


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Failure("no port is free on this machine")
