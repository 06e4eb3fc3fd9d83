"""Writing the baseline: the first day's findings, fewer of them later, and accepted exceptions."""

import datetime
from dataclasses import dataclass, replace
from pathlib import Path

from .baseline import Accepted, Baseline, read
from .check import Outcome, baseline_of
from .earlier import identity
from .fingerprint import Fingerprint
from .ratchet import may_stay
from .rules import load


class Refused(ValueError):
    """The baseline may not become what was asked for; the message says why."""


@dataclass(frozen=True)
class Recorded:
    """How many findings it holds now, how many went, how many came, and what it can't hold."""

    holds: int
    gone: int
    came: int
    refused: int


def record(root: Path, outcome: Outcome) -> Recorded:
    """Write what may stay: everything on the first day; afterwards only less, and what only newer
    guards see in code that was there before them.

    Raises:
        Refused: a guard could not look, so that what it knew would be lost.
        CorruptBaseline: the one that is there.
    """
    if outcome.broken:
        names = ", ".join(outcome.broken)
        raise Refused(f"{names} could not look, so nothing is recorded; see the reasons above")
    before = read(root / baseline_of(root))
    verdict = outcome.verdict
    rules = load()
    kept: dict[Fingerprint, Accepted | None] = {
        fingerprint: before.entries.get(fingerprint) if before else None
        for fingerprint in (*verdict.old, *verdict.arrived)
    }
    refused = 0
    for fingerprint, finding in verdict.new.items():
        if before is None and may_stay(finding, rules):
            kept[fingerprint] = None
        else:
            refused += 1
    guards = frozenset({identity()})
    _write(root / baseline_of(root), Baseline(frozenset(rules), kept, guards))
    were = frozenset(before.entries) if before else frozenset()
    return Recorded(len(kept), len(were - set(kept)), len(set(kept) - were), refused)


def accept(root: Path, outcome: Outcome, wanted: str, accepted: Accepted) -> Fingerprint:
    """Let one new finding stay.

    Raises:
        Refused: nothing new has that fingerprint, it may not be allowed, the date has passed.
    """
    matches = [entry for entry in outcome.verdict.new if entry.id.startswith(wanted)]
    if len(matches) != 1:
        raise Refused(f"{len(matches)} new findings have the fingerprint {wanted!r}; one is needed")
    rule = load().get(matches[0].rule)
    if rule and not rule.may_be_allowed(outcome.verdict.new[matches[0]]):
        raise Refused(f"{rule.id} can't be accepted: {' '.join(rule.why.split())}")
    if accepted.expired(datetime.datetime.now(datetime.UTC).date()):
        raise Refused(f"{accepted.until} has passed")
    before = read(root / baseline_of(root)) or Baseline(
        frozenset(load()), guards=frozenset({identity()})
    )
    _write(
        root / baseline_of(root), replace(before, entries=before.entries | {matches[0]: accepted})
    )
    return matches[0]


def _write(file: Path, baseline: Baseline) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".writing")
    beside.write_text(baseline.to_text(), encoding="utf-8")
    beside.replace(file)
