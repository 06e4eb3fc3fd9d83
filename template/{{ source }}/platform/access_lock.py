"""The reviewed table of who may call what, so that opening a route shows in a pull request."""

import difflib
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from .access import AccessEntry

ACCESS_LOCK = Path("access.lock")

_HEADER = "# Who may call what. Written by `make access-lock`; every change of it is reviewed.\n"


def render(entries: Iterable[AccessEntry]) -> str:
    """One section a feature, one line a route: method, path, access."""
    by_feature = sorted(entries, key=lambda entry: (entry.feature, entry))
    sections = [
        f"\n[{feature}]\n" + "".join(f"{e.method:<7} {e.path}  {e.access}\n" for e in group)
        for feature, group in groupby(by_feature, key=lambda entry: entry.feature)
    ]
    return _HEADER + "".join(sections)


def changes(path: Path, table: str) -> str:
    """A unified diff from what the file says to `table`; empty when they agree."""
    recorded = path.read_text(encoding="utf-8") if path.is_file() else ""
    return "\n".join(
        difflib.unified_diff(
            recorded.splitlines(), table.splitlines(), str(path), "the routes", lineterm="", n=0
        )
    )
