"""What the env files of a prototype give, and what its example of one would."""

import re
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values

_EXAMPLE = re.compile(r"example|sample|template", re.IGNORECASE)
_NOT_OF_AN_APP = frozenset({"NODE_ENV", "PATH", "HOME", "TMPDIR", "CI"})


def variables_given(tree: Path, app: Path) -> dict[str, str]:
    """The app's own are over those of the tree that it lies in; what is empty is not given."""
    found: dict[str, str] = {}
    for file in _env_files(tree, app):
        if not _EXAMPLE.search(file.name):
            found |= _values(file)
    return found


def variables_of_example(tree: Path, app: Path) -> dict[str, str]:
    """What an example says beyond what is given: enough for many a server to start, and no more."""
    found: dict[str, str] = {}
    for file in _env_files(tree, app):
        if _EXAMPLE.search(file.name):
            found |= _values(file)
    given = variables_given(tree, app)
    return {name: it for name, it in found.items() if name not in _NOT_OF_AN_APP | set(given)}


def _env_files(tree: Path, app: Path) -> Iterator[Path]:
    for folder in dict.fromkeys((tree, app)):
        for pattern in (".env*", "env.*"):
            yield from sorted(file for file in folder.glob(pattern) if file.is_file())


def _values(file: Path) -> dict[str, str]:
    try:
        found = dotenv_values(file, interpolate=False, encoding="utf-8-sig")
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in found.items() if value and "\0" not in value}
