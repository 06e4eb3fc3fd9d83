"""Copier without its hundreds of questions to git, and without what it leaves behind.

Copier 9.15 and newer asks git for `core.fileMode` after every file that it writes, a process each
time, which takes longer than all the rendering. The answer is one for the whole folder.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from copier import _main

_ASKS: Final = "_sync_git_index_executable_bit"


@contextmanager
def asking_git_once() -> Iterator[None]:
    """Around one copy or one update. What Copier does in folders whose `core.fileMode` is false
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
