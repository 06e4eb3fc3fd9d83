"""What took long to read is kept as Python keeps what it compiled, for the next start.

It lies in `__pycache__` beside what it was read from, or where PYTHONPYCACHEPREFIX says, is not
written where PYTHONDONTWRITEBYTECODE forbids that, and is told to be of today as bytecode is: by
the names, sizes and times of the files.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any


def kept(name: Path, files: Sequence[Path], read: Callable[[], Any]) -> Any:
    """What `read` gives for these files, or what it gave for them before."""
    there = Path(cache_from_source(str(name))).with_suffix(".json")
    stats = [file.stat() for file in files]
    about = [[it.name, of.st_size, of.st_mtime_ns] for it, of in zip(files, stats, strict=True)]
    try:
        content = json.loads(there.read_bytes())
        if content["of"] == about:
            return content["is"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    value = read()
    if not sys.dont_write_bytecode:
        _keep(there, {"of": about, "is": value})
    return value


def _keep(there: Path, content: Any) -> None:
    """Whole or not at all, and nobody is told: without it all goes on, only slower."""
    unfinished = there.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError, TypeError, ValueError):
        text = json.dumps(content)
        if json.loads(text) != content:
            return  # YAML has values that JSON has not
        there.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(there)
        finally:
            unfinished.unlink(missing_ok=True)
