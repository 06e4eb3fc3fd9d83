"""Prototypes as their owners have them, in repositories of their own, and `roadworthy adopt`."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from stamping import ENVIRONMENT, ROOT, commit_all, git

ROADWORTHY = str(ENVIRONMENT / "bin" / "roadworthy")
PROTOTYPES = ROOT / "tests" / "prototypes"


def lay_out(name: str, to: Path) -> Path:
    """A copy with a history, ignored files committed too, as builders do."""
    shutil.copytree(PROTOTYPES / name, to)
    git(to, "init", "--quiet", "--initial-branch", "main")
    git(to, "add", "--all", "--force")
    commit_all(to, "Changes")
    return to


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
