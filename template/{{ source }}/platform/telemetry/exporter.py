"""Sends the service's own histograms along with what the SDK has gathered."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExportResult,
    MetricsData,
    ScopeMetrics,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from .durations import Durations


class MetricExporter(OTLPMetricExporter):
    """`durations` may grow while this exporter is in use."""

    def __init__(self, durations: Sequence[Durations], *, scope: str, **options: Any) -> None:
        super().__init__(**options)
        self._durations = durations
        self._scope = InstrumentationScope(scope)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **options: Any
    ) -> MetricExportResult:
        used = [durations for durations in self._durations if durations.is_used]
        own = ScopeMetrics(self._scope, [_metric(durations) for durations in used], "")
        first, *others = metrics_data.resource_metrics
        joined = replace(first, scope_metrics=[*first.scope_metrics, own])
        return super().export(MetricsData([joined, *others]), timeout_millis, **options)


def _metric(durations: Durations) -> Metric:
    now = time.time_ns()
    points = []
    for attributes, series in durations.recorded():
        counts = series.counts.copy()
        point = HistogramDataPoint(
            attributes=attributes,
            start_time_unix_nano=durations.since,
            time_unix_nano=now,
            count=sum(counts),
            sum=series.total,
            bucket_counts=counts,
            explicit_bounds=durations.bounds,
            min=series.least,
            max=series.most,
        )
        points.append(point)
    histogram = Histogram(points, AggregationTemporality.CUMULATIVE)
    return Metric(durations.name, durations.description, "s", histogram)
