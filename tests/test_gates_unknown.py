"""A gate that could not look says so, and that is never a pass."""

import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stamping import ENVIRONMENT, Project, Stamper, commit_all, git

TOKEN = "glpat-" + "x7Kq2VtR9mZp4LwN8sYb"
NOWHERE = "--service-url http://127.0.0.1:9/"


def without(tool: str, folder: Path) -> str:
    """Return a PATH with links to every program of the environment, and of the system, but one."""
    folder.mkdir()
    for place in (ENVIRONMENT / "bin", *map(Path, os.environ["PATH"].split(os.pathsep))):
        for program in place.iterdir() if place.is_dir() else ():
            link = folder / program.name
            if program.name != tool and not link.exists():
                link.symlink_to(program)
    return str(folder)


@pytest.mark.parametrize(
    ("gate", "tool", "answers"),
    [
        ("secrets", "kingfisher", {}),
        ("workflows", "zizmor", {}),
        ("workflows", "check-jsonschema", {}),
        ("delivery", "hadolint", {}),
        ("delivery", "check-jsonschema", {}),
        ("delivery", "kubernetes-validate", {"deploy": "kubernetes"}),
    ],
)
def test_a_missing_tool_fails(
    gate: str, tool: str, answers: dict[str, str], stamper: Stamper, tmp_path: Path
) -> None:
    project = stamper.locked(**answers)
    # The interpreter's own folder is looked into first, so it has to be another one.
    path = without(tool, tmp_path / "bin")
    python = (tmp_path / "bin" / Path(sys.executable).name).as_posix()
    code = (
        f"import runpy, sys; sys.executable = {python!r}; "
        f"runpy.run_module('guardrails.{gate}', run_name='__main__')"
    )
    ran = project.run(sys.executable, "-c", code, PATH=path)
    assert ran.returncode == 2
    assert f"{gate}: NOT CHECKED: {tool} is not installed" in ran.stdout


def test_an_advisory_database_that_is_away_fails_but_where_allowed(stamper: Stamper) -> None:
    project = stamper.locked()
    audit = ("python", "-m", "guardrails.audit", *NOWHERE.split())

    def ask(options: tuple[str, ...], ci: str) -> tuple[int, bool]:
        ran = project.run(*audit, *options, CI=ci)
        return ran.returncode, "NOT CHECKED" in ran.stdout

    allowed = ("--allow-unreachable",)
    with ThreadPoolExecutor() as pool:  # each of them waits, and tries again
        assert list(pool.map(ask, ((), allowed, allowed), ("", "", "true"))) == [
            (2, True),
            (0, True),
            (2, True),
        ]


def test_a_package_that_no_advisory_can_speak_of_fails(stamper: Stamper) -> None:
    project = stamper.fresh()
    lock = project.path / "uv.lock"
    source = f'source = {{ git = "https://git.example.com/idna#{"a" * 40}" }}\n'
    before, name, after = lock.read_text().partition('name = "idna"\n')
    version, _, _ = after.partition("source = ")
    _, separator, others = after.partition("\n[[package]]")
    lock.write_text(before + name + version + source + separator + others)
    ran = project.run("make", "audit")
    assert ran.returncode != 0
    assert "idna does not come from a package index" in ran.stdout
    answered_for = '\n[tool.guardrails]\nunaudited = ["idna"]\n'
    with (project.path / "pyproject.toml").open("a") as file:
        file.write(answered_for)
    assert "idna does not come" not in project.run("make", "audit").stdout


def leak_and_mend(project: Project) -> None:
    notes = project.path / "notes.md"
    notes.write_text(f"Deploy with {TOKEN}\n")
    commit_all(project.path, "Oops")
    git(project.path, "rm", "--quiet", "notes.md")
    git(project.path, "commit", "--quiet", "--no-verify", "--message", "Nothing to see")


def test_a_secret_of_the_history_is_found_and_not_shown(stamper: Stamper) -> None:
    project = stamper.fresh()
    leak_and_mend(project)
    ran = project.run("make", "secrets")
    assert ran.returncode != 0
    assert "notes.md in commit" in ran.stdout
    assert TOKEN not in ran.stdout
    assert TOKEN[10:] not in ran.stdout


def test_a_revoked_secret_of_the_history_passes_and_a_live_one_does_not(stamper: Stamper) -> None:
    project = stamper.fresh()
    leak_and_mend(project)
    found = re.search(r"add `(\w+) ", project.run("make", "secrets").stdout)
    assert found
    (project.path / "guardrails" / "revoked.txt").write_text(f"{found[1]} revoked by Ada\n")
    project.check("make", "secrets")
    (project.path / "again.md").write_text(f"Deploy with {TOKEN}\n")
    assert "again.md:1" in project.run("make", "secrets").stdout


def test_what_is_staged_is_looked_at_before_it_is_committed(stamper: Stamper) -> None:
    project = stamper.fresh()
    staged = ("python", "-m", "guardrails.secrets", "--staged")
    project.check(*staged)
    (project.path / "notes.md").write_text(f"Deploy with {TOKEN}\n")
    git(project.path, "add", "notes.md")
    ran = project.run(*staged)
    assert (ran.returncode, "notes.md:1" in ran.stdout) == (1, True)


def test_ignored_files_are_left_alone_before_the_first_commit_too(stamper: Stamper) -> None:
    project = stamper.fresh()
    (project.path / ".git").rename(project.path.with_name(f"{project.path.name}.git"))
    (project.path / ".env").write_text(f"TOKEN={TOKEN}\n")
    project.check("make", "secrets")
    (project.path / "notes.md").write_text(f"Deploy with {TOKEN}\n")
    assert "notes.md:1" in project.run("make", "secrets").stdout
