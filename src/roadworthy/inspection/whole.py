"""The value that an inspection is, and its JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, cached_property
from typing import Any

from roadworthy.stack import Stack

from .faults import Fault, faults_of
from .model import Action, AreaLevel, Gap, Issue, Rule, Severity

SCHEMA = 1
"""Counts up when a reader of the JSON would have to change."""


@dataclass(frozen=True)
class Change:
    """What is different from an earlier inspection."""

    level_before: int
    looked_at: str
    appeared: tuple[str, ...]
    gone: tuple[str, ...]
    areas: Mapping[str, int]


@dataclass(frozen=True)
class Inspection:
    name: str
    looked_at: str
    seconds: float
    version: str
    files: int
    left: tuple[Mapping[str, Any], ...]
    stack: Stack
    level: int
    areas: tuple[AreaLevel, ...]
    issues: tuple[Issue, ...]
    rules: Mapping[str, Rule]
    gaps: tuple[Gap, ...]
    actions: tuple[Action, ...]
    facts: Mapping[str, Any]
    since: Change | None = None
    schema: int = SCHEMA

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """What a reader counts, the worst first."""
        return faults_of(self.issues, self.rules)

    def by_severity(self, severity: Severity) -> list[Issue]:
        return [issue for issue in self.issues if issue.severity is severity]

    def to_json(self) -> dict[str, Any]:
        content = _plain(self)
        if not isinstance(content, dict):
            raise TypeError(type(content))
        return content


def _plain(value: Any) -> Any:
    if isinstance(value, Severity):
        return value.label
    if isinstance(value, str):
        # File names may hold bytes that are no text (surrogates), which no encoder takes.
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(entry) for key, entry in value.items()}
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _names(value.__class__)}
    return value


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(entry.name for entry in fields(kind))
