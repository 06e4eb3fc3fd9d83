"""Prototypes to inspect: copies, so that nothing can reach those of the repository."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROTOTYPES = Path(__file__).parent.parent / "prototypes"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The small online shop, committed, as its builder left it."""
    folder = shutil.copytree(PROTOTYPES / "corner-shop", tmp_path / "corner-shop")
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "Changes"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True)
    return folder
