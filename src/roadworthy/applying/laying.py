"""A stamp, laid into the clone: what is new is added, and nothing of the prototype's is written."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from roadworthy.questions import ANSWERS_FILE
from roadworthy.refusal import Refusal

_STARTERS = {
    "SECURITY.md": (".github/SECURITY.md", ".gitlab/SECURITY.md", "docs/SECURITY.md"),
    "renovate.json": (
        "renovate.json5",
        *(f"{host}/renovate.json{five}" for host in (".github", ".gitlab") for five in ("", "5")),
        *(f".renovaterc{form}" for form in ("", ".json", ".json5")),
    ),
}
"""What a prototype may have already, and then keeps; and where else it may: what is read is the
first that is found, which ours would be.
"""


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
    known = {path.lower(): path for path in _files(clone)}
    for path in _files(stamp):
        _check_way(clone, path)
        mine, theirs = stamp / path, clone / path
        if not _is_there(theirs):
            # Letters of both cases are one on many a disk.
            theirs = clone / known.get(path.lower(), path)
        if other := _another(clone, path, known):
            left.append(other)
        elif not _is_there(theirs):
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


def _check_way(clone: Path, path: str) -> None:
    """Refuse a way through a link: it may lead out of the repository (CWE-59)."""
    for folder in Path(path).parents[:-1]:
        if (clone / folder).is_symlink():
            raise Refusal(
                f"{folder} is a link, and {path} would be written where it leads. Make it a "
                "folder, or leave out the guardrail that needs it with --decline."
            )


def _another(clone: Path, path: str, known: Mapping[str, str]) -> str | None:
    """What does the same in a place of its own."""
    for other in _STARTERS.get(path, ()):
        if other.lower() in known:
            return known[other.lower()]
    if path == "renovate.json":
        with suppress(OSError, ValueError, TypeError, RecursionError):
            if "renovate" in json.loads((clone / "package.json").read_bytes()):
                return "package.json"
    return None


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and ".git" not in path.relative_to(folder).parts:
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
