"""Everything an adoption brings, made in a clone: what the plan shows is what is there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roadworthy.inspection import Inspection, reread
from roadworthy.origin import Origin
from roadworthy.questions import Answers
from roadworthy.stamp import render, run_hook

from .engine import run_engine
from .environment import Untracked, untrack
from .gate import write_gate
from .laying import Laid, lay
from .repository import Repository, stage
from .schema.fitting import fit_schema
from .series import commit_series

Say = Callable[[str], None]

_DECISIONS = (0, 1)
"""Statuses of a step that did what it could and left some to a person."""


@dataclass(frozen=True)
class Preparation:
    """What is to be prepared, and from what. `earlier` are the answers of an adoption before."""

    repository: Repository
    origin: Origin
    answers: Answers
    inspection: Inspection
    earlier: Answers | None = None

    def wants(self, guardrail: str) -> bool:
        return guardrail in self.answers["guardrails"]

    @property
    def home(self) -> str:
        return str(self.answers["home"])

    @property
    def guardrails(self) -> str:
        """The folder of the guardrails, from the root of the repository."""
        return "guardrails" if self.home == "." else f"{self.home}/guardrails"


@dataclass(frozen=True)
class Prepared:
    """The clone with everything in it, and what the plan says of that."""

    clone: Path
    laid: Laid
    merges: tuple[Mapping[str, Any], ...]
    untracked: Untracked
    environment: tuple[Mapping[str, Any], ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether there is anything to commit."""
        pending = any(merge["state"] in {"new", "changed"} for merge in self.merges)
        return bool(self.laid.added or self.laid.replaced or self.untracked.paths or pending)


def prepare(wanted: Preparation, scratch: Path, say: Say, *, consent: bool = False) -> Prepared:
    """Clone the repository and make the adoption in it; nothing is committed yet.

    `consent` is to the prototype's code being run.
    """
    say("Cloning the repository")
    clone = wanted.repository.clone(scratch / "clone")
    say("Stamping the guardrails")
    stamp = _rendered(wanted.origin, wanted.answers, scratch / "stamp")
    earlier = _earlier(wanted, stamp, scratch / "earlier")
    write_gate(wanted.inspection, wanted.answers, stamp, clone)
    laid = lay(stamp, earlier, clone)
    say("Merging into the files that are shared")
    shared = json.loads(_engine(wanted, clone, "guardrails.merges", "--plan"))
    _engine(wanted, clone, "guardrails.merges", accepted=_DECISIONS)
    untracked = _untrack(wanted, clone, shared["environment"])
    said: dict[str, str] = {}
    if wanted.wants("boundaries"):
        say("Finding the boundaries that hold today")
        _engine(wanted, clone, "guardrails.boundaries", "--write", accepted=_DECISIONS)
    if wanted.wants("migrations") and wanted.answers["database"] == "supabase":
        said |= _of_the_database(wanted, clone, say)
    elif wanted.wants("migrations") and wanted.answers["database"] != "none":
        say("Making a baseline of the database's schema")
        said["schema"] = fit_schema(clone, wanted.answers, consent=consent)
    return Prepared(
        clone, laid, tuple(shared["merges"]), untracked, tuple(shared["environment"]), said
    )


@dataclass(frozen=True)
class Recorded:
    """The commits by their subjects, what may stay by the baseline's own words, and the tree as an
    inspection after.
    """

    commits: tuple[str, ...]
    baseline: str
    after: Inspection


def record(wanted: Preparation, prepared: Prepared, scratch: Path, say: Say) -> Recorded:
    """Lock the tools, write the baseline, and commit."""
    say("Locking the packages of the guardrails")
    for folder in (wanted.guardrails, str(wanted.answers["service_dir"])):
        if (prepared.clone / folder / "pyproject.toml").is_file():
            run_hook("lock", prepared.clone / folder)
    say("Recording what is wrong today")
    stage(prepared.clone)  # What is ignored and in no commit is not looked at.
    document = scratch / "after.sarif"
    said = _engine(
        wanted, prepared.clone, "guardrails", "baseline", "--document", str(document),
        accepted=_DECISIONS,
    )  # fmt: skip
    after = reread(json.loads(document.read_bytes()), wanted.inspection.name)
    say("Committing")
    service = str(wanted.answers["service_dir"])
    fitted = wanted.answers["guardrails"]
    commits = tuple(commit_series(prepared.clone, wanted.home, service, fitted))
    return Recorded(commits, "; ".join(said.splitlines()), after)


def _rendered(origin: Origin, answers: Answers, to: Path) -> Path:
    render(origin, answers | {"mode": "adopt"}, to)
    return to


def _earlier(wanted: Preparation, stamp: Path, to: Path) -> Path | None:
    """What the adoption before has stamped, to tell its files from those that were edited."""
    if wanted.earlier is None:
        return None
    answered = {name: value for name, value in wanted.earlier.items() if not name.startswith("_")}
    if answered == wanted.answers | {"mode": "adopt"}:
        return stamp
    return _rendered(wanted.origin, answered, to)


def _untrack(wanted: Preparation, clone: Path, environment: list[Mapping[str, Any]]) -> Untracked:
    if not wanted.wants("secrets"):
        return Untracked(())
    untracked = untrack(clone, [str(entry["path"]) for entry in environment])
    for path in untracked.paths:
        # In the clone only: so that what is committed is what is there.
        (clone / path).unlink(missing_ok=True)
    return untracked


def _of_the_database(wanted: Preparation, clone: Path, say: Say) -> dict[str, str]:
    """Once: from then on the lock and the proposals are the user's."""
    if (clone / wanted.guardrails / "access-matrix.lock").exists():
        return {}
    say("Replaying the migrations")
    said = {"matrix": _engine(wanted, clone, "guardrails.matrix", "--write", accepted=(0, 1, 2))}
    say("Trying out what would mend the database")
    command = ("guardrails.proposals", "--write")
    return said | {"proposals": _engine(wanted, clone, *command, accepted=(0, 1, 2))}


def _engine(
    wanted: Preparation, clone: Path, *command: str, accepted: tuple[int, ...] = (0,)
) -> str:
    return run_engine(clone, wanted.home, *command, accepted=accepted)
