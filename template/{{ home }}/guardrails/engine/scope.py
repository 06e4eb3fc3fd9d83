"""Which part of a repository is judged: all of it, what is staged, or what a branch brings."""

import os
from dataclasses import replace
from pathlib import Path

from .baseline import Baseline
from .tree import Tree, git, walk


class NoSuchBase(ValueError):
    """The commit to compare with is not in this clone."""


def staged(root: Path, folder: Path) -> Tree:
    """The files about to be committed, as they are in the index, laid out in a folder.

    Raises:
        NoSuchBase: the root is in no git repository.
    """
    listed = git(root, "diff", "--cached", "--name-only", "-z", "--diff-filter=d", "--relative")
    if listed is None:
        raise NoSuchBase(f"{root} is in no git repository, so nothing is staged there")
    names = [name for name in listed.split(b"\0") if name]
    if names:
        prefix = f"--prefix={folder}/"
        decoded = [os.fsdecode(name) for name in names]
        if git(root, "checkout-index", prefix, "--", *decoded) is None:
            raise NoSuchBase("the index can't be read; `git status` says why")
    laid_out = walk(folder, versioned=False)
    return replace(laid_out, selected=frozenset(laid_out.files))


def merge_base(root: Path, named: str | None) -> str | None:
    """The commit that a branch left, by the name given or by what CI says; None outside of both.

    Raises:
        NoSuchBase: the name given is no commit here (a shallow clone, a typing error).
    """
    target = named or _target_of_ci()
    if target is None:
        return None
    for candidate in (target, f"origin/{target}"):
        found = git(root, "merge-base", candidate, "HEAD")
        if found is not None:
            return found.decode().strip()
    raise NoSuchBase(
        f"{target!r} has no commit in common with HEAD here; fetch it (in CI: the whole history, "
        "`fetch-depth: 0`) or name another with --base"
    )


def baseline_at(root: Path, commit: str, path: str) -> Baseline | None:
    """The baseline as that commit has it; None when it has none. Raises CorruptBaseline."""
    text = git(root, "show", f"{commit}:./{path}")
    if text is None:
        return None
    return Baseline.from_text(text.decode("utf-8", errors="replace"), f"{commit[:12]}:{path}")


def _target_of_ci() -> str | None:
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"):
        if value := os.environ.get(name):
            return value
    return None
