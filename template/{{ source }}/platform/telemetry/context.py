"""The trace context as it travels (W3C Trace Context)."""

from collections.abc import Mapping

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

# Trace context only. Baggage is whatever a caller wrote; it must not travel on to third parties.
PROPAGATOR = TraceContextTextMapPropagator()


def inject_context(carrier: Mapping[str, str] | None = None) -> dict[str, str]:
    """The current trace context as headers, or as what a job takes along."""
    injected = dict(carrier or {})
    PROPAGATOR.inject(injected)
    return injected
