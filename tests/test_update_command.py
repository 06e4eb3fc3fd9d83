"""`roadworthy update`: what a newer version brings, previewed, and landed on a branch."""

import os
import shutil
import subprocess
from pathlib import Path

from stamping import ENVIRONMENT, Stamper, commit_all, git

CLOCK = "src/acme_bookings/platform/clock.py"


def update(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ENVIRONMENT / "bin" / "roadworthy"), "update", *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": "120"} | variables,
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


def test_what_the_project_ignores_lands_too(stamper: Stamper, tmp_path: Path) -> None:
    """`*.sql` or `docs/` in an ignore file is no reason for half of a version."""
    newer = release(stamper.template, tmp_path / "newer", "\n\n# Newer.\n")
    (newer / "template/{{ home }}/guardrails/newer.toml").write_text("newer = true\n")
    commit_all(newer, "Move on")
    git(newer, "tag", "--force", "v10001")
    project = of(stamper.stamp().copy(tmp_path / "project").path, newer)
    (project / "guardrails/.gitignore").write_text("newer.toml\n")
    commit_all(project, "Ignore")
    landed = update(project, "--yes")
    assert landed.returncode == 0, landed.stderr
    assert "guardrails/newer.toml" in git(project, "ls-files").splitlines()


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


def refusal(project: Path, *arguments: str, status: int = 1) -> str:
    """What it says when it refuses, in one paragraph, with the repository as it was."""
    before = git(project, "for-each-ref"), git(project, "status", "--porcelain")
    ran = update(project, "--yes", *arguments)
    assert ran.returncode == status, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert (git(project, "for-each-ref"), git(project, "status", "--porcelain")) == before
    return ran.stderr


def answer(project: Path, **answers: str | None) -> None:
    """Write into the answers by hand; None takes one out."""
    file = project / ".copier-answers.yml"
    kept = [line for line in file.read_text().splitlines() if line.split(":")[0] not in answers]
    given = [f"{name}: {value}" for name, value in answers.items() if value is not None]
    file.write_text("\n".join([*given, *kept]) + "\n")
    commit_all(project, "By hand")


def test_a_project_in_a_folder_of_a_repository(stamper: Stamper, tmp_path: Path) -> None:
    newer = release(stamper.template, tmp_path / "newer", "\n\n# Newer.\n")
    project = of(stamper.stamp().copy(tmp_path / "all" / "services" / "shop").path, newer)
    shutil.rmtree(project / ".git")
    git(tmp_path / "all", "init", "--quiet", "--initial-branch", "main")
    (tmp_path / "all" / "other").mkdir()
    (tmp_path / "all" / "other" / "notes.txt").write_text("Beside it.\n")
    commit_all(tmp_path / "all", "All of it")
    assert "holds no .copier-answers.yml" in refusal(tmp_path / "all" / "other")
    ran = update(project / "src", "--yes")
    assert ran.returncode == 0, ran.stderr
    assert (project / CLOCK).read_text().endswith("# Newer.\n")
    assert git(tmp_path / "all", "show", "--format=", "--name-only").splitlines() == [
        "services/shop/.copier-answers.yml",
        f"services/shop/{CLOCK}",
    ]


def test_the_newest_release_is_no_candidate_for_one(stamper: Stamper, tmp_path: Path) -> None:
    newer = release(stamper.template, tmp_path / "newer", "\n\n# Newer.\n")
    clock = newer / "template/{{ source }}/platform/clock.py"
    clock.write_text(clock.read_text() + "# A candidate.\n")
    commit_all(newer, "A candidate")
    git(newer, "tag", "v10001.1.0-rc1")
    project = of(stamper.stamp().copy(tmp_path / "project").path, newer)
    assert "to v10001\n" in update(project, "--dry-run").stdout
    there = update(project, "--yes", "--ref", "v10001.1.0-rc1")
    assert there.returncode == 0, there.stderr
    ahead = update(project, "--yes")
    assert ahead.returncode == 0, ahead.stderr
    assert "Nothing to update: this is v10001.1.0-rc1, which came after v10001" in ahead.stdout


def test_any_revision_may_be_gone_to(stamper: Stamper, tmp_path: Path) -> None:
    newer = release(stamper.template, tmp_path / "newer", "\n\n# Newer.\n")
    project = of(stamper.stamp().copy(tmp_path / "project").path, newer)
    ran = update(project, "--yes", "--ref", "v10001^0")
    assert ran.returncode == 0, ran.stderr
    tip = git(newer, "rev-parse", "HEAD")
    assert git(project, "branch", "--show-current") == f"roadworthy/update-{tip[:12]}"


def test_what_cannot_be_updated_says_why(stamper: Stamper, tmp_path: Path) -> None:
    newer = release(stamper.template, tmp_path / "newer", "\n\n# Newer.\n")
    project = of(stamper.stamp().copy(tmp_path / "project").path, newer)
    assert "no folder" in refusal(project, "nowhere", status=2)
    assert "no tag and no commit" in refusal(project, "--ref=--orphan", status=2)
    answer(project, _commit="v1.2.3")
    assert "v1.2.3, which its template does not have" in refusal(project)
    answer(project, _commit="1234567")
    assert "which version of it this is (_commit" in refusal(project)
    answer(project, _commit=None)
    assert "which version of it this is (_commit" in refusal(project)
    answer(project, _commit="v9999", _src_path="[a]")
    assert "where the template is (_src_path" in refusal(project)
    answer(project, _src_path=str(tmp_path / "moved-away"))
    assert "into .copier-answers.yml (_src_path)" in refusal(project)


def test_a_rebase_is_finished_first(stamper: Stamper, tmp_path: Path) -> None:
    project = stamper.stamp().copy(tmp_path / "project").path
    for branch, text in (("other", "Theirs\n"), ("mine", "Mine\n")):
        git(project, "switch", "--quiet", "--create", branch, "main")
        (project / "README.md").write_text(text)
        commit_all(project, branch)
    subprocess.run(["git", "rebase", "other"], cwd=project, capture_output=True, check=False)
    assert "a rebase is not finished" in refusal(project)


def test_an_address_is_what_copier_takes_for_one(stamper: Stamper, tmp_path: Path) -> None:
    """The host's name is led to a folder, so that nothing leaves this machine."""
    newer = release(stamper.template, tmp_path / "newer", "\n\n# Newer.\n")
    project = of(stamper.stamp().copy(tmp_path / "project").path, newer)
    answer(project, _src_path="gh:acme/guard")
    ran = update(
        project,
        "--dry-run",
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{newer}.insteadOf",
        GIT_CONFIG_VALUE_0="https://github.com/acme/guard.git",
    )
    assert ran.returncode == 0, ran.stderr
    assert CLOCK in ran.stdout
