"""What a reader counts: all that one rule found equally bad is one fault, wherever it is.

Issues stay as fine as they are mended, for the comparison with an earlier inspection.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from .model import Issue, Place, Rule, Severity

_ROUTE = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ANY) /\S*")
_NAME = re.compile(r"`([^`\s]{1,60})`")
_EDGE_FUNCTION = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+(?= )")
_FUNCTION = re.compile(r"[\w.-]{2,60}")
_NAMED_IN_BACKTICKS = {"db", "rls", "storage"}
_MOST_NAMES = 3
_MOST_STEPS = 6
_NEAR = 5
"""Lines: so near to each other two rules speak of one thing."""


@dataclass(frozen=True)
class Fault:
    """One row of a report: the issues of a rule that are as bad, the surest first."""

    rule: Rule
    severity: Severity
    issues: tuple[Issue, ...]

    @property
    def key(self) -> str:
        return f"{self.rule.id}-{self.severity.label}"

    @property
    def first(self) -> Issue:
        return self.issues[0]

    @cached_property
    def count(self) -> int:
        return sum(issue.count for issue in self.issues)

    @property
    def each(self) -> bool:
        """A hole is closed by itself; what is wrong all over is mended as one thing."""
        return self.rule.grouping == "place" and len(self.issues) > 1

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Tables, buckets, functions, routes or kinds of key, where the issues have such."""
        return tuple(dict.fromkeys(filter(None, (issue.about for issue in self.issues))))

    @cached_property
    def message(self) -> str:
        """What was found; of several issues, what they have in common and whom it befell."""
        if len(self.issues) == 1:
            return self.first.message
        if self.names:
            return f"{self.rule.title}: {listed(_quoted(self.names))}"
        files = len({issue.places[0].path for issue in self.issues})
        spread = f" in {files} files" if files > 1 else ""
        return f"{self.rule.title}: {self.count:,} places{spread}"


def faults_of(issues: Iterable[Issue], rules: Mapping[str, Rule]) -> tuple[Fault, ...]:
    """The worst first, then the surest, then what is always as bad, then the widest."""
    groups: dict[tuple[Severity, str], list[Issue]] = {}
    for issue in issues:
        groups.setdefault((issue.severity, issue.rule), []).append(issue)
    faults = [
        Fault(rules[rule], severity, tuple(those)) for (severity, rule), those in groups.items()
    ]
    surest = {evidence: at for at, evidence in enumerate(("executed", "exact", "rebuilt", "read"))}
    return tuple(
        sorted(
            faults,
            key=lambda it: (
                -it.severity,
                surest.get(it.first.evidence, len(surest)),
                -it.rule.severity,
                -it.count,
                it.rule.id,
            ),
        )
    )


def about(rule: Rule, guard: str, message: str, first: Place, detail: Mapping[str, object]) -> str:
    """The thing that has the fault, by the name that its owner knows; empty: only its place."""
    if guard == "secrets":
        return str(detail.get("kind") or "")
    if rule.grouping == "place" and rule.id.partition(".")[0] in _NAMED_IN_BACKTICKS:
        named = _NAME.search(message)
        return named[1] if named else ""
    if guard == "routes" or (guard == "python" and rule.grouping == "place"):
        return _handler(message, first.symbol)
    return ""


def _handler(message: str, symbol: str) -> str:
    """A route as it is called, an edge function by its name, else the function in the code."""
    if route := _ROUTE.match(symbol) or _ROUTE.match(message):
        return route[0].rstrip(",:")
    named = _EDGE_FUNCTION.match(message) or _FUNCTION.fullmatch(symbol)
    return named[0] if named else ""


def steps(issue: Issue) -> tuple[Place, ...]:
    """How a request gets to what is wrong, from where it comes in; empty if it is at once there."""
    places = issue.places
    if issue.guard != "routes" or issue.count != 1 or not 1 < len(places) <= _MOST_STEPS:
        return ()
    entries = [place for place in places if _ROUTE.match(place.symbol)]
    if len({entry.symbol for entry in entries}) > 1:
        return ()
    begin = entries[0].path if entries else places[-1].path
    ordered = sorted(places, key=lambda place: (place.path != begin, place.path, place.line))
    return tuple(dict.fromkeys(ordered))


def beside(places: Iterable[Place], others: Iterable[Place]) -> bool:
    """Whether each place is at one of the others: mostly the same hole, seen by two rules."""
    known = list(others)
    return all(
        it.line
        and any(it.path == other.path and abs(it.line - other.line) <= _NEAR for other in known)
        for it in places
    )


def listed(names: Iterable[str], most: int = _MOST_NAMES) -> str:
    """`a, b, c and 4 more`; one more than the most is named rather than counted."""
    chosen = list(names)
    if len(chosen) <= most + 1:
        *others, last = chosen
        return f"{', '.join(others)} and {last}" if others else last
    return f"{', '.join(chosen[:most])} and {len(chosen) - most:,} more"


def _quoted(names: Iterable[str]) -> Iterator[str]:
    """Names of things in backticks, which are code to every renderer; a kind of key is words."""
    for name in names:
        yield name if " " in name and not _ROUTE.match(name) else f"`{name}`"
