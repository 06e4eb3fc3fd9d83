"""The hooks of a stamp let a clean commit through, and hold up one that its gates would refuse."""

import subprocess
from pathlib import Path

import pytest
from stamping import Project, Stamper

from roadworthy.stamp import run_hook


@pytest.fixture(scope="module")
def project(stamper: Stamper) -> Project:
    project = stamper.fresh()
    if not (project.path / ".git").is_dir():
        run_hook("first_commit", project.path)
    project.check("pre-commit", "install")
    return project


def commit(project: Project, name: str, text: str) -> subprocess.CompletedProcess[str]:
    """As a person commits, and the tree clean again afterwards."""
    path = project.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    project.check("git", "add", name)
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    ran = project.run("git", *author, "commit", "-m", "Change")
    if ran.returncode:
        project.check("git", "rm", "--quiet", "-f", name)
    return ran


def test_a_clean_commit_goes_through(project: Project) -> None:
    ran = commit(project, "src/acme_bookings/features/rooms.py", '"""Rooms."""\n')
    assert ran.returncode == 0, ran.stdout
    assert "no secret is committed" in ran.stdout


@pytest.mark.parametrize(
    ("name", "text", "hook"),
    [
        (
            "src/acme_bookings/features/places.py",
            '"""Places."""\n\nPLACES = {  "a":1 }\n',
            "the code is formatted",
        ),
        (
            "docs/notes.md",
            "Deploy with glpat-" + "x7Kq2VtR9mZp4LwN8sYb\n",
            "no secret is committed",
        ),
    ],
    ids=["format", "secret"],
)
def test_a_commit_that_a_gate_would_refuse_is_not_made(
    project: Project, name: str, text: str, hook: str
) -> None:
    before = project.check("git", "rev-parse", "HEAD")
    ran = commit(project, name, text)
    assert ran.returncode != 0
    (line,) = [line for line in ran.stdout.splitlines() if line.startswith(hook)]
    assert line.endswith("Failed"), ran.stdout
    assert project.check("git", "rev-parse", "HEAD") == before
    assert not Path(project.path / name).exists()
