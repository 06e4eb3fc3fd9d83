"""What an inspection is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


class Severity(IntEnum):
    """How bad it is. Critical: a stranger reads or changes somebody's data, or takes control."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        return self.name.lower()


class State(StrEnum):
    """Four, because what was not checked is never a pass."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Place:
    """A line of a file (0: the file as a whole; an empty path: the tree), and what is there."""

    path: str = ""
    line: int = 0
    end_line: int = 0
    snippet: str = ""
    symbol: str = ""
    message: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path or "the whole tree"


@dataclass(frozen=True)
class Rule:
    id: str
    title: str
    severity: Severity
    confidence: str
    area: str
    why: str
    mend: str
    example: str
    effort: str
    grouping: str
    cwe: tuple[str, ...] = ()
    asvs: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()


@dataclass(frozen=True)
class Issue:
    """What is mended at once, with all its places. `key` stays the same when lines move.

    `about` names the thing that has the fault, where it has a name: a table, a route, a key.
    """

    key: str
    rule: str
    area: str
    severity: Severity
    evidence: str
    message: str
    places: tuple[Place, ...]
    count: int
    guard: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True)
class Gap:
    """Something that was not looked at, and why."""

    what: str
    why: str
    rules: tuple[str, ...] = ()
    guard: str = ""


@dataclass(frozen=True)
class Gate:
    """One question of an area. An area passes `level` only when the gates up to it hold."""

    id: str
    area: str
    level: int
    question: str
    state: State
    evidence: str
    issues: tuple[str, ...] = ()
    holds_at: int = 3


@dataclass(frozen=True)
class AreaLevel:
    """`state` says why the level is what it is: held by a fault, or by what is not known."""

    area: str
    level: int
    state: State
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Action:
    """What to do next: the faults that it ends, on what, and how long it takes: all, or each."""

    title: str
    fault: str
    effort: str
    rule: str
    severity: Severity
    places: tuple[Place, ...]
    count: int
    about: tuple[str, ...] = ()
    each: bool = False
