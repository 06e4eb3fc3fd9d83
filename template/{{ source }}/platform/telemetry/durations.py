"""Histograms of what every request does: recording through the SDK costs more than a middleware.

They are counted here and join the SDK's own metrics on the way to the collector.
"""

import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_MAX_SERIES: Final = 2000  # the SDK's own limit

Key = tuple[str | int | None, ...]


@dataclass(slots=True)
class Series:
    """What was recorded with the same attributes."""

    counts: list[int]
    total: float
    least: float
    most: float


class Durations:
    """A histogram of seconds. One thread records, the event loop's; any may read."""

    def __init__(
        self, name: str, description: str, attributes: Sequence[str], bounds: Sequence[float]
    ) -> None:
        self.name = name
        self.description = description
        self.bounds = bounds
        self.since = time.time_ns()
        self._attributes = attributes
        self._series: dict[Key, Series] = {}

    def record(self, key: Key, seconds: float) -> None:
        """`key` holds the values of the attributes, in their order; None leaves one out."""
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= _MAX_SERIES:
                return
            counts = [0] * (len(self.bounds) + 1)
            series = self._series[key] = Series(counts, 0.0, seconds, seconds)
        series.counts[bisect_left(self.bounds, seconds)] += 1
        series.total += seconds
        if seconds < series.least:
            series.least = seconds
        elif seconds > series.most:
            series.most = seconds

    @property
    def is_used(self) -> bool:
        return bool(self._series)

    def recorded(self) -> Iterator[tuple[Mapping[str, str | int], Series]]:
        for key, series in list(self._series.items()):
            named = zip(self._attributes, key, strict=True)
            yield {name: value for name, value in named if value is not None}, series
