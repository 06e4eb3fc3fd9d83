"""Files that stand in the tree twice: what is wrong in both is one fault, told at the original."""

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_FEWEST_BYTES = 32
_MOST_BYTES = 1_000_000


def copies_in(root: Path, document: Mapping[str, Any]) -> dict[str, str]:
    """Of the files with results: each copy, and the file that it is a copy of."""
    alike: dict[tuple[int, str], list[str]] = defaultdict(list)
    for path in sorted(_places(document)):
        content = _read(root / path)
        if content is not None and len(content) >= _FEWEST_BYTES:
            alike[len(content), sha256(content).hexdigest()].append(path)
    return {
        copy: original
        for paths in alike.values()
        for original, *rest in [sorted(paths, key=_order)]
        for copy in rest
    }


def _places(document: Mapping[str, Any]) -> set[str]:
    found = {
        location.get("physicalLocation", {}).get("artifactLocation", {}).get("uri", "")
        for run in document["runs"]
        for result in run["results"]
        for location in result.get("locations") or ()
    }
    return {unquote(uri, errors="surrogateescape") for uri in found if uri}


def _order(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _read(file: Path) -> bytes | None:
    """A regular file without its layout's line ends; no link is followed (CWE-59).

    A result may be of a folder: of a submodule, for one.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_size > _MOST_BYTES:
            return None
        with open(handle, "rb", closefd=False) as stream:
            return b"\n".join(_stripped(stream))
    except OSError:
        return None
    finally:
        os.close(handle)


def _stripped(lines: Iterable[bytes]) -> Iterable[bytes]:
    return (line.rstrip() for line in lines)
