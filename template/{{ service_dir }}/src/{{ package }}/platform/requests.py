"""What makes a request findable: its id, its trace, its caller, and one line when it is over."""

import ipaddress
import re
import time
from collections.abc import Collection
from os import urandom
from uuid import UUID

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .logging import LogContext, log_context
from .settings import PlatformSettings
from .telemetry import continued_span

# What callers and proxies make: UUIDs, ULIDs, hexadecimal. Nothing that could break a line or a
# header, and no underscore, dot or equals sign, so that hardly a credential fits (CWE-117).
_WELL_FORMED = re.compile(rb"[A-Za-z0-9-]{8,64}")
_REQUEST_ID = b"x-request-id"


def bind_principal(principal_id: UUID | str) -> None:
    """From here on the lines of this request name who is calling."""
    if (context := log_context.get()) is not None:
        context.principal_id = str(principal_id)


class RequestContextMiddleware:
    """Names each request, answers with the name, and logs a line when the request is over.

    The id is the caller's `X-Request-ID` where that is well formed. Paths in `quiet_paths` are
    logged at debug: a probe every second hides everything else.
    """

    def __init__(
        self, app: ASGIApp, *, settings: PlatformSettings, quiet_paths: Collection[str] = ()
    ) -> None:
        self.app = app
        self._hops = settings.trusted_proxy_hops
        self._sample_ratio = settings.trace_sample_ratio
        self._quiet = frozenset(quiet_paths)
        self._log = structlog.get_logger(__name__).bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = scope["headers"]
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        if self._hops:
            _trust_proxies(scope, self._hops)
        status: int | None = None

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] in {"http.response.start", "websocket.accept"}:
                status = message.get("status", 101)
                message["headers"] = [
                    *message.get("headers", ()),
                    (_REQUEST_ID, request_id.encode()),
                ]
            await send(message)

        span = trace.get_current_span()
        attached = None
        if scope.get("fastapi.telemetry") is None:
            # No exporter, or a request that is not traced: the trace goes on all the same.
            span = continued_span(headers, self._sample_ratio)
            attached = otel_context.attach(trace.set_span_in_context(span))
        ids = span.get_span_context()
        context = LogContext(request_id, f"{ids.trace_id:032x}", f"{ids.span_id:016x}")
        token = log_context.set(context)
        try:
            await self.app(scope, receive, send_named)
        except BaseException as error:
            # The context stays: the server logs this failure next, in the same task.
            self._over(scope, began, status, error)
            raise
        else:
            self._over(scope, began, status, None)
            log_context.reset(token)
        finally:
            if attached is not None:
                otel_context.detach(attached)

    def _over(
        self, scope: Scope, began: float, status: int | None, error: BaseException | None
    ) -> None:
        client = scope.get("client")
        route = scope.get("route")
        details = {
            "method": scope.get("method", "WEBSOCKET"),
            "path": scope["path"],
            "route": getattr(route, "path_format", None),
            "status": status,
            "duration_ms": round((time.perf_counter() - began) * 1000, 2),
            "client": client[0] if client else None,
        }
        if error is not None:
            details["error"] = type(error).__name__
        if scope["path"] in self._quiet:
            self._log.debug("request", **details)
        elif error is not None or (status is not None and status >= 500):  # noqa: PLR2004
            self._log.error("request", **details)
        else:
            self._log.info("request", **details)


def _request_id(headers: list[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == _REQUEST_ID:
            if _WELL_FORMED.fullmatch(value):
                return value.decode()
            break
    return urandom(16).hex()


def _trust_proxies(scope: Scope, hops: int) -> None:
    """Take the client's address from what the outermost of our own proxies wrote (ASVS 15.3.4).

    Each proxy appends whom it heard; only the last `hops` entries are ours, the rest is hearsay.
    """
    written = [
        part.strip()
        for name, value in scope["headers"]
        if name == b"x-forwarded-for"
        for part in value.decode("latin-1").split(",")
    ]
    if len(written) < hops:
        return
    try:
        address = ipaddress.ip_address(written[-hops])
    except ValueError:
        return
    scope["client"] = (str(address), 0)
