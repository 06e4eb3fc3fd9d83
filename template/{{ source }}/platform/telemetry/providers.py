"""The OpenTelemetry SDK, set up so that a collector can be late, broken or gone."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import uuid4

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_EXPORT_BATCH_SIZE
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from ..secret_shapes import redact_text
from ..settings import PlatformSettings
from .durations import Durations
from .exporter import MetricExporter

# Retries included: what a collector has not taken by then is dropped.
_EXPORT_SECONDS: Final = 3.0
_PATIENCE_SECONDS = 3.0
_MAX_QUEUE: Final = 4096
# Requests wait while spans are encoded. The SDK's 512 at once showed in the slowest hundredth.
_BATCH: Final = 64


class Providers:
    """One tracer and one meter provider, with their exporters.

    Spans wait in a bounded queue and leave from a thread of their own. A full queue drops spans;
    no request ever waits for a collector.
    """

    def __init__(self, settings: PlatformSettings) -> None:
        endpoint = str(settings.otlp_endpoint).rstrip("/")
        resource = Resource.create(
            {
                "service.name": settings.service_name,
                "service.version": settings.service_version,
                "service.instance.id": str(uuid4()),
                "deployment.environment.name": settings.environment,
            }
        )
        self.tracer = TracerProvider(
            sampler=ParentBased(_Root(settings.trace_sample_ratio)),
            resource=resource,
            # The SDK's own hook would hold up the exit of a process for half a minute.
            shutdown_on_exit=False,
        )
        self.tracer.add_span_processor(_RedactedUrls())
        self.tracer.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_EXPORT_SECONDS),
                max_queue_size=_MAX_QUEUE,
                max_export_batch_size=(
                    None if OTEL_BSP_MAX_EXPORT_BATCH_SIZE in os.environ else _BATCH
                ),
            )
        )
        self.durations: list[Durations] = []
        self.meter = MeterProvider(
            [
                PeriodicExportingMetricReader(
                    MetricExporter(
                        self.durations,
                        scope=settings.service_name,
                        endpoint=f"{endpoint}/v1/metrics",
                        timeout=_EXPORT_SECONDS,
                    )
                )
            ],
            resource=resource,
            shutdown_on_exit=False,
        )
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            # For libraries and features that trace through OpenTelemetry's own API.
            trace.set_tracer_provider(self.tracer)
            metrics.set_meter_provider(self.meter)

    def flush(self) -> None:
        """Export what has been gathered, for at most a few seconds."""
        _within_seconds(self.tracer.force_flush, self.meter.force_flush)

    def shutdown(self) -> None:
        """Export what is left, for at most a few seconds; the rest is lost."""
        _within_seconds(self.tracer.shutdown, self.meter.shutdown)


def _within_seconds(*actions: Callable[[], object]) -> None:
    """Together, not one after the other: each may wait for the same silent collector."""
    threads = [threading.Thread(target=action, daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    until = time.monotonic() + _PATIENCE_SECONDS
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


class _Root(Sampler):
    """Samples new traces by ratio; a request that gets here was already chosen by `Inbound`."""

    def __init__(self, ratio: float) -> None:
        self._by_ratio = TraceIdRatioBased(ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if kind is SpanKind.SERVER:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return self._by_ratio.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        return f"Root{{{self._by_ratio.rate}}}"


class _RedactedUrls(SpanProcessor):
    """Takes secrets out of URLs before a span goes anywhere: a query may hold a token."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        attributes = span.attributes or {}
        for name in ("url.query", "url.path", "url.full"):
            value: Any = attributes.get(name)
            if isinstance(value, str) and (clean := redact_text(value, 1024)) is not value:
                span.set_attribute(name, clean)

    def on_end(self, span: ReadableSpan) -> None:
        """Nothing is left to do."""
