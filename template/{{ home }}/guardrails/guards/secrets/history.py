"""Every text that any commit of any branch holds, each once."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...engine.tree import MOST_BYTES, git
from .places import worth_reading

_AT_ONCE = 16_000_000
MOST_TEXT = 400_000_000
"""A history of more text than this is read from its newest end."""


class NoHistory(Exception):
    """There is none to read; the message says why."""


@dataclass(frozen=True)
class History:
    """The blobs worth reading with one path each, and how much was left out."""

    root: Path
    folder: Path
    paths: Mapping[str, str]
    sizes: Mapping[str, int]
    left: int
    shallow: bool


@dataclass(frozen=True)
class Commit:
    id: str
    date: str


def open_history(root: Path, skipped: Iterable[str] = ()) -> History:
    """List the history, without what is below the folders that were left out of the tree.

    Raises:
        NoHistory: no repository, a broken one, or one without a commit.
    """
    if os.environ.get("GUARDRAILS_HISTORY") == "no":
        raise NoHistory("left out as asked")
    located = git(root, "rev-parse", "--git-common-dir", "--is-shallow-repository", "--show-prefix")
    if located is None:
        why = "a .git that git can't read" if os.path.lexists(root / ".git") else "no git here"
        raise NoHistory(why)
    folder, shallow, prefix = [*os.fsdecode(located).split("\n"), "", ""][:3]
    if not (git(root, "rev-list", "--all", "--max-count=1") or b"").strip():
        raise NoHistory("no commit yet")
    listed = git(root, "rev-list", "--all", "--objects", "--missing=print", timeout=300)
    if listed is None:
        raise NoHistory("its objects are damaged: `git fsck` says which")
    below = tuple(f"{folder}/" for folder in skipped)
    paths = {blob: path for blob, path in _paths(listed, prefix) if not path.startswith(below)}
    kept, left = _within(root, paths)
    left += sum(line.startswith(b"?") for line in listed.splitlines())
    return History(
        root, (root / folder).resolve(), {blob: paths[blob] for blob in kept}, kept, left,
        shallow == "true",
    )  # fmt: skip


def _paths(listed: bytes, prefix: str) -> Iterator[tuple[str, str]]:
    for line in listed.splitlines():
        blob, _, name = line.partition(b" ")
        path = os.fsdecode(name)
        if path and path.startswith(prefix) and worth_reading(path):
            yield blob.decode(), path.removeprefix(prefix)


def _within(root: Path, paths: Iterable[str]) -> tuple[dict[str, int], int]:
    asked = "\n".join(paths).encode()
    told = git(root, "cat-file", "--batch-check", "--buffer", given=asked, timeout=300) or b""
    kept: dict[str, int] = {}
    total = left = 0
    for line in told.decode().splitlines():
        fields = line.split(" ")
        if len(fields) != 3 or fields[1] != "blob":
            continue
        size = int(fields[2])
        if size > MOST_BYTES or total + size > MOST_TEXT:
            left += 1
            continue
        total += size
        kept[fields[0]] = size
    return kept, left


def texts(history: History) -> Iterator[tuple[str, bytes]]:
    """Each blob with its content, read a few megabytes at a time."""
    batch: list[str] = []
    weight = 0
    for blob, size in history.sizes.items():
        batch.append(blob)
        weight += size
        if weight > _AT_ONCE:
            yield from _contents(history.root, batch)
            batch, weight = [], 0
    yield from _contents(history.root, batch)


def text_of(history: History, blob: str) -> str:
    told = git(history.root, "cat-file", "blob", blob)
    return (told or b"").decode(errors="replace")


def _contents(root: Path, blobs: list[str]) -> Iterator[tuple[str, bytes]]:
    told = git(root, "cat-file", "--batch", "--buffer", given="\n".join(blobs).encode()) or b""
    at = 0
    while at < len(told):
        end = told.find(b"\n", at)
        if end < 0:
            return
        fields = told[at:end].split(b" ")
        at = end + 1
        if len(fields) != 3:
            continue
        size = int(fields[2])
        yield fields[0].decode(), told[at : at + size]
        at += size + 1


def added_in(history: History, blobs: Iterable[str]) -> dict[str, Commit]:
    """The first commit that holds each of the blobs."""
    wanted = set(blobs)
    if not wanted:
        return {}
    paths = sorted({f":(top){history.paths[blob]}" for blob in wanted if blob in history.paths})
    told = git(
        history.root, "log", "--all", "--reverse", "--raw", "--no-abbrev", "--no-renames",
        "--diff-merges=first-parent", "--format=commit %H %cs", "--", *paths,
        timeout=300,
    )  # fmt: skip
    found: dict[str, Commit] = {}
    commit = Commit("", "")
    for line in (told or b"").decode(errors="replace").splitlines():
        if line.startswith("commit "):
            _, name, date = line.split(" ")
            commit = Commit(name, date)
        elif line.startswith(":"):
            blob = line.split(" ")[3]
            if blob in wanted:
                found.setdefault(blob, commit)
    return found
