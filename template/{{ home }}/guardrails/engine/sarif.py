"""SARIF 2.1.0, in and out: what guards print and everybody else reads.

`level` says how sure a result is and `security-severity` how bad: an error was executed or stands
in the tree for anybody to see; what was read from code, where a person may know better, is a
warning whatever its severity (SARIF 2.1.0 section 3.27.10).
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

from .finding import Evidence, Finding, NotLooked, Place, Severity
from .rules import Rule

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.0",
}


def run(
    guard: str,
    rules: Iterable[Rule],
    findings: Iterable[Finding],
    *,
    not_looked: Iterable[NotLooked] = (),
    properties: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One guard's run. `rules` are all that it looked for, found or not."""
    known = {rule.id: rule for rule in rules}
    return {
        "tool": {
            "driver": {
                "name": guard,
                "rules": [_descriptor(rule) for rule in known.values()],
            }
        },
        "results": [_result(finding, known[finding.rule]) for finding in findings],
        "properties": {
            **(properties or {}),
            "notChecked": [
                {"what": entry.what, "why": entry.why, "rules": list(entry.rules)}
                for entry in not_looked
            ],
        },
    }


def document(*runs: Mapping[str, Any]) -> dict[str, Any]:
    return {"$schema": SCHEMA, "version": VERSION, "runs": list(runs)}


def findings(run: Mapping[str, Any]) -> list[Finding]:
    """The findings of a run that `run()` wrote.

    Raises:
        KeyError, ValueError, TypeError: it is no such run.
    """
    return [_finding(result) for result in run["results"]]


def not_looked(run: Mapping[str, Any]) -> list[NotLooked]:
    entries = run.get("properties", {}).get("notChecked", [])
    return [NotLooked(entry["what"], entry["why"], tuple(entry["rules"])) for entry in entries]


def level(severity: Severity, evidence: Evidence) -> str:
    if severity >= Severity.HIGH:
        return "warning" if evidence in {Evidence.READ, Evidence.REBUILT} else "error"
    return "warning" if severity is Severity.MEDIUM else "note"


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": rule.mend,
            "markdown": f"{rule.mend}\n\n```\n{rule.example}```\n",
        },
        "properties": {
            "security-severity": _SCORES[rule.severity],
            "precision": rule.confidence,
            "tags": [*rule.cwe, *rule.asvs, rule.area.value],
            # What SARIF has no word for, and a report shows.
            "severity": rule.severity.label,
            "area": rule.area.value,
            "effort": rule.effort,
            "grouping": rule.grouping.value,
            "example": rule.example,
            "cwe": list(rule.cwe),
            "asvs": list(rule.asvs),
            "guards": list(rule.guards),
        },
    }


def _result(finding: Finding, rule: Rule) -> dict[str, Any]:
    severity = rule.severity if finding.severity is None else finding.severity
    return {
        "ruleId": finding.rule,
        "level": level(severity, finding.evidence),
        "message": {"text": finding.message},
        "locations": [_location(place) for place in (finding.place, *finding.also)],
        "properties": {
            "security-severity": _SCORES[severity],
            "severity": severity.label,
            "evidence": finding.evidence.value,
            "detail": dict(finding.detail),
        },
    }


def _location(place: Place) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.path)}}
    if place.line:
        region: dict[str, Any] = {"startLine": place.line}
        if place.end_line:
            region["endLine"] = place.end_line
        if place.snippet:
            region["snippet"] = {"text": place.snippet}
        physical["region"] = region
    location: dict[str, Any] = {"physicalLocation": physical}
    if place.symbol:
        location["logicalLocations"] = [{"fullyQualifiedName": place.symbol}]
    return location


@cache
def _uri(path: str) -> str:
    return quote(path, errors="surrogateescape", safe="/@()[]$!,;=+&'")


def _finding(result: Mapping[str, Any]) -> Finding:
    places = tuple(_place(location) for location in result.get("locations") or [{}])
    return Finding(
        rule=result["ruleId"],
        place=places[0],
        also=places[1:],
        message=result["message"]["text"],
        severity=_severity(result),
        evidence=Evidence(result.get("properties", {}).get("evidence", Evidence.READ)),
        detail=result.get("properties", {}).get("detail", {}),
    )


def _severity(result: Mapping[str, Any]) -> Severity:
    """Ours says it; of a foreign guard's result the level is taken."""
    if label := result.get("properties", {}).get("severity"):
        return Severity.of(label)
    levels = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW}
    return levels.get(result.get("level", "warning"), Severity.INFO)


def _place(location: Mapping[str, Any]) -> Place:
    physical = location.get("physicalLocation", {"artifactLocation": {"uri": ""}})
    region = physical.get("region", {})
    symbols = location.get("logicalLocations", [])
    return Place(
        path=unquote(physical["artifactLocation"]["uri"], errors="surrogateescape"),
        line=region.get("startLine", 0),
        end_line=region.get("endLine", 0),
        snippet=region.get("snippet", {}).get("text", ""),
        symbol=symbols[0]["fullyQualifiedName"] if symbols else "",
    )
