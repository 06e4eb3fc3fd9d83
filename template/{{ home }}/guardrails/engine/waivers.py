"""Inline waivers: a comment on the first or last line of a finding, or on the one above it.

    # guardrails: allow money.float until 2027-03-31 because the price list is read-only

A waiver without a reason or a date, one that has expired and one that waives nothing are findings
themselves: silence is always dated and always explained.
"""

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .finding import Evidence, Finding, Place
from .rules import Rule
from .tree import Tree

MARK = "guardrails: allow"
_FORM = re.compile(
    r"guardrails: allow (?P<rule>[\w.-]+)"
    r"(?: until (?P<until>\d{4}-\d{2}-\d{2}))?(?: because (?P<reason>\S.*?))?\s*(?:\*/|-->|}|$)"
)
# What begins like one, and whose date or end is not as it has to be.
_BEGINNING = re.compile(r"guardrails: allow (?P<rule>[\w.-]+)(?P<until>)(?P<reason>)")
_LONGEST_REASON = 200


@dataclass(frozen=True)
class Waiver:
    path: str
    line: int
    rule: str
    until: datetime.date
    reason: str

    def covers(self, place: Place) -> bool:
        lines = {place.line - 1, place.line, place.end_line or place.line}
        return place.path == self.path and self.line in lines


@dataclass(frozen=True)
class Waived:
    """Findings that still count, those that a waiver covers, and what is wrong with waivers."""

    left: list[Finding]
    waived: list[tuple[Finding, Waiver]]


def apply_waivers(
    findings: Iterable[Finding], tree: Tree, today: datetime.date, rules: Mapping[str, Rule]
) -> Waived:
    """Set aside what a sound waiver covers, where the rule lets it."""
    waivers, faults = _read(tree, today, rules)
    left, waived, used = [], [], set()
    for finding in findings:
        cover = _cover(finding, waivers)
        rule = rules.get(finding.rule)
        if cover is None or (rule is not None and not rule.may_be_allowed(finding)):
            left.append(finding)
        else:
            waived.append((finding, cover))
            used.add(cover)
    faults += [
        _fault("waiver.unused", waiver.path, waiver.line, f"It waives no {waiver.rule} any more.")
        for waiver in waivers
        if waiver not in used
    ]
    return Waived(left + faults, waived)


def _cover(finding: Finding, waivers: Iterable[Waiver]) -> Waiver | None:
    for waiver in waivers:
        if waiver.rule == finding.rule and waiver.covers(finding.place):
            return waiver
    return None


def _read(
    tree: Tree, today: datetime.date, rules: Mapping[str, Rule]
) -> tuple[list[Waiver], list[Finding]]:
    waivers: list[Waiver] = []
    faults: list[Finding] = []
    for path in tree.files:
        text = tree.text(path)
        if text is None or MARK not in text:
            continue
        # As parsers count: a form feed or a separator of Unicode ends no line of code.
        for number, line in enumerate(text.split("\n"), start=1):
            if match := _FORM.search(line) or _begun(line, rules):
                read = _waiver(match, path, number, today)
                if isinstance(read, Waiver):
                    waivers.append(read)
                else:
                    faults.append(read)
    return waivers, faults


def _begun(line: str, rules: Mapping[str, Rule]) -> re.Match[str] | None:
    """A waiver that is none, if it names a rule that there is; documents speak of others."""
    match = _BEGINNING.search(line)
    return match if match and match["rule"] in rules else None


def _waiver(match: re.Match[str], path: str, line: int, today: datetime.date) -> Waiver | Finding:
    rule, until, reason = match["rule"], match["until"], match["reason"]
    if not until or not reason:
        form = f"`{MARK} {rule} until YYYY-MM-DD because …`"
        return _fault("waiver.invalid", path, line, f"A waiver needs a date and a reason: {form}.")
    try:
        last = datetime.date.fromisoformat(until)
    except ValueError:
        return _fault("waiver.invalid", path, line, f"{until} is no date.")
    if last < today:
        return _fault("waiver.expired", path, line, f"The waiver of {rule} ended on {until}.")
    return Waiver(path, line, rule, last, reason[:_LONGEST_REASON])


def _fault(rule: str, path: str, line: int, message: str) -> Finding:
    return Finding(rule, Place(path, line), message, evidence=Evidence.EXACT)
