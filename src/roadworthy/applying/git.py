"""git, asked about one repository: no other, no prompt, and names taken as they are.

Neither hooks nor a file system monitor run: they would be the prototype's own code (CWE-829), which
needs its owner's consent, and a hook that fails would stop a switch halfway.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from roadworthy.refusal import Refusal

_NOTHING_ELSE = (
    *("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor="),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false"),  # nor is anything tidied away
)


def git(folder: Path, *arguments: str) -> str:
    """Run git on the folder, and give what it printed.

    Raises:
        Refusal: it failed; the message is its own.

    """
    ran = run(folder, *arguments)
    if ran.returncode:
        said = " ".join(ran.stderr.split()) or f"it stopped with {ran.returncode}"
        raise Refusal(f"git {arguments[0]} failed in {folder}: {said}")
    return ran.stdout


def asked(folder: Path, *arguments: str) -> str | None:
    """What it answers, stripped; None when it fails."""
    ran = run(folder, *arguments)
    return ran.stdout.strip() if ran.returncode == 0 else None


def differing(folder: Path, kind: str, since: str, tip: str) -> list[str]:
    """The files that are added (A), deleted (D) or modified (M) between two commits."""
    said = git(
        folder, "diff", "--name-only", "-z", "--no-renames", f"--diff-filter={kind}", since, tip
    )
    return [name for name in said.split("\0") if name]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git, whatever comes of it. File names in its output are those that `os` gives."""
    ran = subprocess.run(
        # A file may be called `:(glob)*`.
        ["git", "--literal-pathspecs", "-C", str(folder), *_NOTHING_ELSE, *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    said = ran.stderr.decode("utf-8", "replace")
    return subprocess.CompletedProcess(ran.args, ran.returncode, os.fsdecode(ran.stdout), said)


def environment() -> Mapping[str, str]:
    """No prompt, no download of large files. The command's start forgets other repositories."""
    return os.environ | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
