"""Which requests are recorded, and how many there are, how many fail and how long they take.

FastAPI's own telemetry makes the server span. It is asked for those requests only that are
recorded; the others cost it, and its metrics cost every one, more than all else here together.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterable, MutableMapping
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    use_span,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .context import PROPAGATOR
from .durations import Durations

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED: Final = TraceFlags(TraceFlags.DEFAULT)
_METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"}
)
_SECONDS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
Headers = Iterable[tuple[bytes, bytes]]

# In the scope of a request whose span is the current one.
RECORDED: Final = "recorded"
# In the scope: the span that the caller named, or None.
_CALLER: Final = "caller_span"


class Inbound:
    """The telemetry of requests that come in."""

    def __init__(
        self,
        tracer: Tracer,
        meter: Meter,
        *,
        is_recording: bool,
        sample_ratio: float,
        untraced_paths: Collection[str],
    ) -> None:
        self._tracer = tracer
        self._is_recording = is_recording
        self._sample_ratio = sample_ratio
        self._untraced = frozenset(untraced_paths)
        self._active: Counter[tuple[str, str]] = Counter()
        self.durations = Durations(
            "http.server.request.duration",
            "Duration of HTTP server requests.",
            (
                "http.request.method",
                "url.scheme",
                "http.route",
                "http.response.status_code",
                "error.type",
            ),
            _SECONDS,
        )
        meter.create_observable_up_down_counter(
            "http.server.active_requests",
            [self._observe_active],
            "{request}",
            "Number of active HTTP server requests.",
        )

    def is_unrecorded(self, scope: MutableMapping[str, Any]) -> bool:
        """As the caller decided, else by the ratio; the sampler keeps to it."""
        if not self._is_recording or scope["path"] in self._untraced:
            return True
        caller = scope[_CALLER] = _caller(scope["headers"])
        if caller is not None:
            return not caller.trace_flags.sampled
        return random.random() >= self._sample_ratio  # noqa: S311

    async def record(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve with a server span, for what FastAPI never sees: its own is dear."""
        websocket = scope["type"] == "websocket"
        attributes: dict[str, str | int] = {
            "url.scheme": scope["scheme"],
            "url.path": scope["path"],
            "http.request.method": "GET" if websocket else _method(scope),
        }
        caller = _caller(scope["headers"])
        span = self._tracer.start_span(
            "WS" if websocket else _method(scope),
            context=trace.set_span_in_context(NonRecordingSpan(caller)) if caller else Context(),
            kind=SpanKind.SERVER,
            attributes=attributes,
        )
        scope[RECORDED] = True

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                status: int = message["status"]
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_attribute("error.type", str(status))
                    span.set_status(StatusCode.ERROR)
            await send(message)

        with use_span(span, end_on_exit=True, record_exception=False):
            await app(scope, receive, send_and_note)

    def silent_span(self, scope: MutableMapping[str, Any]) -> Span:
        """The span of a request that is not recorded: the caller's own, or a new trace's.

        The caller's span id stays, so that a trace with a silent service in its middle is still
        one tree. Without a collector the sampling is decided all the same: for those called next.
        """
        caller = scope[_CALLER] if _CALLER in scope else _caller(scope["headers"])
        if caller is not None:
            return NonRecordingSpan(caller)
        sampled = not self._is_recording and random.random() < self._sample_ratio  # noqa: S311
        return silent_span(sampled=sampled)

    def began(self, scope: MutableMapping[str, Any]) -> None:
        if self._is_recording and scope["type"] == "http":
            self._active[_method(scope), scope["scheme"]] += 1

    def ended(self, scope: MutableMapping[str, Any], status: int | None, seconds: float) -> None:
        if not self._is_recording or scope["type"] != "http":
            return
        method = _method(scope)
        self._active[method, scope["scheme"]] -= 1
        error = str(status or "incomplete_response") if status is None or status >= 500 else None
        route = getattr(scope.get("route"), "path_format", None)
        self.durations.record((method, scope["scheme"], route, status, error), seconds)

    def _observe_active(self, _: CallbackOptions) -> Iterable[Observation]:
        for (method, scheme), count in list(self._active.items()):
            yield Observation(count, {"http.request.method": method, "url.scheme": scheme})


def silent_span(*, sampled: bool) -> Span:
    """A span that records nothing and begins a trace, so that its ids can be logged and sent."""
    return NonRecordingSpan(
        SpanContext(
            random.getrandbits(128) or 1,
            random.getrandbits(64) or 1,
            is_remote=False,
            trace_flags=_SAMPLED if sampled else _NOT_SAMPLED,
        )
    )


def _caller(headers: Headers) -> SpanContext | None:
    carrier = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in headers
        if name in {b"traceparent", b"tracestate"}
    }
    if "traceparent" not in carrier:
        return None
    caller = trace.get_current_span(PROPAGATOR.extract(carrier, Context())).get_span_context()
    return caller if caller.is_valid else None


def _method(scope: MutableMapping[str, Any]) -> str:
    """Anyone can invent a method; a metric must not grow a series for each (CWE-770)."""
    method: str = scope["method"]
    return method if method in _METHODS else "_OTHER"
