"""What the gates share: finding a tool, running it, and saying what is wrong and the way out."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


class NotChecked(Exception):
    """The gate could not look, which is never the same as finding nothing."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, where it is, and how to mend it."""

    path: str
    line: int
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message} {self.remedy}".rstrip()


def report(gate: str, findings: Iterable[Finding]) -> int:
    """Print every finding on a line of its own; the exit status is 1 when there is one."""
    found = sorted(set(findings))
    for finding in found:
        print(finding)
    if found:
        print(f"{gate}: {len(found)} to mend", file=sys.stderr)
    return 1 if found else 0


def program(name: str) -> str:
    """Where one of the project's own tools is.

    Raises:
        NotChecked: it is not installed.
    """
    # Beside the interpreter first: the version that the lock file names.
    found = shutil.which(name, path=Path(sys.executable).parent) or shutil.which(name)
    if found is None:
        raise NotChecked(f"{name} is not installed; run `make setup`")
    return found


def run(
    command: Sequence[str | Path],
    given: str | None = None,
    *,
    folder: Path | None = None,
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run one of the project's own tools on what it is given, and hand back what it said.

    Raises:
        NotChecked: the tool is not installed.
    """
    name, *arguments = map(str, command)
    return subprocess.run(
        [program(name), *arguments],
        input=given or "",
        cwd=folder,
        timeout=seconds,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def existing(*patterns: str, root: Path = Path()) -> list[Path]:
    """The files that match, in a stable order."""
    return sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()})
