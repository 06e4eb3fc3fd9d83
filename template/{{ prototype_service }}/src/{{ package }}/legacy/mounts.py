"""The prototype in this process: its ASGI or WSGI application, mounted.

Opt-in, for it shares memory, dependencies and crashes with the service. What it raises stays here.
"""

import asyncio
import contextlib
import importlib
import os
import sys
from typing import Any, Final

import structlog
from a2wsgi import WSGIMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..platform.problems import ContentTooLarge, Problem
from .answering import Answering, Place
from .forwarding import end_to_end, said_by_us
from .framing import announced_length
from .refusals import BadGateway, GatewayTimeout
from .said import Said
from .settings import LegacySettings

_log = structlog.get_logger(__name__)

_WSGI_THREADS: Final = 32
_STARTUP_SECONDS: Final = 60.0
_SHUTDOWN_SECONDS: Final = 10.0
# What of a scope is the prototype's to know; the rest is this service's own.
_PASSED_ON: Final = (
    "type", "asgi", "http_version", "method", "path", "raw_path", "query_string", "root_path",
    "client", "server", "subprotocols", "extensions",
)  # fmt: skip


class LoadingError(RuntimeError):
    """PROTOTYPE_APP names nothing that can be mounted."""


class Mount:
    """A prototype's application, with its lifespan."""

    def __init__(self, settings: LegacySettings, place: Place) -> None:
        self._settings = settings
        self._scheme = "https" if place.is_public_https else "http"
        self._answering = Answering(place)
        self._most = settings.prototype_max_body_bytes
        self._idle = settings.prototype_idle_timeout
        self._app: ASGIApp | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lifespan: _Lifespan | None = None
        self._left: str | None = None
        self._said = Said()

    async def open(self) -> None:
        folder = self._settings.prototype_dir.resolve()
        self._loop = asyncio.get_running_loop()
        # As when it runs alone: it finds its modules and its files in its own folder.
        self._left = os.getcwd()  # noqa: PTH109
        sys.path.insert(0, str(folder))
        os.chdir(folder)
        self._said.begin()
        loaded = _load(self._settings.prototype_app)
        self._said.settle()
        if self._settings.prototype_interface == "wsgi":
            self._app = WSGIMiddleware(loaded, workers=_WSGI_THREADS)  # type: ignore[assignment]
        else:
            self._app = loaded
            self._lifespan = _Lifespan(loaded)
            await self._lifespan.start()
            self._said.settle()

    async def close(self) -> None:
        if self._lifespan is not None:
            await self._lifespan.stop()
        if self._left is not None:
            os.chdir(self._left)
        self._said.end()

    async def check(self) -> None:
        if self._app is None:
            raise RuntimeError("the prototype is not loaded")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        websocket = scope["type"] == "websocket"
        mounted = self._scope(scope, websocket=websocket)
        if websocket:
            await self._connect(mounted, receive, send)
            return
        length = announced_length(scope)
        if length is not None and length > self._most:
            raise ContentTooLarge(f"A body may have {self._most} bytes.")
        await self._serve(mounted, receive, send, is_bounded=length is not None)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            _log.error("prototype_failed", exc_info=error)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, *, is_bounded: bool) -> None:
        assert self._app is not None
        assert self._loop is not None
        answer = _Answer(send, self._loop, self._answering, self._idle)
        if not is_bounded:
            receive = answer.bounded(receive, self._most)
        try:
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:
            if not answer.is_late:
                raise
            answer.settle()
            raise GatewayTimeout("The application did not answer in time.") from None
        except Exception as error:
            if not answer.started:
                raise _told(error) from error
            _log.error("prototype_failed", exc_info=error)
        finally:
            answer.timer.cancel()
        if answer.started and not answer.finished:
            # The server ends the connection, and so the caller learns that the rest is missing.
            _log.warning("answer_broke_off")

    def _scope(self, scope: Scope, *, websocket: bool) -> Scope:
        headers = end_to_end(scope["headers"], websocket=False)
        headers += said_by_us(scope, self._scheme)
        headers += [header for header in scope["headers"] if header[0] in _KEPT_HERE]
        headers.append((b"x-request-id", scope["state"]["request_id"].encode()))
        mounted = {key: scope[key] for key in _PASSED_ON if key in scope}
        mounted["headers"] = headers
        if self._scheme == "https":
            mounted["scheme"] = "wss" if websocket else "https"
        else:
            mounted["scheme"] = scope["scheme"]
        # FastAPI's own telemetry: the prototype's routes name the span that there is, if there is.
        mounted["fastapi.telemetry"] = scope.get("fastapi.telemetry")
        if self._lifespan is not None:
            mounted["state"] = self._lifespan.state.copy()
        return mounted


class _Answer:
    """An answer of the prototype's on its way out, which is to begin in time.

    What asyncio.timeout does, at a third of its cost to every request.
    """

    def __init__(
        self,
        send: Send,
        loop: asyncio.AbstractEventLoop,
        answering: Answering,
        seconds: float,
    ) -> None:
        self._send = send
        self._prepare = answering.headers
        self._task = asyncio.current_task(loop)
        self.timer = loop.call_later(seconds, self._give_up)
        self._fault: Problem | None = None
        self.is_late = False
        self.started = False
        self.finished = False

    def _give_up(self) -> None:
        self.is_late = True
        assert self._task is not None
        self._task.cancel()

    def settle(self) -> None:
        assert self._task is not None
        self._task.uncancel()

    def bounded(self, receive: Receive, most: int) -> Receive:
        """A body of unknown length ends at `most` bytes, whatever the app makes of that."""
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                self._fault = ContentTooLarge(f"A body may have {most} bytes.")
                raise self._fault
            return message

        return receive_within_limit

    async def send(self, message: Message) -> None:
        if self._fault is not None and not self.started:
            raise self._fault  # the app's own idea of what went wrong
        if message["type"] == "http.response.start":
            self.started = True
            self.timer.cancel()
            headers = self._prepare(message["status"], message.get("headers", []))
            message = {**message, "headers": headers}
        elif not message.get("more_body", False):
            self.finished = True
        await self._send(message)


def _told(error: Exception) -> Problem:
    """What the caller is told of an error before there was an answer; the log gets all of it."""
    if isinstance(error, Problem):
        return error
    _log.error("prototype_failed", exc_info=error)
    return BadGateway("The application failed.", code="prototype-failed")


# There is no hop between us and a mounted prototype: its server's headers are ours.
_KEPT_HERE: Final = frozenset({b"host", b"content-length"})


def _load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise LoadingError(f"PROTOTYPE_APP={name} can't be loaded: {error}") from error
    return found


class _Lifespan:
    """Start-up and shut-down of a mounted application, which no server tells it (ASGI lifespan)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.state: dict[str, Any] = {}
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        self._task = asyncio.create_task(self._run(scope))
        answer = await self._tell("lifespan.startup", _STARTUP_SECONDS)
        if answer["type"] == "lifespan.startup.failed":
            raise LoadingError(f"the prototype did not start: {answer.get('message', '')}")

    async def stop(self) -> None:
        if self._task is None or self._task.done():
            return
        with contextlib.suppress(TimeoutError):
            await self._tell("lifespan.shutdown", _SHUTDOWN_SECONDS)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _tell(self, event: str, seconds: float) -> Message:
        await self._to_app.put({"type": event})
        async with asyncio.timeout(seconds):
            return await self._from_app.get()

    async def _run(self, scope: Scope) -> None:
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except Exception as error:
            # An application that knows no lifespan raises; one that fails has said so before.
            _log.info("prototype_has_no_lifespan", error=type(error).__name__)
        await self._from_app.put({"type": "lifespan.ended"})
