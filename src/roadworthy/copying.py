"""Copier without what it does hundreds of times over, and without what it leaves behind.

Copier 9.15 and newer asks git for `core.fileMode` after every file that it writes, a process each
time, and compiles each part of each path anew, which is half of all the rendering. The answer is
one for the whole folder, and the parts are a few dozen.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from copier import _main
from jinja2 import Environment, Template

_ASKS: Final = "_sync_git_index_executable_bit"


@contextmanager
def without_repetition() -> Iterator[None]:
    """Around one copy or one update of our template, which comes to the same."""
    with _asking_git_once(), _compiling_once():
        yield


@contextmanager
def _asking_git_once() -> Iterator[None]:
    """What Copier does in folders whose `core.fileMode` is false
    it still does there; a Copier that asks nothing is left as it is.
    """
    ask = vars(_main.Worker).get(_ASKS)
    if ask is None:
        yield
        return
    known: dict[Path, bool] = {}

    def sync(worker: Any, relative: Path, mode: int) -> None:
        folder = worker.subproject.local_abspath
        if folder not in known:
            known[folder] = _keeps_modes_in_the_index(folder)
        if known[folder]:
            ask(worker, relative, mode)

    setattr(_main.Worker, _ASKS, sync)
    try:
        yield
    finally:
        setattr(_main.Worker, _ASKS, ask)


@contextmanager
def _compiling_once() -> Iterator[None]:
    """Not for a template with a `yield` tag: Copier learns its name while it compiles."""
    compiled = Environment.from_string

    @cache
    def once(environment: Environment, source: str) -> Template:
        return compiled(environment, source)

    def from_string(environment: Environment, source: Any, *further: Any, **named: Any) -> Template:
        if further or named or not isinstance(source, str):
            return compiled(environment, source, *further, **named)
        return once(environment, source)

    setattr(Environment, compiled.__name__, from_string)
    try:
        yield
    finally:
        setattr(Environment, compiled.__name__, compiled)


@contextmanager
def in_one_folder() -> Iterator[None]:
    """Around one copy or one update. Copier forgets a clone that was just being made when it was
    stopped; whatever is in the folder goes with it.
    """
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="roadworthy-", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before


def _keeps_modes_in_the_index(folder: Path) -> bool:
    asked = ["git", "-C", str(folder), "config", "--type=bool", "--get", "core.fileMode"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    return said.stdout.strip() == "false"
