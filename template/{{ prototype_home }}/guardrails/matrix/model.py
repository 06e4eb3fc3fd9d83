"""What is recorded of a chain of migrations, and how a later look at it may differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..engine.finding import Place


class Access(StrEnum):
    ALLOWED = "allowed"
    OWN = "own"
    """Only with rows of one's own."""
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """It could not be tried, which is never the same as refused."""


WIDTH = {Access.REFUSED: 0, Access.OWN: 1, Access.UNKNOWN: 1, Access.ALLOWED: 2}


@dataclass(frozen=True, order=True)
class Door:
    """Something that can be done with an object: kind, name, operation."""

    kind: str
    name: str
    operation: str


@dataclass(frozen=True)
class Cell:
    access: Access
    place: Place | None = None
    """The statement that decided it last."""
    why: str = ""


@dataclass(frozen=True)
class Fault:
    """A statement that does not replay, or one that locks a table."""

    place: Place
    what: str


@dataclass(frozen=True)
class Seen:
    """What one look at a chain found."""

    cells: Mapping[Door, Mapping[str, Cell]] = field(default_factory=dict)
    failing: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)
    """By file: what does not replay for a fault of its own."""
    locking: Mapping[tuple[str, str], tuple[Fault, ...]] = field(default_factory=dict)
    """By file and squawk's rule."""
    unseen: tuple[str, ...] = ()
    """What could not be looked at, and why."""


@dataclass
class Recorded:
    """The same as it stands in the lock file, where only numbers are left of the faults."""

    cells: dict[Door, dict[str, Access]] = field(default_factory=dict)
    failing: dict[str, int] = field(default_factory=dict)
    locking: dict[tuple[str, str], int] = field(default_factory=dict)


def recorded(seen: Seen) -> Recorded:
    """What the lock file says of what was seen."""
    return Recorded(
        {door: {who: cell.access for who, cell in row.items()} for door, row in seen.cells.items()},
        {path: len(faults) for path, faults in seen.failing.items()},
        {key: len(faults) for key, faults in seen.locking.items()},
    )
