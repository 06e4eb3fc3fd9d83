"""A prototype's module that is called like one of Python's is read, and never run (CWE-427)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stamping import ROOT, Project, commit_all, git

_NAMES = ("json", "yaml", "contextlib", "difflib", "secrets", "tomllib", "typing", "ast_grep_py")
_OTHERS = ("python", "delivery", "lint", "database", "patterns", "routes", "boundaries")


@pytest.fixture
def hostile(adopted: Project, tmp_path: Path) -> tuple[Project, Path]:
    """The adopted project with such modules at its root, and the file that shows that one ran."""
    project, ran = adopted.copy(tmp_path / "hostile"), tmp_path / "ran"
    for name in _NAMES:
        planted = f"open({str(ran)!r}, 'a').write({name!r})\nraise SystemExit(9)\n"
        (project.path / f"{name}.py").write_text(planted)
    commit_all(project.path, "Mine")
    return project, ran


def test_the_guards_run_none_of_them(hostile: tuple[Project, Path]) -> None:
    project, ran = hostile
    without = [word for name in _OTHERS for word in ("--without", name)]
    command = [sys.executable, "-P", "-m", "guardrails", "scan", "--root", ".", *without]
    path = {"PYTHONPATH": str(project.path / "guardrails" / "engine" / "behind")}
    scanned = subprocess.run(
        command,
        cwd=project.path,
        env=os.environ | path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ran.exists(), ran.read_text()
    runs = json.loads(scanned.stdout)["runs"]
    assert {"structure", "secrets"} <= {run["tool"]["driver"]["name"] for run in runs}
    assert not [run for run in runs if run.get("properties", {}).get("broken")]


def test_the_merges_run_none_of_them(hostile: tuple[Project, Path]) -> None:
    project, ran = hostile
    hook = [sys.executable, str(ROOT / "hooks" / "merge.py"), str(project.path)]
    merged = subprocess.run(hook, cwd=project.path, capture_output=True, text=True, check=False)
    assert not ran.exists(), ran.read_text()
    assert (merged.returncode, merged.stderr) == (0, "")
    assert ".gitignore: made" in merged.stdout
    again = subprocess.run([*hook, "--check"], capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (0, "")


def test_its_commands_run_none_of_them(hostile: tuple[Project, Path]) -> None:
    project, ran = hostile
    made = project.run("make", "-C", "guardrails", "merge", PYTHONPATH="")
    assert not ran.exists(), ran.read_text()
    assert ".gitignore: made" in made.stdout, made.stdout
    project.check("make", "-C", "guardrails", "staged", PYTHONPATH="")
    assert not ran.exists(), ran.read_text()


def test_hooks_of_another_tool_are_left_to_it(adopted: Project, tmp_path: Path) -> None:
    project = adopted.copy(tmp_path / "husky")
    git(project.path, "config", "core.hooksPath", ".husky/_")
    # Without uv: a sync would prune the environment that all tests share.
    said = project.check("make", "-C", "guardrails", "setup", "UV=true")
    assert "The git hooks are in .husky/_" in said, said
    assert "make -C guardrails staged" in said


def test_a_new_service_has_nothing_to_merge() -> None:
    hook = [sys.executable, str(ROOT / "hooks" / "merge.py"), str(ROOT / "docs")]
    assert subprocess.run(hook, capture_output=True, check=False).returncode == 0
