"""A stamped service as its users run it: separate processes, production settings, a mail server."""

import contextlib
import hashlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import httpx2
import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from stamping import Project

HOST = "service.example.com"
ORIGIN = f"https://{HOST}"
COOKIE = "__Host-session"
PATIENCE = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MailServer:
    """Keeps what is sent to it, by recipient."""

    def __init__(self) -> None:
        self.mails: dict[str, list[str]] = {}
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        text = message.get_content()
        for recipient in envelope.rcpt_tos:
            self.mails.setdefault(recipient, []).append(text)
        return "250 OK"

    def token_for(self, address: str) -> str:
        """The token in the latest mail to this address, which is waited for."""
        wait_until(lambda: bool(self.mails.get(address)), f"no mail reached {address}")
        found = re.search(r"#token=(\S+)", self.mails[address][-1])
        assert found, self.mails[address][-1]
        return found[1]

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


def wait_until(condition: Any, complaint: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


@dataclass
class Person:
    """Somebody with a session, and a client that sends it as a browser would."""

    email: str
    client: httpx2.Client
    user_id: UUID | None = None

    def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return self.client.request(method, path, **options)


class Production:
    """PostgreSQL, the server and a worker, each a process of its own."""

    def __init__(self, project: Project, folder: Path, mail: MailServer) -> None:
        self.project = project
        self.mail = mail
        self.port = free_port()
        self.log = folder / "service.log"
        self._data = folder / "postgres"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._database_url = ""
        self._database_port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return self.project.environment() | {
            "ENVIRONMENT": "production",
            "DATABASE_URL": self._database_url,
            "SECRET_KEY": "5" * 64,
            "PUBLIC_URL": ORIGIN,
            "ALLOWED_HOSTS": HOST,
            "SMTP_URL": f"smtp://127.0.0.1:{self.mail.port}",
            "MAIL_FROM": f"no-reply@{HOST}",
            "PORT": str(self.port),
            "TRUSTED_PROXY_HOPS": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "",
        }

    def __enter__(self) -> Self:
        self.start_database()
        self.run("migrate")
        self.start("serve")
        self.start("worker")
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._processes):
            self.stop(name)
        self.stop_database()

    def postgres(self, action: str, *options: str) -> str:
        command = [sys.executable, "-m", "guardrails.postgres", action, "--data", str(self._data)]
        finished = subprocess.run(
            [*command, *options],
            cwd=self.project.path,
            env=self.project.environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return finished.stdout.strip()

    def start_database(self) -> None:
        self._database_url = self.postgres("start", "--port", str(self._database_port))

    def stop_database(self) -> None:
        self.postgres("stop")

    def run(self, *arguments: str, stdin: str = "") -> str:
        finished = subprocess.run(
            [sys.executable, "-m", self.project.package, *arguments],
            cwd=self.project.path,
            env=self.environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout
        return finished.stdout

    @property
    def postmaster(self) -> int:
        return int((self._data / "data" / "postmaster.pid").read_text().splitlines()[0])

    def start(self, name: str, **variables: str) -> None:
        with self.log.open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", self.project.package, name],
                cwd=self.project.path,
                env=self.environment | variables,
                stdout=log,
                stderr=log,
            )
        if name == "serve":
            wait_until(self.is_ready, "the service is not ready")

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self._processes.pop(name)
        process.send_signal(number)
        return process.wait(PATIENCE)

    def is_ready(self) -> bool:
        with contextlib.suppress(httpx2.TransportError):
            return self.client().get("/health/ready").status_code == 200
        return False

    def client(self, token: str | None = None, address: str = "198.51.100.1") -> httpx2.Client:
        """A client behind the proxy, as the address that the proxy saw."""
        headers = {"host": HOST, "x-forwarded-for": address, "x-forwarded-proto": "https"}
        if token is not None:
            headers["cookie"] = f"{COOKIE}={token}"
        return httpx2.Client(base_url=self.url, headers=headers, timeout=PATIENCE)

    def sign_up(self, email: str, password: str) -> None:
        credentials = {"email": email, "password": password}
        with self.client() as client:
            assert client.post("/auth/sign-up", json=credentials).status_code == 202
            token = self.mail.token_for(email)
            assert client.post("/auth/verify-email", json={"token": token}).status_code == 204

    def log_in(self, email: str, password: str, *, presented: str | None = None) -> str:
        with self.client(presented) as client:
            response = client.post("/auth/log-in", json={"email": email, "password": password})
        assert response.status_code == 204, response.text
        return cookie_of(response)

    def database(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self._database_url, autocommit=True)

    def people(self, count: int, *roles: str) -> list[Person]:
        """Accounts with a session each, written to the database: hashing is tested elsewhere."""
        with self.database() as connection:
            return [self._person(connection, roles) for _ in range(count)]

    def _person(
        self, connection: psycopg.Connection[tuple[Any, ...]], roles: tuple[str, ...]
    ) -> Person:
        token, user_id = secrets.token_urlsafe(32), uuid4()
        email = f"{user_id.hex}@example.com"
        connection.execute(
            "INSERT INTO users (id, email, password_hash, created_at) VALUES (%s, %s, '', now())",
            [user_id, email],
        )
        connection.execute(
            "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at)"
            " VALUES (%s, %s, %s, now(), now(), now() + interval '1 hour')",
            [uuid4(), hashlib.sha256(token.encode()).digest(), user_id],
        )
        for role in roles:
            connection.execute("INSERT INTO user_roles VALUES (%s, %s)", [user_id, role])
        return Person(email, self.client(token), user_id)

    def log_line(self, request_id: str) -> dict[str, Any]:
        """The one line about a request, which is written once the answer is on its way."""
        deadline = time.monotonic() + 10
        while True:
            about: list[dict[str, Any]] = [
                json.loads(line)
                for line in self.log.read_text().splitlines()
                if f'"request_id":"{request_id}"' in line
            ]
            if about or time.monotonic() > deadline:
                (line,) = about
                return line
            time.sleep(0.05)


def cookie_of(response: httpx2.Response) -> str:
    found = re.match(rf"{COOKIE}=([^;]+)", response.headers["set-cookie"])
    assert found, response.headers["set-cookie"]
    return found[1]


def without_proxies() -> None:
    """Loopback is reached directly, whatever proxy the machine has."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        os.environ.pop(name, None)


def new_event(admin: Person, capacity: int) -> dict[str, object]:
    response = admin.call(
        "POST",
        "/events",
        json={
            "title": "Last concert",
            "time_zone": "Europe/Berlin",
            "starts_at": "2099-07-01T19:00:00",
            "capacity": capacity,
            "price": {"amount": "12.50", "currency": "EUR"},
        },
    )
    assert response.status_code == 201, response.text
    created: dict[str, object] = response.json()
    return created
