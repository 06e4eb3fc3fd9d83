"""Which secrets to revoke, in which order and where: a leaked one can't be un-leaked by a commit.

The order is what a finder could do with it: what it opens, then who has it already (all visitors,
before everybody with the repository, before those who look through its history). CWE-798, ASVS 5.0
13.3.4.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from roadworthy.inspection.model import Issue, Place, Severity

_RULES = ("secret.service-role", "secret.in-bundle", "secret.committed", "secret.in-history")
_PUBLIC = "secret.in-bundle"
_PAST = "secret.in-history"
_HEADLINE = "Revoke these, in this order. Deleting them from the files does not take them back."


@dataclass(frozen=True)
class Provider:
    match: re.Pattern[str]
    provider: str
    rank: int
    where: str
    how: str
    breaks: str


@dataclass(frozen=True)
class Revocation:
    """One secret. `known_to` says who has it, which is why it can't wait."""

    what: str
    severity: Severity
    provider: str
    where: str
    how: str
    breaks: str
    known_to: str
    places: tuple[Place, ...]


def revocations(issues: Iterable[Issue]) -> tuple[Revocation, ...]:
    """What has to be revoked, the most dangerous first; public keys are not among it."""
    secrets: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        if issue.rule in _RULES:
            secrets.setdefault(_identity(issue), []).append(issue)
    groups = sorted(secrets.values(), key=_urgency)
    return tuple(_revocation(group) for group in groups)


def in_words(found: Sequence[Revocation]) -> str:
    """The list for the plan, the report and a commit message; it reads as Markdown too."""
    if not found:
        return ""
    return "\n\n".join([_HEADLINE, *(_entry(n, one) for n, one in enumerate(found, start=1))])


def _entry(number: int, one: Revocation) -> str:
    places = ", ".join(_printable(str(place)) for place in one.places[:3])
    more = f" and {len(one.places) - 3} more places" if len(one.places) > 3 else ""  # noqa: PLR2004
    indent = " " * (len(str(number)) + 2)
    return f"\n{indent}".join([
        f"{number}. {_printable(one.what)} ({one.severity.label}), {places}{more}.",
        f"{one.known_to}",
        f"{one.provider}: {one.where}",
        f"{one.how}",
        f"What breaks: {one.breaks[:1].lower()}{one.breaks[1:]}",
    ])  # fmt: skip


def _printable(text: str) -> str:
    """Names of the prototype's files may hold what a terminal obeys (CWE-150)."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _identity(issue: Issue) -> tuple[str, str]:
    """One secret is one entry, whichever guards saw it and wherever it stands."""
    masked = str(issue.detail.get("masked") or "")
    return (masked, _what(issue)) if masked else (issue.key, "")


def _what(issue: Issue) -> str:
    kind = str(issue.detail.get("kind") or issue.about or "")
    if kind:
        return kind
    quoted = re.search(r"`([^`]+)`", issue.message)
    return quoted[1].rpartition(".")[2] if quoted else "A secret"


def _urgency(group: list[Issue]) -> tuple[int, int, int, str, int]:
    worst = _worst(group)
    first = worst.places[0] if worst.places else Place()
    rules = {issue.rule for issue in group}
    spread = 0 if _PUBLIC in rules else 2 if rules == {_PAST} else 1
    return (-worst.severity, _provider(worst).rank, spread, first.path, first.line)


def _worst(group: list[Issue]) -> Issue:
    return max(group, key=lambda issue: issue.severity)


def _revocation(group: list[Issue]) -> Revocation:
    worst = _worst(group)
    provider = _provider(worst)
    masked = str(worst.detail.get("masked") or "")
    return Revocation(
        what=f"{_what(worst)} {masked}".strip(),
        severity=worst.severity,
        provider=provider.provider,
        where=provider.where,
        how=provider.how,
        breaks=provider.breaks,
        known_to=_known_to(group),
        places=tuple(dict.fromkeys(place for issue in group for place in issue.places)),
    )


def _known_to(group: list[Issue]) -> str:
    rules = {issue.rule for issue in group}
    if _PUBLIC in rules:
        return "Every visitor of the page has it since the first deployment."
    if rules == {_PAST}:
        date = str(group[0].detail.get("date") or "")
        since = f" since {date}" if date else ""
        return f"Everybody with a clone of the repository has it{since}, in its history."
    return "Everybody with the repository has it, and it stays in its history."


def _provider(issue: Issue) -> Provider:
    # What it is called says more than what is said about it, which names other things too; but
    # for a connection string the host is in there.
    what, said = _what(issue).lower(), f"{_what(issue)} {issue.message}".lower()
    named = None
    if "connection string" not in what:
        named = next((p for p in _providers()[:-1] if p.match.search(what)), None)
    return named or next(p for p in _providers() if p.match.search(said))


@cache
def _providers() -> tuple[Provider, ...]:
    file = Path(__file__).with_name("providers.yaml")
    entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tuple(Provider(**{**entry, "match": re.compile(entry["match"])}) for entry in entries)
