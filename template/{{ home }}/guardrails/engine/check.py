"""One judgement of a tree: run the guards, set waivers aside, hold the rest to the baseline."""

import datetime
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from . import earlier, sarif, scope
from .baseline import Baseline, grown, read
from .finding import Finding, NotLooked
from .fingerprint import Fingerprint, fingerprints
from .guards import HERE, Guard, load_guards
from .ratchet import Verdict, judge
from .rules import load
from .runner import Progress, run_guards
from .tree import Tree, walk
from .waivers import Waiver, apply_waivers

BASELINE = "baseline.jsonl"


@dataclass(frozen=True)
class Outcome:
    """What a check has to say. `broken` are guards that could not work, which is no pass;
    `grew` are lines that the branch put into the baseline by itself."""

    verdict: Verdict
    waived: Sequence[tuple[Finding, Waiver]]
    not_looked: Sequence[NotLooked]
    broken: Mapping[str, str]
    grew: Sequence[Fingerprint]
    document: Mapping[str, Any]

    @property
    def status(self) -> int:
        """0 nothing new, 1 something new, 2 something could not be looked at."""
        if self.broken:
            return 2
        return 1 if self.verdict.new or self.grew else 0


def check(
    root: Path,
    *,
    only_staged: bool = False,
    base: str | None = None,
    without: Sequence[str] = (),
    progress: Progress = lambda _: None,
) -> Outcome:
    """Judge the tree below root.

    Raises:
        CorruptBaseline, NoSuchBase, InvalidRule, InvalidGuards: as their names say.
    """
    baseline = read(root / baseline_of(root))
    if only_staged:
        with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:
            tree = scope.staged(root, Path(folder))
            guards = [it for it in _guards(without) if any(tree.ending(*it.staged))]
            return _judged(tree, baseline, guards, progress)
    commit = scope.merge_base(root, base)
    before = scope.baseline_at(root, commit, baseline_of(root)) if commit else None
    seen_before = _seen_before(root, commit, without)
    grew = grown(baseline, before) if baseline and before else []
    if grew and baseline and before and baseline.guards - before.guards:
        grew = [it for it in grew if it not in seen_before()]
    tree = recognised(walk(root))
    newer = baseline is not None and earlier.are_newer(baseline)
    excused = seen_before if newer else tuple
    return _judged(tree, baseline, _guards(without), progress, grew, excused)


def recognised(tree: Tree) -> Tree:
    """The tree with what it is made of, which several guards ask."""
    from ..stack import recognise  # noqa: PLC0415 - no check of what is staged asks

    return replace(tree, stack=recognise(tree))


def _seen_before(
    root: Path, merge_base: str | None, without: Sequence[str]
) -> Callable[[], Collection[Fingerprint]]:
    """Looks once, when it is asked first."""

    def look(tree_of: Path) -> Collection[Fingerprint]:
        tree = recognised(walk(tree_of))
        document = run_guards(tree, _guards(without), lambda _: None)
        found = [finding for run in document["runs"] for finding in sarif.findings(run)]
        return fingerprints(found, tree)

    @cache
    def seen() -> Collection[Fingerprint]:
        return earlier.seen_before(root, merge_base, look)

    return seen


def _guards(without: Sequence[str]) -> list[Guard]:
    return [guard for guard in load_guards() if guard.name not in without]


def _judged(
    tree: Tree,
    baseline: Baseline | None,
    guards: Sequence[Guard],
    progress: Progress,
    grew: Sequence[Fingerprint] = (),
    seen_before: Callable[[], Collection[Fingerprint]] = tuple,
) -> Outcome:
    document = run_guards(tree, guards, progress)
    found = [finding for run in document["runs"] for finding in sarif.findings(run)]
    rules = load()
    today = datetime.datetime.now(datetime.UTC).date()
    waivers = apply_waivers(found, tree, today, rules)
    verdict = judge(
        fingerprints(waivers.left, tree),
        baseline,
        rules,
        present=tree.files,
        today=today,
        seen_before=seen_before,
    )
    return Outcome(
        verdict=verdict,
        waived=waivers.waived,
        not_looked=[entry for run in document["runs"] for entry in sarif.not_looked(run)],
        broken={
            run["tool"]["driver"]["name"]: run["properties"]["broken"]
            for run in document["runs"]
            if run["properties"].get("broken")
        },
        grew=grew,
        document=document,
    )


def baseline_of(root: Path) -> str:
    """Where the tree's baseline is: beside the engine, when that is the tree's own."""
    folder = root.resolve()
    own = HERE.relative_to(folder).as_posix() if HERE.is_relative_to(folder) else "guardrails"
    return f"{own}/{BASELINE}"
