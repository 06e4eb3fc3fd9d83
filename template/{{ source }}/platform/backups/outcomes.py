"""Tells how a backup or a drill went: one log line and a few metrics, however it ended."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import structlog

from ..telemetry import Telemetry

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Outcome:
    """What is learnt on the way: `facts` for the log line, `measures` for gauges of their own."""

    facts: dict[str, object] = field(default_factory=dict)
    measures: dict[str, tuple[float, str]] = field(default_factory=dict)

    def part(self, name: str) -> "Outcome":
        """That of one dataset of several: its facts go under its name, its measures with ours."""
        part = Outcome(measures=self.measures)
        self.facts[name] = part.facts
        return part

    def measure(self, name: str, value: float, unit: str) -> None:
        """Of several values the worst counts: the largest, or the oldest."""
        before, _ = self.measures.get(name, (value, unit))
        self.measures[name] = (max(before, value), unit)


@contextmanager
def recorded(
    telemetry: Telemetry, work: Literal["create", "drill"], *, of_everything: bool = True
) -> Iterator[Outcome]:
    """Gauges `backup.<work>.success`, `.duration` and what was measured; an event of the same name.

    Exported before the process ends, which for a scheduled job is at once. Work on a part only
    logs: its gauge would say that all went well.
    """
    outcome = Outcome()
    started = time.monotonic()
    success = False
    try:
        yield outcome
        success = True
    except BaseException as error:
        outcome.facts["reason"] = str(error) or type(error).__name__
        raise
    finally:
        duration = time.monotonic() - started
        log = _log.info if success else _log.error
        log(
            f"backup_{work}",
            outcome="passed" if success else "failed",
            duration=round(duration, 3),
            **outcome.facts,
        )
        gauges = {
            "success": (float(success), "1"),
            "duration": (duration, "s"),
            **outcome.measures,
        }
        for name, (value, unit) in gauges.items() if of_everything else ():
            telemetry.meter.create_gauge(f"backup.{work}.{name}", unit=unit).set(value)
        telemetry.flush()
