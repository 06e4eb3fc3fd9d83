"""Findings against the baseline: what is new is refused, what is old may only become less."""

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from .baseline import Accepted, Baseline
from .finding import Finding
from .fingerprint import Fingerprint
from .rules import Rule


@dataclass(frozen=True)
class Verdict:
    """`new` fails a build. `old` and `accepted` stand in the baseline; `arrived` is what only newer
    guards see; `gone` stand in the baseline and were not found any more."""

    new: dict[Fingerprint, Finding] = field(default_factory=dict)
    old: dict[Fingerprint, Finding] = field(default_factory=dict)
    arrived: dict[Fingerprint, Finding] = field(default_factory=dict)
    gone: list[Fingerprint] = field(default_factory=list)


def judge(
    found: Mapping[Fingerprint, Finding],
    baseline: Baseline | None,
    rules: Mapping[str, Rule],
    *,
    present: Iterable[str],
    today: datetime.date,
    seen_before: Callable[[], Collection[Fingerprint]] = tuple,
) -> Verdict:
    """Compare. `present` are the files of the tree: an entry whose file is gone is matched by its
    text, since files are renamed. Without a baseline everything is new.

    `seen_before` says what the guards see in the code that was there before they changed. It is
    asked last, since it may have to look.
    """
    if baseline is None:
        return Verdict(new=dict(found))
    verdict = Verdict()
    unmatched = dict(baseline.entries)
    missed: dict[Fingerprint, Finding] = {}
    for fingerprint, finding in found.items():
        if fingerprint in unmatched:
            _place(verdict, fingerprint, finding, unmatched.pop(fingerprint), rules, today)
        else:
            missed[fingerprint] = finding
    there = frozenset(present)
    for fingerprint, finding in missed.items():
        former = _former(fingerprint, unmatched, there)
        if former is not None:
            _place(verdict, fingerprint, finding, unmatched.pop(former), rules, today)
        elif fingerprint.rule in baseline.rules or not may_stay(finding, rules):
            verdict.new[fingerprint] = finding
        else:
            verdict.arrived[fingerprint] = finding
    _tell_apart(verdict, baseline, rules, there, seen_before)
    verdict.gone.extend(sorted(unmatched))
    return verdict


def _tell_apart(
    verdict: Verdict,
    baseline: Baseline,
    rules: Mapping[str, Rule],
    there: Collection[str],
    seen_before: Callable[[], Collection[Fingerprint]],
) -> None:
    """What is new only to the guards is not new."""
    may = [
        fingerprint
        for fingerprint, finding in verdict.new.items()
        if fingerprint not in baseline.entries and may_stay(finding, rules)
    ]
    seen = dict.fromkeys(seen_before()) if may else {}
    for fingerprint in may:
        if fingerprint in seen or _former(fingerprint, seen, there) is not None:
            verdict.arrived[fingerprint] = verdict.new.pop(fingerprint)


def _place(
    verdict: Verdict,
    fingerprint: Fingerprint,
    finding: Finding,
    accepted: Accepted | None,
    rules: Mapping[str, Rule],
    today: datetime.date,
) -> None:
    rule = rules.get(finding.rule)
    if accepted is None:
        stays = may_stay(finding, rules)
    else:
        stays = not accepted.expired(today) and (rule is None or rule.may_be_allowed(finding))
    (verdict.old if stays else verdict.new)[fingerprint] = finding


def may_stay(finding: Finding, rules: Mapping[str, Rule]) -> bool:
    """Whether it may stay because it was there on the first day."""
    rule = rules.get(finding.rule)
    return rule is None or rule.may_be_recorded(finding)


def _former(
    fingerprint: Fingerprint, entries: Mapping[Fingerprint, object], there: Collection[str]
) -> Fingerprint | None:
    for entry in entries:
        if entry.path not in there and entry.moved_to(fingerprint.path) == fingerprint:
            return entry
    return None
