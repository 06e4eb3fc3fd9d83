"""What a test has from npm, which asks its registry unless its cache has it."""

import shutil
import subprocess
from pathlib import Path

import pytest

needs_npm = pytest.mark.skipif(
    shutil.which("npm") is None or shutil.which("node") is None,
    reason="there is no npm on this machine",
)


def npm(folder: Path, *arguments: str) -> None:
    """Install; a test is skipped where that can't be done."""
    done = subprocess.run(
        ["npm", *arguments, "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"npm can't install: {done.stderr.strip().splitlines()[-1:]}")
