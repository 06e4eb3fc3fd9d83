"""`roadworthy adopt` as it is typed, and what a tree is before and after."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from stamping import ENVIRONMENT

from roadworthy.verifying import Verification
from roadworthy.verifying.landlock import version as landlock_version

ROADWORTHY = str(ENVIRONMENT / "bin" / "roadworthy")

needs_landlock = pytest.mark.skipif(not landlock_version(), reason="there is no Landlock")


def adopt(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROADWORTHY, "adopt", *arguments],
        cwd=folder,
        env=os.environ | {"UV_OFFLINE": "1", "COLUMNS": "120"} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def everything(folder: Path) -> dict[str, str]:
    """Every file with its digest, git's references among them, without what git may tidy."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith((".git/objects", ".git/index", ".git/logs")):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def guardrails(folder: Path, *arguments: str, home: str = ".") -> subprocess.CompletedProcess[str]:
    """The project's own engine, in the tests' environment."""
    return subprocess.run(
        [str(ENVIRONMENT / "bin" / "python"), "-P", "-m", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / home)},
        capture_output=True,
        text=True,
        check=False,
    )


def states(verification: Verification) -> dict[str, str]:
    return {step.name: step.state.value for step in verification.steps}
