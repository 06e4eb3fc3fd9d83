"""`roadworthy update`: what a newer version brings, shown first, and landed on a branch."""

import re
import sys
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import copier
import questionary
from copier.errors import CopierError, DirtyLocalWarning
from jinja2 import TemplateError
from rich.console import Console
from rich.text import Text

from .applying import Repository
from .applying.engine import run_engine
from .applying.git import git
from .applying.repository import commit
from .copying import asking_git_once
from .inspecting import stopped_cleanly
from .origin import Origin, fetch
from .questions import ANSWERS_FILE, Answers, recorded
from .refusal import Refusal

_CONFLICT = re.compile(rb"(?m)^<{7} |^>{7} ")
_BY_HAND = "Run `copier update` yourself to mend them in place, or name another version with --ref."


@dataclass(frozen=True)
class Request:
    """`ref` None: the newest version."""

    path: Path
    ref: str | None = None
    yes: bool = False
    dry_run: bool = False


def run(request: Request) -> int:
    """Update; gives the exit code."""
    console, shown = Console(stderr=True, highlight=False), Console(highlight=False)
    with stopped_cleanly(), tempfile.TemporaryDirectory(prefix="roadworthy-") as folder:
        scratch = Path(folder)
        repository = Repository.at(request.path)
        answers = _answers(repository.top)
        origin = Origin(answers["_src_path"], request.ref)
        console.print(f"Fetching {origin.source}", style="dim", markup=False, soft_wrap=True)
        newest = _newest(fetch(origin, scratch / "template"), request.ref)
        repository = replace(repository, target=f"roadworthy/update-{newest}")
        repository.check_branch()
        clone = repository.clone(scratch / "clone")
        console.print("Updating a clone", style="dim")
        _update(clone, answers, newest)
        changed = _changes(clone)
        if not changed:
            shown.print(f"Nothing to update: this is {newest} already.")
            return 0
        _show(shown, clone, answers, newest)
        if request.dry_run:
            return 0
        _confirm(request, repository.target)
        commit(clone, f"Update the guardrails to {newest}")
        if _has_baseline(clone, answers):
            console.print("Looking with the newer guards at what was there before", style="dim")
            shown.print(Text(_record(clone, answers)))
        repository.land(clone)
        shown.print(Text(_NEXT.format(branch=repository.target)))
    return 0


_NEXT = """
On the branch {branch}. Look at it with `git show`, let CI judge it, and merge it; undo it with
`git switch -` and `git branch -D {branch}`."""


def _answers(root: Path) -> Answers:
    answers = recorded(root)
    if answers is None:
        raise Refusal(
            f"{root} holds no {ANSWERS_FILE}, so nothing says what it was stamped from: "
            "`roadworthy new` stamps a service, `roadworthy adopt` goes around a prototype."
        )
    if not answers.get("_src_path"):
        raise Refusal(f"{root / ANSWERS_FILE} does not say where the template is (_src_path).")
    return answers


def _newest(template: Path, ref: str | None) -> str:
    """The newest release, as Copier picks it; without any, the newest commit."""
    if ref is not None:
        return ref
    tags = git(template, "tag", "--list", "v[0-9]*", "--sort=-version:refname").split()
    return tags[0] if tags else git(template, "rev-parse", "--short", "HEAD").strip()


def _update(clone: Path, answers: Answers, newest: str) -> None:
    warnings.simplefilter("ignore", DirtyLocalWarning)
    try:
        with asking_git_once():
            copier.run_update(clone, vcs_ref=newest, defaults=True, overwrite=True, quiet=True)
    except (CopierError, TemplateError, ValueError) as error:
        raise Refusal(f"The update failed: {' '.join(str(error).split())}") from error
    if conflicting := [path for path in _changes(clone) if _conflicts(clone / path)]:
        raise Refusal(f"Both sides changed the same lines of {', '.join(conflicting)}. {_BY_HAND}")
    home = str(answers.get("home", "."))
    if answers.get("mode") == "adopt":
        run_engine(clone, home, "guardrails.merges", accepted=(0, 1))
    git(clone, "add", "--all")


def _has_baseline(clone: Path, answers: Answers) -> bool:
    return (clone / str(answers.get("home", ".")) / "guardrails" / "baseline.jsonl").is_file()


def _record(clone: Path, answers: Answers) -> str:
    """Nobody's build turns red for code that was there before: what newer guards see in it is
    recorded, in a commit of its own. Gives what is to be said of it.
    """
    try:
        said = run_engine(
            clone, str(answers.get("home", ".")), "guardrails", "baseline", accepted=(0, 1)
        )
    except Refusal as refusal:
        return f"Nothing was recorded in the baseline. {refusal}"
    if _changes(clone):
        git(clone, "add", "--all")
        commit(clone, "Record what the newer guards see in the code that was there")
    return f"The baseline: {'; '.join(said.splitlines())}"


def _changes(clone: Path) -> list[str]:
    listed = git(clone, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    return [entry[3:] for entry in listed.split("\0") if entry]


def _conflicts(path: Path) -> bool:
    return path.suffix == ".rej" or (path.is_file() and bool(_CONFLICT.search(path.read_bytes())))


def _show(shown: Console, clone: Path, answers: Answers, newest: str) -> None:
    before = answers.get("_commit", "an unknown version")
    shown.print(Text(f"From {before} to {newest}", style="bold"))
    shown.print(Text(git(clone, "diff", "--cached", "--stat=100", "HEAD").rstrip()))
    removed = git(clone, "diff", "--cached", "--name-only", "--diff-filter=D", "HEAD").split("\n")
    for path in filter(None, removed):
        shown.print(Text(f"  removed: {path}", style="yellow"))


def _confirm(request: Request, branch: str) -> None:
    if request.yes:
        return
    if not sys.stdin.isatty():
        raise Refusal("Nothing was changed. Add --yes to go on without being asked.")
    if not questionary.confirm(f"Make the branch {branch} of it?").unsafe_ask():
        raise KeyboardInterrupt
