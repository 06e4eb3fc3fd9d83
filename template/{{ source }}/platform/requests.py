"""What makes a request findable: its id, its trace, its caller, and one line when it is over."""

import asyncio
import ipaddress
import re
import time
from collections.abc import Collection
from random import getrandbits
from uuid import UUID

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .logging import LogContext, log_context, request_lines
from .secret_shapes import redact_text
from .telemetry import RECORDED, Telemetry

# What callers and proxies make: UUIDs, ULIDs, hexadecimal. Nothing that could break a line or a
# header, and no underscore, dot or equals sign, so that hardly a credential fits (CWE-117).
_WELL_FORMED = re.compile(rb"[A-Za-z0-9-]{8,64}")
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([\d.]+):\d+")
_REQUEST_ID = b"x-request-id"
_LONGEST_PATH = 512


def bind_principal(principal_id: UUID | str) -> None:
    """From here on the lines of this request name who is calling."""
    if (context := log_context.get()) is not None:
        context.principal_id = str(principal_id)


def response_has_begun(scope: Scope) -> bool:
    """Whether it is too late for another response."""
    return "response_begun" in scope["state"]


class RequestContextMiddleware:
    """Names each request, answers with the name, and logs a line when the request is over.

    The id is the caller's `X-Request-ID` where that is well formed. Paths in `quiet_paths` are
    logged at debug: a probe every second hides everything else.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        telemetry: Telemetry,
        trusted_proxy_hops: int = 0,
        quiet_paths: Collection[str] = (),
    ) -> None:
        self._app = app  # by another name: FastAPI follows `app` to its end with every request
        self._inbound = telemetry.inbound
        self._hops = trusted_proxy_hops
        self._quiet = frozenset(quiet_paths)
        self._log = structlog.get_logger(__name__).bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve({**scope, "method": "WEBSOCKET"}, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        if self._hops:
            _trust_proxies(scope, self._hops)
        status: int | None = None

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] in {"http.response.start", "websocket.accept"}:
                status = message.get("status", 101)
                state["response_begun"] = True
                named = (_REQUEST_ID, request_id.encode())
                message["headers"] = [*message.get("headers", ()), named]
            await send(message)

        span = trace.get_current_span()
        attached = None
        if scope.get("fastapi.telemetry") is None and RECORDED not in scope:
            span = self._inbound.silent_span(scope)
            attached = otel_context.attach(trace.set_span_in_context(span))
        ids = span.get_span_context()
        context = LogContext(request_id, f"{ids.trace_id:032x}", f"{ids.span_id:016x}")
        token = log_context.set(context)
        error: BaseException | None = None
        self._inbound.began(scope)
        try:
            await self._app(scope, receive, send_named)
        except BaseException as failure:
            error = failure
            raise
        finally:
            seconds = time.perf_counter() - began
            self._inbound.ended(scope, status, seconds)
            self._log_access(context, scope, status, seconds, error)
            if error is None:
                # Else it stays: the server logs the failure next, in the same task.
                log_context.reset(token)
            if attached is not None:
                otel_context.detach(attached)

    def _log_access(
        self,
        context: LogContext,
        scope: Scope,
        status: int | None,
        seconds: float,
        error: BaseException | None,
    ) -> None:
        client = scope.get("client")
        path: str = scope["path"]
        details = {
            "method": scope["method"],
            "path": path if len(path) <= _LONGEST_PATH else redact_text(path, _LONGEST_PATH),
            "route": getattr(scope.get("route"), "path_format", None),
            "status": status,
            "duration_ms": round(seconds * 1000, 2),
            "client": client[0] if client else None,
        }
        if error is not None:
            details["error"] = type(error).__name__
        failed = isinstance(error, Exception) or (status is not None and status >= 500)
        if failed and not isinstance(error, asyncio.CancelledError):
            self._log.error("request", **details)
        elif path in self._quiet:
            self._log.debug("request", **details)
        elif error is not None or not request_lines.write(context, details):
            self._log.info("request", **details)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == _REQUEST_ID:
            if _WELL_FORMED.fullmatch(value):
                return str(value, "ascii")
            break
    # A name, no secret: it is not worth a call to the kernel.
    return f"{getrandbits(128):032x}"


def _trust_proxies(scope: Scope, hops: int) -> None:
    """Take the client's address from what the outermost of our own proxies wrote (ASVS 15.3.4).

    Each proxy appends whom it heard: the last `hops` entries are ours, the rest is hearsay.
    """
    written = [
        part.strip()
        for name, value in scope["headers"]
        if name == b"x-forwarded-for"
        for part in value.decode("latin-1").split(",")
    ]
    if len(written) < hops:
        return
    address = written[-hops]
    if found := _WITH_PORT.fullmatch(address):
        address = found[1] or found[2]
    try:
        scope["client"] = (str(ipaddress.ip_address(address)), 0)
    except ValueError:
        return
