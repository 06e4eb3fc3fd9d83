"""Guards that have learnt something turn nobody's build red for code that was there before them."""

import subprocess
import sys

import pytest
from stamping import Project, Stamper, commit_all, git

KEYS = """\
import os

SECRET_KEY = os.environ.get("SECRET_KEY", "change-me")
"""
MORE = 'JWT_SECRET = os.environ.get("JWT_SECRET", "change-me-too")\n'
OTHERS = ("secrets", "structure", "delivery", "lint")


@pytest.fixture
def updated(stamper: Stamper) -> Project:
    """Its baseline was taken by guards that see no such key; then it got newer ones."""
    project = stamper.fresh()
    (project.path / "keys.py").write_text(KEYS)
    guards = project.path / "guardrails" / "guards.toml"
    newer = guards.read_text()
    before, _, after = newer.partition("[python]")
    guards.write_text(before + "[" + after.partition("\n[")[2])
    assert run(project, "baseline")[0] == 0
    assert run(project, "check")[0] == 0
    commit_all(project.path, "Before")
    git(project.path, "branch", "before")
    guards.write_text(newer)
    return project


def run(project: Project, *arguments: str) -> tuple[int, str]:
    options = [word for name in OTHERS for word in ("--without", name)]
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "guardrails", *arguments, *options],
        cwd=project.path,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout


@pytest.mark.parametrize("committed", [False, True])
def test_what_they_see_in_it_is_no_failure(updated: Project, *, committed: bool) -> None:
    if committed:
        commit_all(updated.path, "Update")
    status, said = run(updated, "check")
    assert status == 0, said
    assert "newer guards see auth.default-secret where it was before: 1" in said


def test_what_a_change_brings_is_one(updated: Project) -> None:
    commit_all(updated.path, "Update")
    (updated.path / "keys.py").write_text(KEYS + MORE)
    for status, said in (run(updated, "check"), run(updated, "baseline")):
        assert status == 1, said
    status, said = run(updated, "check")
    assert "keys.py:4: auth.default-secret" in said
    assert "newer guards see" not in said


def test_it_is_recorded_once_and_only_shrinks_from_then_on(updated: Project) -> None:
    assert run(updated, "baseline")[0] == 0
    commit_all(updated.path, "Update")
    status, said = run(updated, "check", "--base", "before")
    assert (status, "grew" in said) == (0, False), said
    baseline = updated.path / "guardrails" / "baseline.jsonl"
    kept = [line for line in baseline.read_text().splitlines() if "keys.py" not in line]
    baseline.write_text("\n".join(kept) + "\n")
    status, said = run(updated, "check")
    assert (status, "keys.py:3: auth.default-secret" in said) == (1, True), said


def test_a_line_that_a_branch_puts_in_beside_them_is_told(updated: Project) -> None:
    baseline = updated.path / "guardrails" / "baseline.jsonl"
    (updated.path / "keys.py").write_text(KEYS + MORE)
    baseline.rename(updated.path / "aside")
    assert run(updated, "baseline")[0] == 0
    commit_all(updated.path, "Update, and more")
    status, said = run(updated, "check", "--base", "before")
    assert (status, said.count("the baseline grew by auth.default-secret in keys.py")) == (1, 1), (
        said
    )
