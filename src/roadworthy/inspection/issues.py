"""From results to issues: the same fault is one finding, with all its places."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from .faults import about
from .model import Gap, Issue, Place, Rule, Severity

MOST_PLACES = 1000
"""More places than this of one fault are counted, not listed."""

_ARTICLE = re.compile(r"(?:an?|the|each|all|no)(?= )")
"""A sentence may begin with one of these, or with a name, which stays as it is."""
_EVIDENCE = ("executed", "exact", "rebuilt", "read")


@dataclass(frozen=True)
class _Found:
    """One result of one guard."""

    rule: Rule
    guard: str
    severity: Severity
    evidence: str
    message: str
    places: tuple[Place, ...]
    detail: Mapping[str, Any]
    original: str
    """The first place's file, or the file that it is a copy of."""

    @property
    def is_copy(self) -> bool:
        return self.places[0].path != self.original


def issues_of(document: Mapping[str, Any], rules: Mapping[str, Rule]) -> tuple[Issue, ...]:
    """The issues of the rules, the worst and surest first."""
    groups: dict[tuple[str, ...], list[_Found]] = {}
    copies = document["properties"].get("copies", {})
    for found in _results(document, rules, copies):
        groups.setdefault(_group(found), []).append(found)
    drafts = sorted((_issue(group) for group in groups.values()), key=_order)
    return tuple(_with_distinct_keys(drafts))


def gaps_of(document: Mapping[str, Any], rules: Mapping[str, Rule]) -> tuple[Gap, ...]:
    """What the guards say that they did not look at, as far as it concerns the rules."""
    gaps = []
    for run in document["runs"]:
        guard = run["tool"]["driver"]["name"]
        for entry in run.get("properties", {}).get("notChecked", ()):
            concerned = tuple(rule for rule in entry.get("rules", ()) if rule in rules)
            if concerned or not entry.get("rules"):
                gaps.append(Gap(entry["what"], _wayout(entry["why"]), concerned, guard))
    # What bears on a rule first: that copied components were passed over matters less.
    return tuple(sorted(dict.fromkeys(gaps), key=lambda gap: not gap.rules))


def _wayout(why: str) -> str:
    """The guards name the variable that a stamped project sets; this command has an option."""
    return re.sub(r"GUARDRAILS_ADVISORIES=", "--advisories ", why)


def _results(
    document: Mapping[str, Any], rules: Mapping[str, Rule], copies: Mapping[str, str]
) -> Iterator[_Found]:
    for run in document["runs"]:
        guard = run["tool"]["driver"]["name"]
        for result in run["results"]:
            rule = rules.get(result["ruleId"])
            if rule is not None:
                yield _found(result, rule, guard, copies)


def _found(result: Mapping[str, Any], rule: Rule, guard: str, copies: Mapping[str, str]) -> _Found:
    about = result.get("properties", {})
    message = _sentence(result["message"]["text"])
    label = about.get("severity")
    severity = Severity[label.upper()] if label else rule.severity
    places = tuple(_place(location, message) for location in result.get("locations") or [{}])
    evidence = about.get("evidence", "read")
    detail = about.get("detail", {})
    original = copies.get(places[0].path, places[0].path)
    return _Found(rule, guard, severity, evidence, message, places, detail, original)


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:] if _ARTICLE.match(message) else message


def _place(location: Mapping[str, Any], message: str) -> Place:
    physical = location.get("physicalLocation", {})
    region = physical.get("region", {})
    symbols = location.get("logicalLocations") or [{}]
    uri = physical.get("artifactLocation", {}).get("uri", "")
    return Place(
        path=unquote(uri, errors="surrogateescape"),
        line=region.get("startLine", 0),
        end_line=region.get("endLine", 0),
        snippet=region.get("snippet", {}).get("text", ""),
        symbol=symbols[0].get("fullyQualifiedName", ""),
        message=message,
    )


def _group(found: _Found) -> tuple[str, ...]:
    """Two guards may see one fault in one line, so the guard is no part of it. A fault of
    something that has a name, a variable or a secret, is one wherever it shows.
    """
    first = found.places[0]
    if found.rule.grouping == "tree":
        return (found.rule.id,)
    if found.rule.grouping == "file":
        return (found.rule.id, found.original)
    if subject := found.detail.get("subject"):
        return (found.rule.id, str(subject))
    if first.line:
        return (found.rule.id, found.original, str(first.line), first.symbol)
    return (found.rule.id, found.original, found.message.replace(first.path, found.original))


def _issue(group: list[_Found]) -> Issue:
    worst = min(
        group, key=lambda found: (-found.severity, found.is_copy, _sureness(found.evidence))
    )
    places = list(dict.fromkeys(place for found in group for place in found.places))
    first = worst.places[0]
    ordered = [first, *(place for place in places if place is not first)]
    return Issue(
        key=_key(worst, first),
        rule=worst.rule.id,
        area=worst.rule.area,
        severity=worst.severity,
        evidence=worst.evidence,
        message=_message(group, worst, places),
        places=tuple(ordered[:MOST_PLACES]),
        # Further places of one hole (the way to it, a second policy) are no further holes.
        count=1 if worst.rule.grouping == "place" else len(places),
        guard=worst.guard,
        detail=worst.detail,
        about=about(worst.rule, worst.guard, worst.message, first, worst.detail),
    )


def _message(group: list[_Found], worst: _Found, places: list[Place]) -> str:
    if worst.rule.grouping == "place":
        return f"{worst.message}{_again(group, worst)}"
    if len({found.message for found in group}) == 1:
        return worst.message
    files = len({place.path for place in places})
    spread = f"{len(places)} places" + (f" in {files} files" if files > 1 else "")
    return f"{worst.rule.title}: {spread}. The worst: {worst.message}"


def _again(group: list[_Found], worst: _Found) -> str:
    """Where else: in a copy of the file, or, of what has a name, at how many places more."""
    copies = sorted(
        {found.places[0].path for found in group if found.is_copy} - {worst.places[0].path}
    )
    said = ""
    if copies:
        more = f" and {len(copies) - 1} more" if len(copies) > 1 else ""
        said = f" {copies[0]}{more} is a copy, with the same fault."
    elsewhere = {found.original for found in group} - {worst.original}
    if elsewhere:
        said += f" The same in {min(elsewhere)}"
        said += f" and {len(elsewhere) - 1} more." if len(elsewhere) > 1 else "."
    return said and f"{'' if worst.message.endswith('.') else '.'}{said}"


def _key(found: _Found, first: Place) -> str:
    """What stays when lines move or are indented anew."""
    identity = [found.rule.id]
    if subject := found.detail.get("subject"):
        return _hashed([*identity, str(subject)])
    if found.rule.grouping != "tree":
        identity.append(first.path)
    if found.rule.grouping == "place":
        identity += [first.symbol, " ".join((first.snippet or found.message).split())]
    return _hashed(identity)


def _hashed(identity: list[str]) -> str:
    text = "\0".join(identity).encode("utf-8", "surrogateescape")
    return sha256(text).hexdigest()[:16]


def _with_distinct_keys(issues: Iterable[Issue]) -> Iterator[Issue]:
    seen: Counter[str] = Counter()
    for issue in issues:
        seen[issue.key] += 1
        again = seen[issue.key]
        yield issue if again == 1 else replace(issue, key=f"{issue.key}-{again}")


def _order(issue: Issue) -> tuple[Any, ...]:
    first = issue.places[0]
    return (
        -issue.severity,
        _sureness(issue.evidence),
        -issue.count,
        issue.rule,
        first.path.encode("utf-8", "surrogateescape"),
        first.line,
    )


def _sureness(evidence: str) -> int:
    return _EVIDENCE.index(evidence) if evidence in _EVIDENCE else len(_EVIDENCE)
