"""A stamp, laid into the clone: what is new is added, and nothing of the prototype's is written."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from roadworthy.questions import ANSWERS_FILE
from roadworthy.refusal import Refusal

_STARTERS = frozenset({"SECURITY.md", "renovate.json"})
"""What a prototype may have already, and then keeps."""


@dataclass(frozen=True)
class Laid:
    """Paths: added, replaced (ours, from an earlier adoption), and left as they were."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    left: tuple[str, ...]


def lay(stamp: Path, earlier: Path | None, clone: Path) -> Laid:
    """Copy the stamp's files into the clone.

    `earlier` is the same template with the answers of the adoption before: a file of the clone that
    is equal to it is ours to replace; any other stays.

    Raises:
        Refusal: a file of the prototype's has a path that is needed. Nothing was copied.

    """
    added, replaced, left, taken = [], [], [], []
    for path in _files(stamp):
        mine, theirs = stamp / path, clone / path
        if not _is_there(theirs):
            added.append(path)
        elif _same(mine, theirs):
            continue
        elif earlier is not None and (path == ANSWERS_FILE or _same(earlier / path, theirs)):
            replaced.append(path)
        elif path in _STARTERS or earlier is not None:
            left.append(path)
        else:
            taken.append(path)
    if taken:
        raise Refusal(
            f"{taken[0]} is a file of the prototype's, and one of that name is needed"
            + (f" (and {len(taken) - 1} more)" if taken[1:] else "")
            + ". Choose other folders with -d service_dir=NAME -d home=NAME, or rename it."
        )
    for path in (*added, *replaced):
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(stamp / path, clone / path)
    return Laid(tuple(added), tuple(replaced), tuple(left))


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _same(one: Path, other: Path) -> bool:
    return (
        one.is_file()
        and other.is_file()
        and not other.is_symlink()
        and one.read_bytes() == other.read_bytes()
    )
