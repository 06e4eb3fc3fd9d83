"""Measures rivals in turn (A, B, A, B, …), so that a machine's drift meets all of them alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from .load import Answered, Load, Target
from .servers import Server


@dataclass(frozen=True)
class Contender:
    server: Server
    target: Target


@dataclass(frozen=True)
class Sample:
    answered: Answered
    cpu_ms: float | None


@dataclass(frozen=True)
class Series:
    """What one contender did, round by round."""

    samples: tuple[Sample, ...]

    @property
    def requests(self) -> int:
        return sum(sample.answered.requests for sample in self.samples)

    @property
    def per_second(self) -> float:
        return median(sample.answered.per_second for sample in self.samples)

    @property
    def p50_ms(self) -> float:
        return median(sample.answered.p50_ms for sample in self.samples)

    @property
    def p99_ms(self) -> float:
        return median(sample.answered.p99_ms for sample in self.samples)

    @property
    def cpu_ms(self) -> float | None:
        """The server's processor time for a request: what others on this machine hardly change."""
        known = [sample.cpu_ms for sample in self.samples if sample.cpu_ms is not None]
        return median(known) if known else None


Scene = Mapping[str, Series]


def in_turn(
    contenders: Mapping[str, Contender],
    *,
    load: Load,
    warm_up: Load,
    rounds: int,
    tell: Callable[[str], None],
) -> Scene:
    for contender in contenders.values():
        warm_up.on(contender.target)
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, contender in contenders.items():
            tell(f"{name}, round {number + 1} of {rounds}")
            samples[name].append(_sample(contender, load))
    return {name: Series(tuple(taken)) for name, taken in samples.items()}


def _sample(contender: Contender, load: Load) -> Sample:
    before = contender.server.cpu_seconds()
    answered = load.on(contender.target)
    after = contender.server.cpu_seconds()
    if before is None or after is None:
        return Sample(answered, None)
    return Sample(answered, 1000 * (after - before) / answered.requests)


def ratio(one: Series, other: Series) -> float:
    """The median over the rounds of what `one` served for each request that `other` served."""
    return median(
        mine.answered.per_second / theirs.answered.per_second
        for mine, theirs in zip(one.samples, other.samples, strict=True)
    )
