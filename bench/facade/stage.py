"""An adopted prototype with everything on, and the rivals of its facade, each on one worker."""

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import copier
import jwt
import psycopg

from bench import project
from bench.load import Target
from bench.receiver import Receiver, receiving
from bench.rounds import Contender
from bench.servers import Server, serving

_GATE = '[routes]\n"* /**" = "authenticated"\n"WEBSOCKET /**" = "authenticated"\n'
_FAST = ("--no-access-log", "--no-server-header", "--no-proxy-headers")
_SOCKETS = ("--ws", "websockets-sansio", "--ws-per-message-deflate", "false")
_SECRET = "a-secret-for-the-bench-only-0123456789"  # noqa: S105


def stamp(root: Path) -> Path:
    """`copier copy` in mode adopt; the folder of the service."""
    copier.run_copy(
        str(project.ROOT),
        root,
        data={"mode": "adopt", "kind": "fastapi", "entry": "main:app"},
        defaults=True,
        quiet=True,
        vcs_ref="HEAD",
    )
    service = root / "service"
    (service / "gate.toml").write_text(_GATE, "utf-8")
    return service


@dataclass(frozen=True)
class Stage:
    stack: ExitStack
    work: Path
    service: Path
    database_url: str
    receiver: Receiver
    token: str

    @classmethod
    def opened(cls, stack: ExitStack, work: Path) -> "Stage":
        service = stamp(work / "adopted")
        postgres = stack.enter_context(project.postgres(service.parent))
        stage = cls(stack, work, service, postgres.url, stack.enter_context(receiving()), _token())
        project.run(service, "migrate", environment=stage.settings())
        return stage

    def settings(self, **own: str) -> dict[str, str]:
        """As in production: gate enforcing, JSON lines, a tenth of the requests traced."""
        return {
            "PYTHONPATH": os.pathsep.join(
                str(folder) for folder in (self.service / "src", self.service.parent, project.ROOT)
            ),
            "ENVIRONMENT": "production",
            "DATABASE_URL": self.database_url,
            "PUBLIC_URL": "https://app.example.com",
            "ALLOWED_HOSTS": "127.0.0.1",
            "SECRET_KEY": secrets.token_hex(32),
            "SMTP_URL": "smtp://127.0.0.1:1025",
            "MAIL_FROM": "app@example.com",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "info",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.receiver.url,
            "TRACE_SAMPLE_RATIO": "0.1",
            "GATE_MODE": "enforcing",
            "CALLERS": "jwt",
            "SESSION_JWT_SECRET": _SECRET,
            "PROTOTYPE_RATE": "1000000",
            "PROTOTYPE_RATE_BURST": "1000000",
            "PROTOTYPE_MAX_BODY_BYTES": str(2 * 1024**3),
            **own,
        }

    def facade(self, name: str, **own: str) -> Server:
        return self._start(name, [project.PACKAGE, "serve"], self.settings(**own))

    def uvicorn(self, name: str, factory: str, **own: str) -> Server:
        command = ["uvicorn", factory, "--factory", *_FAST, *_SOCKETS]
        return self._start(name, command, {"PYTHONPATH": str(project.ROOT), **own})

    def _start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Server:
        log = self.work / f"{name.replace(' ', '-')}.log"
        server = serving(command, environment, directory=self.service, log=log)
        return self.stack.enter_context(server)

    def contender(self, server: Server, path: str) -> Contender:
        headers = {"Authorization": f"Bearer {self.token}", "User-Agent": "bench", "Accept": "*/*"}
        return Contender(server, Target(f"{server.url}{path}", headers))

    def version(self) -> str:
        with psycopg.connect(self.database_url) as connection:
            return str(connection.info.parameter_status("server_version"))


def _token() -> str:
    """What the prototype gives to somebody who has logged in."""
    now = int(time.time())
    claims = {"sub": "4f1d6c1e-ada", "iat": now, "exp": now + 86_400, "role": "member"}
    return jwt.encode(claims, _SECRET, algorithm="HS256")
