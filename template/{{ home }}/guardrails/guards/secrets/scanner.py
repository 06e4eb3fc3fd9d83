"""The shapes of a thousand providers, in the tree and in every git object."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ... import kingfisher
from .worthwhile import rules_left_out

_SECONDS = 300
# Unpacks nothing, and names each place of what stands in several.
_OPTIONS = (
    "--turbo", "--no-dedup", "--no-extract-archives", "--no-binary", "--max-file-size", "1",
)  # fmt: skip


@dataclass(frozen=True)
class Match:
    """What the scanner matched: in a file of the tree, or in a git object."""

    rule: str
    secret: str
    confidence: str
    line: int
    path: str = ""
    blob: str = ""


def scan(root: Path, objects: Path | None) -> list[Match]:
    """Scan the folder, and with `objects` (a git directory) every object of the repository.

    Raises:
        NotChecked: the scanner is missing, crashed, or took too long.
    """
    if objects == root / ".git":
        return list(_matches(root, root))
    found = list(_matches(root, "--git-history", "none", root))
    if objects is not None:
        found += _matches(objects, objects)
    return found


def _matches(root: Path, *arguments: str | Path) -> Iterator[Match]:
    # Elsewhere, so that it reads no configuration of the tree's.
    options = [*_OPTIONS, *(f"--exclude-rule={rule}" for rule in rules_left_out())]
    with tempfile.TemporaryDirectory() as elsewhere:
        found = kingfisher.scan(*options, *arguments, folder=Path(elsewhere), seconds=_SECONDS)
    return (_placed(root, match) for match in found)


def _placed(root: Path, match: kingfisher.Match) -> Match:
    folder, _, name = match.path.rpartition("/")
    parent, _, prefix = folder.rpartition("/")
    path, blob = match.path.removeprefix(f"{root}/").removeprefix("./"), ""
    if parent.endswith("/objects") and len(prefix) == 2:
        path, blob = "", prefix + name
    return Match(match.rule, match.secret, match.confidence, match.line, path, blob)
