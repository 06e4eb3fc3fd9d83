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
from .applying.repository import commit, stage
from .copying import in_one_folder, without_repetition
from .inspecting import hold_interrupts, stopped_cleanly
from .origin import Origin, fetch
from .questions import ANSWERS_FILE, Answers, recorded
from .refusal import BadAnswer, Refusal
from .releases import as_branch, is_ahead, newest_release

_CONFLICT = re.compile(rb"(?m)^<{7} |^>{7} ")
_MOVED = f"write where the template is now into {ANSWERS_FILE} (_src_path)"
_NEEDED = {"_src_path": "where the template is", "_commit": "which version of it this is"}
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
    with stopped_cleanly(), tempfile.TemporaryDirectory(prefix="roadworthy-") as scratch:
        return _Update(request, console, shown, Path(scratch)).run()


@dataclass(frozen=True)
class _Update:
    request: Request
    console: Console
    shown: Console
    scratch: Path

    def run(self) -> int:
        if not self.request.path.is_dir():
            raise BadAnswer(f"{self.request.path} is no folder: name that of a project.")
        repository = Repository.at(self.request.path)
        folder = _stamped(repository.top, self.request.path)
        answers = _answers(repository.top / folder)
        origin = Origin(answers["_src_path"], self.request.ref)
        self._say(f"Fetching {origin.source}")
        template = fetch(origin, self.scratch / "template", _MOVED)
        newest = self.request.ref or newest_release(template)
        if is_ahead(template, answers["_commit"], newest) and self.request.ref is None:
            return self._nothing(f"{answers['_commit']}, which came after {newest}")
        target = f"roadworthy/update-{as_branch(template, newest)}"
        repository = replace(repository, target=target)
        repository.check_branch()
        clone = repository.clone(self.scratch / "clone")
        self._say("Updating a clone")
        _update(clone, folder, answers, newest)
        if not _changes(clone):
            return self._nothing(f"{newest} already")
        _show(self.shown, clone, answers, newest)
        if not self.request.dry_run:
            self._land(repository, clone, folder, answers, newest)
        return 0

    def _land(
        self, repository: Repository, clone: Path, folder: Path, answers: Answers, newest: str
    ) -> None:
        _confirm(self.request, repository.target)
        commit(clone, f"Update the guardrails to {newest}")
        if _has_baseline(clone / folder, answers):
            self._say("Looking with the newer guards at what was there before")
            self.shown.print(Text(_record(clone, folder, answers)))
        hold_interrupts()
        repository.land(clone)
        self.shown.print(Text(_NEXT.format(branch=repository.target)))

    def _say(self, what: str) -> None:
        self.console.print(what, style="dim", markup=False, soft_wrap=True)

    def _nothing(self, why: str) -> int:
        self.shown.print(Text(f"Nothing to update: this is {why}."))
        return 0


_NEXT = """
On the branch {branch}. Look at it with `git show`, let CI judge it, and merge it; undo it with
`git switch -` and `git branch -D {branch}`."""


def _stamped(top: Path, path: Path) -> Path:
    """The project's folder in the repository, which may hold more than one: the nearest above."""
    for folder in (path.resolve(), *path.resolve().parents):
        if (folder / ANSWERS_FILE).is_file() and folder.is_relative_to(top):
            return folder.relative_to(top)
    return Path()


def _answers(root: Path) -> Answers:
    answers, file = recorded(root), root / ANSWERS_FILE
    if answers is None:
        raise Refusal(
            f"{root} holds no {ANSWERS_FILE}, so nothing says what it was stamped from: "
            "`roadworthy new` stamps a service, `roadworthy adopt` goes around a prototype."
        )
    for key, what in _NEEDED.items():
        if not isinstance(answers.get(key), str) or not answers[key]:
            raise Refusal(f"{file} does not say {what} ({key}, a text).")
    return answers


def _update(clone: Path, folder: Path, answers: Answers, newest: str) -> None:
    warnings.simplefilter("ignore", DirtyLocalWarning)
    try:
        with without_repetition(), in_one_folder():
            copier.run_update(
                clone / folder, vcs_ref=newest, defaults=True, overwrite=True, quiet=True
            )
    except (CopierError, TemplateError, ValueError) as error:
        raise Refusal(f"The update failed: {' '.join(str(error).split())}") from error
    if conflicting := [path for path in _changes(clone) if _conflicts(clone / path)]:
        raise Refusal(f"Both sides changed the same lines of {', '.join(conflicting)}. {_BY_HAND}")
    home = str(answers.get("home", "."))
    if answers.get("mode") == "adopt":
        run_engine(clone / folder, home, "guardrails.merges", accepted=(0, 1))
    stage(clone)


def _has_baseline(project: Path, answers: Answers) -> bool:
    return (project / str(answers.get("home", ".")) / "guardrails" / "baseline.jsonl").is_file()


def _record(clone: Path, folder: Path, answers: Answers) -> str:
    """Nobody's build turns red for code that was there before: what newer guards see in it is
    recorded, in a commit of its own. Gives what is to be said of it.
    """
    try:
        home = str(answers.get("home", "."))
        said = run_engine(clone / folder, home, "guardrails", "baseline", accepted=(0, 1))
    except Refusal as refusal:
        return f"Nothing was recorded in the baseline. {refusal}"
    if _changes(clone):
        stage(clone)
        commit(clone, "Record what the newer guards see in the code that was there")
    return f"The baseline: {'; '.join(said.splitlines())}"


def _changes(clone: Path) -> list[str]:
    listed = git(clone, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all",
                 "--ignored=traditional")  # fmt: skip
    return [entry[3:] for entry in listed.split("\0") if entry]


def _conflicts(path: Path) -> bool:
    return path.suffix == ".rej" or (path.is_file() and bool(_CONFLICT.search(path.read_bytes())))


def _show(shown: Console, clone: Path, answers: Answers, newest: str) -> None:
    shown.print(Text(f"From {answers['_commit']} to {newest}", style="bold"))
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
