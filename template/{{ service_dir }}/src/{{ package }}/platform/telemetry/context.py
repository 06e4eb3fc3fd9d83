"""The trace context of a request or job, whether or not anything records it (W3C Trace Context)."""

import random
from collections.abc import Iterable, Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

# Trace context only. Baggage is whatever a caller wrote; it must not travel on to third parties.
PROPAGATOR = TraceContextTextMapPropagator()

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED = TraceFlags(TraceFlags.DEFAULT)


def continued_span(headers: Iterable[tuple[bytes, bytes]], sample_ratio: float) -> Span:
    """A span that records nothing: the caller's own, or the first of a new trace.

    It keeps the caller's span id, so that a trace with a silent service in its middle stays one
    tree. A new trace is marked as sampled by `sample_ratio`: what is called next may record.
    """
    carrier = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in headers
        if name in {b"traceparent", b"tracestate"}
    }
    if "traceparent" in carrier:
        parent = trace.get_current_span(PROPAGATOR.extract(carrier, Context()))
        if parent.get_span_context().is_valid:
            return parent
    trace_id = random.getrandbits(128) or 1
    span_id = random.getrandbits(64) or 1
    # As TraceIdRatioBased decides, so that every service decides alike for one trace.
    sampled = (trace_id & 0xFFFF_FFFF_FFFF_FFFF) < round(sample_ratio * 2**64)
    return NonRecordingSpan(
        SpanContext(
            trace_id, span_id, is_remote=False, trace_flags=_SAMPLED if sampled else _NOT_SAMPLED
        )
    )


def inject_context(carrier: Mapping[str, str] | None = None) -> dict[str, str]:
    """The current trace context as headers, or as what a job takes along."""
    injected = dict(carrier or {})
    PROPAGATOR.inject(injected)
    return injected
