"""One stamp: rendered beside its destination, finished by the hooks, then moved there whole."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import copier
from copier.errors import CopierError
from jinja2 import TemplateError

from .copying import in_one_folder, without_repetition
from .origin import Origin
from .questions import Answers
from .refusal import Refusal

HOOKS = ("lock", "first_commit")


def check_destination(destination: Path) -> None:
    """Refuse, before a question is asked, what could not be written to at the end."""
    if destination.is_dir():
        if any(destination.iterdir()):
            raise Refusal(
                f"{destination} is not empty, and nothing in it is overwritten: name a folder that "
                "does not exist yet, or empty this one."
            )
    elif destination.exists() or destination.is_symlink():
        raise Refusal(f"{destination} is a file: name a folder that does not exist yet.")
    parent = destination.parent
    if not parent.is_dir():
        raise Refusal(f"{parent} does not exist: make that folder first, or name another place.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise Refusal(
            f"{parent} can't be written to: change its permissions, or name another place."
        )


def stamp(origin: Origin, answers: Answers, destination: Path) -> Iterator[str]:
    """Stamp, giving a line for each step that is done."""
    with _scratch_beside(destination) as scratch:
        project = scratch / destination.name
        render(origin, answers, project)
        files = sum(path.is_file() for path in project.rglob("*"))
        yield f"Stamped {files} files from {origin.source}"
        for hook in HOOKS:
            yield run_hook(hook, project)
        if destination.is_dir():
            destination.rmdir()
        project.rename(destination)


def run_hook(name: str, project: Path) -> str:
    """Run a hook as a person would by hand, and give what it said."""
    shipped = Path(__file__).with_name("hooks")
    folder = shipped if shipped.is_dir() else Path(__file__).parents[2] / "hooks"
    ran = subprocess.run(
        [sys.executable, str(folder / f"{name}.py"), str(project)],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise Refusal(f"The step {name} failed: {' '.join(ran.stderr.split())}")
    return ran.stdout.strip()


@contextmanager
def _scratch_beside(destination: Path) -> Iterator[Path]:
    """On the same file system, so that the last move is one step; removed whatever happens."""
    try:
        scratch = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
    except OSError as error:
        raise Refusal(f"{destination.parent} can't be written to: {error.strerror}.") from error
    try:
        yield scratch
    except OSError as error:
        raise Refusal(f"{destination} can't be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def render(origin: Origin, answers: Answers, to: Path) -> None:
    """Stamp into a folder, and nothing else."""
    try:
        with without_repetition(), in_one_folder():
            copier.run_copy(
                origin.source, to, data=answers, vcs_ref=origin.ref, defaults=True, quiet=True
            )
    except (CopierError, TemplateError, ValueError) as error:
        raise Refusal(f"The template can't be stamped: {' '.join(str(error).split())}") from error
