"""`roadworthy update`: what a newer version brings, previewed, and landed on a branch."""

import os
import subprocess
from pathlib import Path

from stamping import ENVIRONMENT, Stamper, commit_all, git

CLOCK = "src/acme_bookings/platform/clock.py"


def update(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ENVIRONMENT / "bin" / "roadworthy"), "update", *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def release(template: Path, to: Path, line: str) -> Path:
    """A newer version of the template, in a clone that the project comes to know it by."""
    git(template, "clone", "--quiet", str(template), str(to))
    clock = to / "template/{{ source }}/platform/clock.py"
    clock.write_text(clock.read_text() + line)
    commit_all(to, "Move on")
    git(to, "tag", "v10001")
    return to


def of(project: Path, template: Path) -> Path:
    """The project, as if stamped from that template."""
    answers = project / ".copier-answers.yml"
    lines = [
        f"_src_path: {template}" if line.startswith("_src_path") else line
        for line in answers.read_text().splitlines()
    ]
    answers.write_text("\n".join(lines) + "\n")
    commit_all(project, "Moved")
    return project


def test_previews_then_lands_on_a_branch(stamper: Stamper, tmp_path: Path) -> None:
    newer = release(stamper.template, tmp_path / "newer", "\n\n# Newer.\n")
    project = of(stamper.stamp().copy(tmp_path / "project").path, newer)
    shown = update(project, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert CLOCK in shown.stdout
    assert git(project, "branch", "--show-current") == "main"
    landed = update(project, "--yes")
    assert landed.returncode == 0, landed.stderr
    assert git(project, "branch", "--show-current") == "roadworthy/update-v10001"
    assert "# Newer." in (project / CLOCK).read_text()
    assert git(project, "status", "--porcelain") == ""
    assert "Nothing to update" in update(project, "--yes", "--ref", "v10001").stdout


def test_what_newer_guards_see_in_old_code_is_recorded(stamper: Stamper, tmp_path: Path) -> None:
    template = tmp_path / "template"
    git(stamper.template, "clone", "--quiet", str(stamper.template), str(template))
    guards = template / "template/{{ home }}/guardrails/guards.toml"
    newer = guards.read_text()
    for version, text in (
        ("v10000", newer.replace("guards.python", "guards.lint")),
        ("v10001", newer),
    ):
        guards.write_text(text)
        commit_all(template, version)
        git(template, "tag", version)
    project = Stamper(template, tmp_path).stamp("v10000")
    (project.path / "keys.py").write_text(
        'import os\n\nSECRET_KEY = os.getenv("KEY", "change-me")\n'
    )
    project.check("python", "-P", "-m", "guardrails", "baseline")
    commit_all(project.path, "Mine")
    landed = update(project.path, "--yes")
    assert landed.returncode == 0, landed.stderr
    assert "1 came, 0 went" in landed.stdout
    assert git(project.path, "show", "--format=", "--name-only") == "guardrails/baseline.jsonl"
    project.check("python", "-P", "-m", "guardrails", "check", "--base", "main")


def test_a_conflict_changes_nothing(stamper: Stamper, tmp_path: Path) -> None:
    newer = release(stamper.template, tmp_path / "newer", "\n\n# Newer.\n")
    project = of(stamper.stamp().copy(tmp_path / "project").path, newer)
    (project / CLOCK).write_text((project / CLOCK).read_text() + "\n\n# Mine.\n")
    commit_all(project, "Mine")
    ran = update(project, "--yes")
    assert ran.returncode == 1
    assert CLOCK in ran.stderr
    assert git(project, "branch", "--list", "roadworthy/*") == ""
    assert git(project, "status", "--porcelain") == ""


def test_a_folder_that_was_never_stamped_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "app.py").write_text("")
    commit_all(tmp_path, "Mine")
    ran = update(tmp_path)
    assert ran.returncode == 1
    assert "roadworthy adopt" in ran.stderr
