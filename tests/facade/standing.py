"""A stamped service standing in front of a prototype, as its users start it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import uvicorn
from stamping import Project
from starlette.types import ASGIApp

PATIENCE = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(app: ASGIApp, port: int) -> Iterator[None]:
    """An application on a socket, in a thread."""
    config = uvicorn.Config(app, port=port, ws="websockets-sansio", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the upstream did not start")
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


def wait_until(condition: Any, complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


@dataclass
class Database:
    """A migrated PostgreSQL for the services of one stamp."""

    project: Project
    data: Path
    url: str = ""

    @property
    def service(self) -> Path:
        return self.project.path / "service"

    def environment(self) -> dict[str, str]:
        paths = f"{self.service / 'src'}:{self.project.path}"
        return self.project.environment() | {"PYTHONPATH": paths}

    def __enter__(self) -> Self:
        self.url = self._postgres("start")
        self.run("migrate")
        return self

    def __exit__(self, *_: object) -> None:
        self._postgres("stop")

    def _postgres(self, action: str) -> str:
        command = [sys.executable, "-m", "guardrails.postgres", action, "--data", str(self.data)]
        ran = subprocess.run(
            command, cwd=self.project.path, env=self.environment(), check=True,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return ran.stdout.strip()

    def run(self, *arguments: str, given: str = "", **variables: str) -> str:
        """One of the service's own commands; gives what it printed."""
        ran = subprocess.run(
            [sys.executable, "-m", self.project.package, *arguments],
            cwd=self.service,
            env=self.environment() | {"DATABASE_URL": self.url} | variables,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def check_tests(self, *names: str) -> None:
        """The service's own tests of these names, as they are stamped."""
        tests = [f"tests/legacy/test_{name}.py" for name in names]
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--quiet", *tests],
            cwd=self.service,
            env=self.environment() | {"DATABASE_URL": self.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert ran.returncode == 0, ran.stdout[-6000:]
        assert " passed" in ran.stdout


@dataclass
class Standing:
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, /, **headers: str) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "content-type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, _read(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, _read(refused.read())

    def lines(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]


@contextmanager
def standing(database: Database, folder: Path, **settings: str) -> Iterator[Standing]:
    """The service on a socket of its own, until the block ends."""
    port = free_port()
    log = folder / f"service-{port}.log"
    environment = database.environment() | {
        "DATABASE_URL": database.url,
        "ENVIRONMENT": "test",
        "LOG_FORMAT": "json",
        "PORT": str(port),
        **settings,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", database.project.package, "serve"],
            cwd=database.service,
            env=environment,
            stderr=output,
            start_new_session=True,
        )
    service = Standing(port, log)
    try:
        wait_until(lambda: _answers(port) or process.poll() is not None, "it did not start")
        assert process.poll() is None, log.read_text()
        yield service
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _read(body: bytes) -> Any:
    try:
        return json.loads(body or b"null")
    except ValueError:
        return body.decode()
