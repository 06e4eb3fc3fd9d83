"""A service stamped from this checkout, and the commands that are run in it."""

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = "acme_bookings"


class CommandError(Exception):
    """A command that the bench needs has failed."""


_COPY = """
import sys, time, copier
started = time.perf_counter()
copier.run_copy(sys.argv[1], sys.argv[2], defaults=True, quiet=True, vcs_ref="HEAD")
print(time.perf_counter() - started)
"""


@dataclass(frozen=True)
class Stamping:
    copying: float
    whole_command: float


def stamp(destination: Path) -> Stamping:
    """`copier copy` of this checkout; Python and its imports take about as long as the copying."""
    started = time.perf_counter()
    said = _run([sys.executable, "-c", _COPY, str(ROOT), str(destination)], ROOT, {})
    return Stamping(float(said.splitlines()[-1]), time.perf_counter() - started)


def run(project: Path, *arguments: str, environment: dict[str, str]) -> None:
    """A command of the service."""
    _run([sys.executable, "-m", PACKAGE, *arguments], project, source(project) | environment)


def make_test(project: Path) -> float:
    """The project's own tests, in this environment; returns the seconds they took."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    installed = {
        "UV_NO_SYNC": "1",
        "UV_PROJECT_ENVIRONMENT": sys.prefix,
        "PATH": path,
        # What was imported once is compiled, unless the machine forbids it.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(project.with_name(f"{project.name}-bytecode")),
    }
    collect = ["make", "test", "PYTEST_ADDOPTS=--collect-only --quiet"]
    _run(collect, project, source(project) | installed)
    started = time.perf_counter()
    _run(["make", "test"], project, source(project) | installed)
    return time.perf_counter() - started


def source(project: Path) -> dict[str, str]:
    """What makes the project importable without installing it."""
    return {"PYTHONPATH": os.pathsep.join([str(project / "src"), str(project), str(ROOT)])}


@contextmanager
def postgres(project: Path) -> Iterator[Any]:
    """A throwaway PostgreSQL, by the project's own driver."""
    sys.path.insert(0, str(project))
    try:
        driver = importlib.import_module("guardrails.postgres")
    finally:
        sys.path.remove(str(project))
    with driver.temporary_server() as server:
        yield server


def _run(command: list[str], directory: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-25:]
        raise CommandError("\n".join([f"failed: {' '.join(command)}", *said]))
    return done.stdout
