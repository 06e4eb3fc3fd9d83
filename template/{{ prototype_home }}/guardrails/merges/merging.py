"""Plan, apply and undo: the merges of a whole tree, each file on its own."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from . import files, variables
from .forms import merged, without
from .merge import Kind, Merge, Refused, State, difference
from .targets import Form, Target, Targets, load


def plan(root: Path, only: Collection[str] = (), targets: Targets | None = None) -> list[Merge]:
    """What would be done to each shared file; nothing is written."""
    targets = targets or load()
    seen: dict[str, str] = {}
    merges = [
        merge
        for target in targets.targets
        for path, wanted, names in _places(root, target)
        if not only or path in only
        if (merge := _planned(root, path, wanted, names, seen)) is not None
    ]
    return merges if only else [*merges, *_left(root, targets)]


def apply(root: Path, only: Collection[str] = (), targets: Targets | None = None) -> list[Merge]:
    """Do what the plan says, file by file; one that can't be written is refused alone."""
    return [_written(root, merge) for merge in plan(root, only, targets)]


def undo(root: Path, only: Collection[str] = (), targets: Targets | None = None) -> list[Merge]:
    """Take out everything that was put in, and remove the files that were made for it."""
    seen: dict[str, str] = {}
    return [
        _written(root, merge)
        for target in (targets or load()).targets
        for path in _candidates(root, target)
        if not only or path in only
        if (merge := _undone(root, path, target, seen)) is not None
    ]


def holds_marks(root: Path, path: str) -> bool:
    """Whether something of ours is in there, or was until somebody took a part of it."""
    try:
        content = files.read(root, path) or b""
    except Refused:
        return False
    return b">>> guardrails" in content or b"<<< guardrails" in content


def _places(root: Path, target: Target) -> Iterator[tuple[str, Target, list[str]]]:
    """The files that the target concerns, with the names of variables that go in."""
    if target.form is Form.VARIABLES:
        yield from _examples(root, target)
        return
    there = list(_candidates(root, target))
    if not target.every:
        # A block stays where it is, though a file that comes first was added later.
        there = ([path for path in there if holds_marks(root, path)] or there)[:1]
    made = target.made and target.text and (not target.tool or _is_used(root, target.tool))
    for path in there or [target.made] * bool(made):
        yield path, target, []


def _is_used(root: Path, tool: str) -> bool:
    """Whether there is a configuration of it, or package.json names it."""
    if any(True for glob in (f".{tool}rc*", f"{tool}.config.*") for _ in root.glob(glob)):
        return True
    try:
        manifest = files.read(root, "package.json") or b""
    except Refused:
        return False
    return f'"{tool}"'.encode() in manifest


def _examples(root: Path, target: Target) -> Iterator[tuple[str, Target, list[str]]]:
    """Our own variables are of the root's example, the others of the one beside their file."""
    wanted = variables.by_example(root) if target.tracked else {}
    own = variables.example_beside(root, ".env")
    yield own, target, wanted.get(own, [])
    for path in dict.fromkeys([*_candidates(root, target), *wanted]):
        if path != own:
            yield path, replace(target, text=""), wanted.get(path, [])


def _candidates(root: Path, target: Target) -> Iterator[str]:
    if target.form is Form.VARIABLES:
        yield from variables.examples(root)
        return
    for path in target.paths:
        if (root / path).is_symlink() or (root / path).exists():
            yield path


def _planned(
    root: Path, path: str, target: Target, names: list[str], seen: dict[str, str]
) -> Merge | None:
    kind = Kind.KEYS if target.form is Form.SCRIPTS else Kind.BLOCK
    about = Merge(path, kind, State.UP_TO_DATE, guardrail=target.guardrail)
    try:
        real = files.located(root, path)
        if real in seen:
            return replace(about, state=State.LEFT, reason=f"it is {seen[real]}, by another name")
        seen[real] = path
        before = files.read(root, path)
        after, said = merged(path, before, target, names)
        bare = None if before is None else without(path, before, target)
    except Refused as refusal:
        return replace(about, state=State.REFUSED, reason=str(refusal))
    if before == after:
        return None if bare == before else replace(about, before=before, after=after, reason=said)
    return replace(
        about,
        kind=Kind.CREATED if bare is None else kind,
        state=State.NEW if bare == before else State.CHANGED,
        reason=said,
        diff=difference(path, before, after, 0 if target.form is Form.VARIABLES else 3),
        before=before,
        after=after,
    )


def _left(root: Path, targets: Targets) -> Iterator[Merge]:
    for left in targets.left:
        there = {
            path.relative_to(root).as_posix() for glob in left.globs for path in root.glob(glob)
        }
        for path in sorted(there):
            yield Merge(path, Kind.NONE, State.LEFT, reason=left.reason)


def _written(root: Path, merge: Merge) -> Merge:
    if not merge.pending:
        return merge
    try:
        files.write(root, merge.path, merge.after)
    except Refused as refusal:
        return replace(merge, state=State.REFUSED, reason=str(refusal))
    return merge


def _undone(root: Path, path: str, target: Target, seen: dict[str, str]) -> Merge | None:
    kind = Kind.KEYS if target.form is Form.SCRIPTS else Kind.BLOCK
    about = Merge(path, kind, State.CHANGED, guardrail=target.guardrail)
    try:
        real = files.located(root, path)
        before = files.read(root, path)
        if before is None or seen.setdefault(real, path) != path:
            return None
        after = without(path, before, target)
    except Refused as refusal:
        return replace(about, state=State.REFUSED, reason=str(refusal))
    if before == after:
        return None
    return replace(about, diff=difference(path, before, after), before=before, after=after)
