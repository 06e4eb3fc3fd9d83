"""The rules, as data: `guardrails/rules/*.yaml`, one file an area.

`*.web.yaml`, where they are there, hold what only the guards of `guards.web.toml` look for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from .finding import Evidence, Finding, Severity
from .kept import kept

FOLDER = Path(__file__).parent.parent / "rules"


class Area(StrEnum):
    """What a reader asks about; each has a level in the report."""

    ARCHITECTURE = "architecture"
    ACCESS = "auth and access"
    DATA = "data and migrations"
    SECRETS = "secrets"
    INPUT = "input handling"
    OBSERVABILITY = "observability"
    RESILIENCE = "resilience and scale"
    DELIVERY = "delivery"
    BACKUPS = "backups"
    MAINTAINABILITY = "maintainability"


class Grouping(StrEnum):
    """What is one finding in a report: each place, all of a file, or all of the tree."""

    PLACE = "place"
    FILE = "file"
    TREE = "tree"


class Keeping(StrEnum):
    """Which of its findings may stay on the first day: all, those less bad than `high`, none."""

    ALWAYS = "always"
    BELOW_HIGH = "below-high"
    NEVER = "never"


class InvalidRule(ValueError):
    """A rule file that can't be understood; the message names the file, the rule and the key."""


@dataclass(frozen=True)
class Rule:
    """One thing that must not be. `asvs` are requirements of OWASP ASVS 5.0, `cwe` weaknesses."""

    id: str
    title: str
    severity: Severity
    confidence: str
    area: Area
    why: str
    mend: str
    example: str
    effort: str
    guards: tuple[str, ...]
    cwe: tuple[str, ...] = ()
    asvs: tuple[str, ...] = ()
    grouping: Grouping = Grouping.PLACE
    baseline: Keeping = Keeping.ALWAYS
    patterns: tuple[Mapping[str, Any], ...] = ()
    ruff: tuple[str, ...] = ()
    source: str = field(default="", compare=False)

    @property
    def family(self) -> str:
        return self.id.partition(".")[0]

    def may_be_recorded(self, finding: Finding) -> bool:
        """Whether it may stay because it was there on the first day."""
        if self.baseline is Keeping.BELOW_HIGH:
            severity = self.severity if finding.severity is None else finding.severity
            return severity < Severity.HIGH
        return self.baseline is Keeping.ALWAYS

    def may_be_allowed(self, finding: Finding) -> bool:
        """Whether it may stay because somebody says why, and until when.

        What was tried and happened, and what stands in the tree, is so whatever anybody says; of
        what was read from the code a person may know better.
        """
        if self.baseline is Keeping.NEVER:
            return False
        return self.may_be_recorded(finding) or finding.evidence not in _BEYOND_DOUBT


_BEYOND_DOUBT = {Evidence.EXECUTED, Evidence.EXACT}
_REQUIRED = (
    "id", "title", "severity", "confidence", "area", "why", "mend", "example", "effort", "guards",
)  # fmt: skip
_LISTS = ("guards", "cwe", "asvs", "patterns", "ruff")
_EFFORTS = {"minutes", "hours", "days"}
_CONFIDENCES = {"high", "medium", "low"}


@cache
def load(folder: Path = FOLDER) -> Mapping[str, Rule]:
    """Every rule by its id.

    Raises:
        InvalidRule: a file that is no YAML, a rule without a required key, an id twice.
    """
    rules: dict[str, Rule] = {}
    files = sorted(folder.glob("*.yaml"))
    for name, entries in kept(folder / "rules.json", files, lambda: _read(files)).items():
        for entry in entries:
            rule = _rule(entry, name)
            if rule.id in rules:
                raise InvalidRule(f"{name}: {rule.id} is already in {rules[rule.id].source}")
            rules[rule.id] = rule
    return rules


def _read(files: Iterable[Path]) -> dict[str, list[Any]]:
    """What is in each of them, by its name."""
    import yaml  # noqa: PLC0415 - as slow as the rest of the engine, and seldom needed

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read = {}
    for file in files:
        try:
            read[file.name] = yaml.load(file.read_text(encoding="utf-8"), loader) or []  # noqa: S506 - a safe loader
        except yaml.YAMLError as error:
            raise InvalidRule(f"{file.name} is no YAML: {error}") from None
    return read


def _rule(entry: Any, source: str) -> Rule:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        raise InvalidRule(f"{source}: an entry without an id: {entry!r:.80}")
    where = f"{source}: {entry['id']}"
    if missing := [key for key in _REQUIRED if not entry.get(key)]:
        raise InvalidRule(f"{where} lacks {', '.join(missing)}")
    if unknown := set(entry) - set(Rule.__dataclass_fields__):
        raise InvalidRule(f"{where} has unknown keys: {', '.join(sorted(unknown))}")
    if entry["effort"] not in _EFFORTS or entry["confidence"] not in _CONFIDENCES:
        raise InvalidRule(f"{where}: effort is one of {_EFFORTS}, confidence of {_CONFIDENCES}")
    values: dict[str, Any] = {
        key: tuple(value) if key in _LISTS else value for key, value in entry.items()
    }
    try:
        values["severity"] = Severity.of(entry["severity"])
        values["area"] = Area(entry["area"])
        values["grouping"] = Grouping(entry.get("grouping", Grouping.PLACE))
        values["baseline"] = Keeping(entry.get("baseline", Keeping.ALWAYS))
    except ValueError as error:
        raise InvalidRule(f"{where}: {error}") from None
    return Rule(**values, source=source)
