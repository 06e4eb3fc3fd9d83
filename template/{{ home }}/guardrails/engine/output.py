"""What a check says: to people, as annotations of GitHub and GitLab, as merged SARIF."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from . import sarif
from .check import Outcome
from .finding import Finding, Severity
from .fingerprint import Fingerprint
from .rules import Rule, load


def for_people(outcome: Outcome) -> str:
    rules = load()
    lines = []
    for fingerprint, finding in _worst_first(outcome.verdict.new, rules):
        rule = rules.get(finding.rule)
        lines.append(f"{_where(finding)}: {finding.rule} ({_label(finding, rules)})")
        lines.append(f"    {finding.message}")
        if rule:
            lines.append(f"    {_sentence(rule.mend)}")
        lines.append(f"    fingerprint {fingerprint.id}")
    lines += [
        f"the baseline grew by {fingerprint.rule} in {fingerprint.path or 'the tree'} without a "
        "reason; use `python -m guardrails baseline --accept`"
        for fingerprint in outcome.grew
    ]
    lines += [f"NOT CHECKED by {guard}: {why}" for guard, why in outcome.broken.items()]
    return "\n".join([*lines, *_summary(outcome)])


def for_github(outcome: Outcome) -> str:
    """Workflow commands, one a finding; the log shows them and the changed lines carry them."""
    rules = load()
    lines = []
    for _, finding in _worst_first(outcome.verdict.new, rules):
        kind = "error" if _severity(finding, rules) >= Severity.MEDIUM else "warning"
        place = f"file={_property(finding.place.path)},line={max(finding.place.line, 1)}"
        title = _property(finding.rule)
        lines.append(f"::{kind} {place},title={title}::{_data(finding.message)}")
    lines += [f"::error ::{_data(f'{guard}: {why}')}" for guard, why in outcome.broken.items()]
    return "\n".join([*lines, *_summary(outcome)])


def for_gitlab(outcome: Outcome) -> str:
    """A code quality report."""
    rules = load()
    grades = {
        Severity.CRITICAL: "blocker",
        Severity.HIGH: "critical",
        Severity.MEDIUM: "major",
        Severity.LOW: "minor",
        Severity.INFO: "info",
    }
    entries = [
        {
            "check_name": finding.rule,
            "description": finding.message,
            "fingerprint": fingerprint.id,
            "severity": grades[_severity(finding, rules)],
            "location": {
                "path": finding.place.path or ".",
                "lines": {"begin": max(finding.place.line, 1)},
            },
        }
        for fingerprint, finding in _worst_first(outcome.verdict.new, rules)
    ]
    return json.dumps(entries, indent=1)


def as_sarif(outcome: Outcome) -> str:
    """All runs; what the baseline holds says so, what a waiver covers is suppressed."""
    known = {*_findings(outcome.verdict.old), *_findings(outcome.verdict.arrived)}
    waived = {_key(finding): waiver for finding, waiver in outcome.waived}
    runs = []
    for run in outcome.document["runs"]:
        results = []
        for result, finding in zip(run["results"], sarif.findings(run), strict=True):
            state = "unchanged" if _key(finding) in known else "new"
            extra: dict[str, Any] = {"baselineState": state}
            if _key(finding) in waived:
                reason = waived[_key(finding)].reason
                extra["suppressions"] = [{"kind": "inSource", "justification": reason}]
            results.append(result | extra)
        runs.append(run | {"results": results})
    return json.dumps(sarif.document(*runs))


FORMATS: Mapping[str, Callable[[Outcome], str]] = {
    "text": for_people,
    "github": for_github,
    "gitlab": for_gitlab,
    "sarif": as_sarif,
}


def _summary(outcome: Outcome) -> list[str]:
    verdict = outcome.verdict
    lines = [
        f"newer guards see {rule} where it was before: {count}, to be recorded by "
        "`python -m guardrails baseline`"
        for rule, count in sorted(Counter(entry.rule for entry in verdict.arrived).items())
    ]
    if verdict.old or verdict.gone:
        were = len(verdict.old) + len(verdict.gone)
        lines.append(f"{len(verdict.old)} old remain (were {were})")
    for finding, waiver in outcome.waived:
        lines.append(f"{_where(finding)}: {finding.rule} waived until {waiver.until}: "
                     f"{waiver.reason}")  # fmt: skip
    lines += [f"not looked at: {entry.what}: {entry.why}" for entry in outcome.not_looked
              if entry.what not in outcome.broken]  # fmt: skip
    new = len(verdict.new)
    lines.append(f"guardrails: {new} new to mend" if new else "guardrails: nothing new")
    return lines


def _worst_first(
    found: Mapping[Fingerprint, Finding], rules: Mapping[str, Rule]
) -> list[tuple[Fingerprint, Finding]]:
    return sorted(
        found.items(), key=lambda item: (-_severity(item[1], rules), item[1].place, item[0])
    )


def _findings(found: Mapping[Fingerprint, Finding]) -> list[tuple[str, object, str]]:
    return [_key(finding) for finding in found.values()]


def _key(finding: Finding) -> tuple[str, object, str]:
    return finding.rule, finding.place, finding.message


def _severity(finding: Finding, rules: Mapping[str, Rule]) -> Severity:
    if finding.severity is not None:
        return finding.severity
    rule = rules.get(finding.rule)
    return rule.severity if rule else Severity.MEDIUM


def _label(finding: Finding, rules: Mapping[str, Rule]) -> str:
    return f"{_severity(finding, rules).label}, {finding.evidence.value}"


def _where(finding: Finding) -> str:
    place = finding.place
    if not place.path:
        return "the tree"
    shown = ascii(place.path)[1:-1] if not place.path.isprintable() else place.path
    return f"{shown}:{place.line}" if place.line else shown


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
