"""What a guard says: a rule, a place, and the evidence for it."""

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

    @classmethod
    def of(cls, label: str) -> "Severity":
        """Raises ValueError for an unknown name."""
        try:
            return cls[label.upper()]
        except KeyError:
            known = ", ".join(severity.label for severity in reversed(cls))
            raise ValueError(f"no severity is called {label!r}; there are: {known}") from None


class Evidence(StrEnum):
    """How it is known, which is another question than how bad it is."""

    EXECUTED = "executed"
    """It was tried, and it happened."""
    EXACT = "exact"
    """It stands in the tree: a tracked file, a decoded key, a setting."""
    READ = "read"
    """It was read from the code, and a person may know better."""
    REBUILT = "rebuilt"
    """It was tried on a schema that had to be completed from the generated types."""


@dataclass(frozen=True, order=True)
class Place:
    """A piece of a file. `path` is relative to the tree with `/`; `line` counts from 1, and is 0
    for the file as a whole; an empty path is the tree as a whole."""

    path: str = ""
    line: int = 0
    end_line: int = 0
    snippet: str = ""
    symbol: str = ""


@dataclass(frozen=True)
class Finding:
    """One fault at one place. `severity` is the rule's own unless the evidence says otherwise.

    `also` are further places of the same fault. `detail` holds what the report may show beside
    the message (JSON values). No field ever holds a secret in full.
    """

    rule: str
    place: Place
    message: str
    severity: Severity | None = None
    evidence: Evidence = Evidence.READ
    also: tuple[Place, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NotLooked:
    """Something that was not checked, and why: unknown is never a pass."""

    what: str
    why: str
    rules: tuple[str, ...] = ()
