"""Kingfisher, offline: the shapes of a thousand providers, in the tree and in every git object."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TIMEOUT = 300
_STATUSES = {0, 200, 205}
# Never asks a provider, reads no configuration of the prototype's, unpacks nothing.
_SCAN = (
    "scan", "--no-validate", "--no-update-check", "--quiet", "--format", "jsonl", "--turbo",
    "--no-dedup", "--no-extract-archives", "--no-binary", "--max-file-size", "1",
)  # fmt: skip


class NotScanned(Exception):
    """The scanner is not there or did not end well; the message says which."""


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
        NotScanned: the scanner is missing, crashed, or took too long.
    """
    program = shutil.which("kingfisher", path=str(Path(sys.executable).parent))
    program = program or shutil.which("kingfisher")
    if program is None:
        raise NotScanned("kingfisher is not installed")
    if objects == root / ".git":
        return list(_run(program, root, str(root)))
    found = list(_run(program, root, "--git-history", "none", str(root)))
    if objects is not None:
        found += _run(program, objects, str(objects))
    return found


def _run(program: str, root: Path, *arguments: str) -> Iterator[Match]:
    with tempfile.TemporaryDirectory() as elsewhere:
        try:
            done = subprocess.run(
                [program, *_SCAN, *arguments],
                cwd=elsewhere,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotScanned(f"kingfisher: {error}") from None
    if done.returncode not in _STATUSES:
        said = done.stderr.decode(errors="replace").strip()[:200]
        raise NotScanned(f"kingfisher stopped with {done.returncode}: {said}")
    for line in done.stdout.splitlines():
        match = _match(root, line)
        if match is not None:
            yield match


def _match(root: Path, line: bytes) -> Match | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    finding: dict[str, Any] | None = record.get("finding")
    if finding is None:
        return None
    path = str(finding["path"])
    folder, _, name = path.rpartition("/")
    parent, _, prefix = folder.rpartition("/")
    if parent.endswith("/objects") and len(prefix) == 2:
        where = {"blob": prefix + name}
    else:
        where = {"path": path.removeprefix(f"{root}/").removeprefix("./")}
    return Match(
        rule=str(record["rule"]["name"]),
        secret=str(finding["snippet"]),
        confidence=str(finding.get("confidence", "")),
        line=int(finding["line"]),
        **where,
    )
