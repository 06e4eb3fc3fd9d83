"""OpenTelemetry, where its packages are installed: the facade's trace goes on in the prototype."""

import atexit
import os
import signal
import threading
from functools import cache
from typing import Any

from . import lines
from .secret_shapes import redact_text
from .settings import ENDPOINT, ENVIRONMENT, SAMPLE_RATIO, SERVICE, VERSION

# What a collector has not taken by then is dropped; no request ever waits for one.
_EXPORT_SECONDS = 3
_PATIENCE_SECONDS = 2.0

_lock = threading.Lock()
# Of one process: a server may fork after the first.
_started: dict[int, Any] = {}


def prepare() -> None:
    """Load what takes a while before the first request comes; it starts nothing."""
    if ENDPOINT:
        _packages()


def begin(method: str, path: str, headers: dict[str, str]) -> Any:
    """A span that goes on from the caller's; None where nothing is traced."""
    provider = _provider()
    if provider is None:
        return None
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return provider.get_tracer("prototype-observability").start_span(
        method,
        context=TraceContextTextMapPropagator().extract(headers, Context()),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": method, "url.path": redact_text(path, 1024)},
    )


def end(span: Any, method: str, route: str | None, status: int | None, *, failed: bool) -> None:
    if span is None:
        return
    from opentelemetry.trace import StatusCode

    if route:
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
    if status:
        span.set_attribute("http.response.status_code", status)
    if failed:
        span.set_status(StatusCode.ERROR)
    span.end()


def ids_of(span: Any) -> dict[str, str]:
    context = span.get_span_context()
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def attach(span: Any) -> Any:
    if span is None:
        return None
    from opentelemetry import context, trace

    return context.attach(trace.set_span_in_context(span))


def detach(token: Any) -> None:
    if token is not None:
        from opentelemetry import context

        context.detach(token)


def flush_at_the_end() -> None:
    """Uvicorn ends by the very signal that ended it, and no `atexit` is heard then."""
    atexit.register(_flush)
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _end)


def _end(signum: int, _: object) -> None:
    _flush()
    signal.signal(signum, signal.SIG_DFL)
    signal.raise_signal(signum)


def _flush() -> None:
    provider = _started.get(os.getpid())
    if provider is not None:
        thread = threading.Thread(target=provider.force_flush, daemon=True)
        thread.start()
        thread.join(_PATIENCE_SECONDS)


def _provider() -> Any:
    if not ENDPOINT:
        return None
    pid = os.getpid()
    if pid not in _started:
        with _lock:
            if pid not in _started:
                _started[pid] = _made()
    return _started[pid]


@cache
def _packages() -> Any:
    """The SDK, with all that a first span would have to wait for."""
    try:
        from opentelemetry.exporter.otlp.proto.http import trace_exporter
        from opentelemetry.sdk import resources, trace
        from opentelemetry.sdk.trace import export, sampling
        from opentelemetry.trace.propagation import tracecontext  # noqa: F401
    except ImportError as error:
        lines.write(
            "warning",
            "Nothing is traced: the packages of observe are not installed",
            "observability",
            remedy="pip install --requirement ops/prototype/python/requirements.txt",
            reason=str(error),
        )
        return None
    resource = resources.Resource.create(
        {
            "service.name": SERVICE,
            "service.version": VERSION,
            "deployment.environment.name": ENVIRONMENT,
        }
    )
    return trace_exporter, trace, export, sampling, resource


def _made() -> Any:
    packages = _packages()
    if packages is None:
        return None
    trace_exporter, trace, export, sampling, resource = packages
    provider = trace.TracerProvider(
        sampler=sampling.ParentBasedTraceIdRatio(SAMPLE_RATIO),
        resource=resource,
        shutdown_on_exit=False,
    )
    exporter = trace_exporter.OTLPSpanExporter(f"{ENDPOINT}/v1/traces", timeout=_EXPORT_SECONDS)
    provider.add_span_processor(export.BatchSpanProcessor(exporter, max_queue_size=4096))
    return provider
