"""An inspection as SARIF 2.1.0: one run, one result for each issue with all its places."""

from typing import Any
from urllib.parse import quote

from roadworthy.inspection import Gap, Inspection, Issue, Place, Rule, Severity, steps

_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.0",
}
_SURE = {"executed", "exact"}


def sarif(inspection: Inspection) -> dict[str, Any]:
    rules = sorted(inspection.rules.values(), key=lambda rule: rule.id)
    order = {rule.id: index for index, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "roadworthy",
                "semanticVersion": inspection.version,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(issue, order[issue.rule]) for issue in inspection.issues],
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(gap) for gap in inspection.gaps],
            }
        ],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.mend, "markdown": f"{rule.mend}\n\n```\n{rule.example}```\n"},
        "properties": {
            "security-severity": _SCORES[rule.severity],
            "precision": rule.confidence,
            "tags": [rule.area, *rule.cwe, *rule.asvs],
        },
    }


def _result(issue: Issue, index: int) -> dict[str, Any]:
    way = [{"location": _location(place)} for place in steps(issue)]
    flows = [{"threadFlows": [{"locations": way}]}] if way else []
    return {
        "ruleId": issue.rule,
        "ruleIndex": index,
        "level": _level(issue),
        "message": {"text": _clean(issue.message)},
        "locations": [_location(place) for place in issue.places],
        **({"codeFlows": flows} if flows else {}),
        "partialFingerprints": {"roadworthy/v1": issue.key},
        "properties": {
            "security-severity": _SCORES[issue.severity],
            "severity": issue.severity.label,
            "evidence": issue.evidence,
            "places": issue.count,
        },
    }


def _level(issue: Issue) -> str:
    """How sure it is, as the guards say it: an error was executed or stands in the tree."""
    if issue.severity >= Severity.HIGH:
        return "error" if issue.evidence in _SURE else "warning"
    return "warning" if issue.severity is Severity.MEDIUM else "note"


def _location(place: Place) -> dict[str, Any]:
    uri = quote(place.path, errors="surrogateescape", safe="/@()[]$!,;=+&'") or "."
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if place.line:
        region: dict[str, Any] = {"startLine": place.line}
        region |= {"endLine": place.end_line} if place.end_line else {}
        region |= {"snippet": {"text": _clean(place.snippet)}} if place.snippet else {}
        physical["region"] = region
    location: dict[str, Any] = {"physicalLocation": physical}
    if place.message:
        location["message"] = {"text": _clean(place.message)}
    return location


def _notification(gap: Gap) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": _clean(f"Not checked: {gap.what}: {gap.why}")},
        "properties": {"rules": list(gap.rules)},
    }


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
