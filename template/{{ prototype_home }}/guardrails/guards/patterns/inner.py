"""A function that is a fault as a whole, and what in it shows that: one fault, told once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ...engine.finding import Finding, Severity
from .scan import Match, Pattern

Told = tuple[Match, Finding]


def innermost(told: Sequence[Told], patterns: Mapping[str, Pattern]) -> Iterator[Finding]:
    """Patterns with `whole: true` match such functions; the worse of two severities is kept."""
    outer = [one for one in told if patterns[one[0].pattern].entry.get("whole")]
    dropped = {id(one) for one in outer if any(_within(other, one) for other in told)}
    for one in told:
        if id(one) in dropped:
            continue
        finding = one[1]
        ranks = [
            _rank(other, patterns)
            for other in outer
            if id(other) in dropped and _within(one, other)
        ]
        own = _rank(one, patterns)
        # What no page shows any more is no graver for the function around it.
        worse = ranks and max(ranks) > own > Severity.LOW
        yield replace(finding, severity=max(ranks)) if worse else finding


def _rank(told: Told, patterns: Mapping[str, Pattern]) -> Severity:
    match, finding = told
    return finding.severity or patterns[match.pattern].rule.severity


def _within(told: Told, other: Told) -> bool:
    one, around = told[0], other[0]
    if told[1].rule != other[1].rule or one.path != around.path:
        return False
    start, end = (one.line, one.column), (one.end_line, one.end_column)
    first, last = (around.line, around.column), (around.end_line, around.end_column)
    return first <= start and end <= last and (first, last) != (start, end)
