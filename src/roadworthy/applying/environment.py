"""Env files out of version control, and never out of their owner's folder (CWE-540).

git deletes a tracked file from the folder when it switches to a branch that does not have it. The
owner's values must survive that, to the byte; so they are kept aside while the switch happens.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from roadworthy.refusal import Refusal

from .git import differing, git, run
from .git import environment as git_environment

_ASIDE = "roadworthy-kept"
"""Below git's own folder; what an interrupted run left there is put back by the next."""
_NOTE = "note.json"
_FILES = "files"
_ADVICE = (
    """Before you merge, set {names} where the prototype is built and run (in the settings of the
host and of the builder): a build that took them from {paths} finds them there no longer.""",
    """{paths} stays in this folder. Every other clone loses it with the next pull: copy it away
before, and back afterwards.""",
    """Going back to a branch that tracks {paths} brings the committed values back over yours: copy
it away before you do, once you have changed it.""",
    """What was committed stays in the history. Untracking revokes nothing: see the list of what to
revoke.""",
)


@dataclass(frozen=True)
class Untracked:
    """What is no longer in version control, and what still is, with the reason."""

    paths: tuple[str, ...]
    left: Mapping[str, str] = field(default_factory=dict)


def untrack(clone: Path, paths: Iterable[str]) -> Untracked:
    """Stage the removal of these env files from version control; they stay in the folder.

    Only what an ignore file names is taken out: the next `git add --all` would take it in again,
    and git would refuse to switch back over a file that it neither tracks nor ignores.
    """
    gone: list[str] = []
    left: dict[str, str] = {}
    for path in paths:
        if run(clone, "ls-files", "--error-unmatch", "--", path).returncode:
            left[path] = "git does not track it"
        elif not _ignored(clone, path):
            left[path] = "an ignore file keeps it in git, or could not be added to"
        else:
            gone.append(path)
    if gone:
        git(clone, "rm", "--quiet", "--cached", "--", *gone)
    return Untracked(tuple(gone), left)


def switch(repository: Path, branch: str, tip: str = "") -> tuple[str, ...]:
    """Switch to the branch; what it does not track stays in the folder, to the byte.

    With a `tip` the branch is made there, as the last thing that happens.

    Returns the files that were kept so. `git switch -` afterwards brings the tracked ones back.

    Raises:
        Refusal: git does not switch; nothing was changed.

    """
    with keeping(repository, tip or branch) as leaving:
        made = ("--no-track", "--create", branch, tip) if tip else (branch,)
        git(repository, "switch", "--quiet", *made)
    return leaving


@contextmanager
def keeping(repository: Path, tip: str) -> Iterator[tuple[str, ...]]:
    """Whatever moves the folder to `tip` inside, the files that it no longer tracks stay.

    git fills the folder before it moves the branch: where it is stopped in between, or the disk
    is full, the folder goes back to what it was; where it was killed, by `recover` of the next run.
    """
    leaving = _no_longer_tracked(repository, tip)
    coming = [
        path
        for path in differing(repository, "A", "HEAD", tip)
        if not os.path.lexists(repository / path)
    ]
    aside = _aside(repository)
    begun = {"head": _head(repository), "tip": tip, "coming": coming}
    try:
        aside.mkdir(mode=0o700, exist_ok=True)
        (aside / _NOTE).write_text(json.dumps(begun), encoding="utf-8")
        for path in leaving:
            # Moved: git, which may have been told to take the file for unchanged, misses nothing.
            _move(repository / path, aside / _FILES / path)
        yield leaving
    finally:
        recover(repository)


def recover(repository: Path) -> tuple[str, ...]:
    """Undo a switch that did not come to its end, and put back what one kept aside, where there
    is no such file.

    Raises:
        Refusal: git's lock is there, so that git may be at work still.

    """
    aside = _aside(repository)
    if not aside.is_dir():
        return ()
    begun = _begun(aside)
    if begun is not None and begun["tip"] != begun["head"] == _head(repository):
        _undo(repository, begun["tip"], begun["coming"])
    # Without a note it is of a version that wrote none.
    files = aside if begun is None else aside / _FILES
    returned = tuple(sorted(_put_back(repository, files)))
    shutil.rmtree(aside, ignore_errors=True)
    return returned


def _begun(aside: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads((aside / _NOTE).read_bytes()))
    except (OSError, ValueError):
        return None


def _undo(repository: Path, tip: str, coming: Iterable[str]) -> None:
    """Undo what git brought, and nothing of anybody else's."""
    lock = _aside(repository).with_name("index.lock")
    if lock.exists():
        raise Refusal(
            f"{lock} is there: git is at work, or was killed at it. If none is running, remove "
            "that file, and run this again: what was done by half is undone then."
        )
    brought = partial(_is_brought, repository, tip)
    changed = [path for path in differing(repository, "M", "HEAD", tip) if brought(path)]
    git(repository, "restore", "--quiet", "--staged", ".")
    if changed:
        git(repository, "checkout", "--quiet", "--", *changed)
    for path in filter(brought, coming):
        (repository / path).unlink(missing_ok=True)
        for folder in (repository / path).parents:
            if folder == repository or not _emptied(folder):
                break


def _is_brought(repository: Path, tip: str, path: str) -> bool:
    """Whether the file is git's: what is at the tip, the beginning of it, or not yet there."""
    wanted = git(repository, "cat-file", "--filters", f"{tip}:{path}")
    try:
        there = os.fsdecode((repository / path).read_bytes())
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return wanted.startswith(there)


def _emptied(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _head(repository: Path) -> str:
    return git(repository, "rev-parse", "HEAD").strip()


def _put_back(repository: Path, aside: Path) -> Iterator[str]:
    for kept in list(aside.rglob("*")):
        path = kept.relative_to(aside)
        there = kept.is_symlink() or kept.is_file()
        if there and not os.path.lexists(repository / path):
            _move(kept, repository / path)
            yield path.as_posix()


def advice(files: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """What their owner must know before the branch is merged, for the report and the commit.

    `files` are the entries `environment` of `python -m guardrails.merges --plan`.
    """
    files = list(files)
    if not files:
        return ()
    paths = _list(str(file["path"]) for file in files)
    names = _list(dict.fromkeys(name for file in files for name in _names(file)))
    return tuple(line.replace("\n", " ").format(names=names, paths=paths) for line in _ADVICE)


def _names(file: Mapping[str, object]) -> list[str]:
    names = file["names"]
    return [str(name) for name in names] if isinstance(names, list | tuple) else []


def _list(names: Iterable[str]) -> str:
    *most, last = [f"`{name}`" for name in names] or ["its variables"]
    return f"{', '.join(most)} and {last}" if most else last


def _no_longer_tracked(repository: Path, tip: str) -> tuple[str, ...]:
    gone = ((repository / path, path) for path in differing(repository, "D", "HEAD", tip))
    return tuple(path for there, path in gone if there.is_symlink() or there.is_file())


def _aside(repository: Path) -> Path:
    return Path(git(repository, "rev-parse", "--absolute-git-dir").rstrip("\n")) / _ASIDE


def _move(source: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, to)  # git's folder may be on another disk


def _ignored(repository: Path, path: str) -> bool:
    # It takes no --literal-pathspecs, and no magic behind a dot.
    command = ["git", "-C", str(repository), "check-ignore", "--quiet", "--no-index", "--"]
    ran = subprocess.run(
        [*command, f"./{path}"], env=git_environment(), capture_output=True, check=False
    )
    if ran.returncode not in {0, 1}:
        said = " ".join(ran.stderr.decode("utf-8", "replace").split())
        raise Refusal(f"git check-ignore failed: {said}")
    return ran.returncode == 0
