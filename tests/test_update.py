"""`copier update`, without trust: the guardrails move on, and nothing of the user's is lost."""

import re
import shutil
import subprocess
from pathlib import Path

import copier
import pytest
from pathspec import PathSpec
from stamping import NEWEST, ROOT, Project, commit_all, git
from test_questions import SETTINGS

# Read as Copier reads it: to GitIgnoreSpec, which is stricter, tests/platform were the user's.
OWNED = PathSpec.from_lines(
    "gitignore",
    (line.replace("{{ in_service | default('') }}", "") for line in SETTINGS["_skip_if_exists"]),
)
MINE = {
    ".py": "\n\n# Mine, whatever comes.\n",
    ".md": "\nMine, whatever comes.\n",
}
BESIDE = {
    "src/PACKAGE/features/mine/__init__.py": '"""Mine."""\n',
    "docs/decisions/9999-mine.md": "# Mine\n",
    "tests/features/test_mine.py": "def test_mine() -> None:\n    assert str(1)\n",
    "local.mk": "mine: ## Mine\n\t@echo mine\n",
}
SHARED = {".gitignore": "/mine/\n", "AGENTS.md": "\nMine: ask before you rename anything.\n"}
DEPENDENCY = '    "packaging>=24",\n'
ARRIVED = "\n\n# The template moved on.\n"


@pytest.fixture
def moving(template: Path, tmp_path: Path) -> Path:
    """A template of the test's own, to move on with."""
    return shutil.copytree(template, tmp_path / "roadworthy")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def stamp(template: Path, project: Project, ref: str) -> None:
    copier.run_copy(str(template), project.path, vcs_ref=ref, defaults=True, quiet=True)
    git(project.path, "init", "--quiet")
    commit_all(project.path, "Stamp")


def update(project: Project, **answers: object) -> None:
    copier.run_update(project.path, data=answers, defaults=True, overwrite=True, quiet=True)


def release(template: Path) -> None:
    """Move on in every way in which a release does."""
    stamped = template / "template"
    package = stamped / "{{ source }}"
    for changed in (package / "app.py.jinja", package / "settings.py.jinja"):
        changed.write_text(changed.read_text() + "\n# A starter has changed.\n")
    for folder in (tests := stamped / "{{ in_service }}tests", tests / "features"):
        (folder / "arrived.py").write_text('"""A starter has arrived."""\n')
    for owned in (package / "platform" / "clock.py", tests / "platform" / "smtp.py.jinja"):
        owned.write_text(owned.read_text() + ARRIVED)
    (package / "platform" / "arrived.py").write_text('"""A module has arrived."""\n')
    needs = stamped / "{{ service_dir }}" / "pyproject.toml.jinja"
    needs.write_text(needs.read_text().replace("    # Yours:", '    "wcwidth>=0.2",\n    # Yours:'))
    commit_all(template, "Move on")
    git(template, "tag", "v10000")


def edit(project: Project) -> dict[str, str]:
    """Change all that a user may: each starter, beside them, and the marked places.

    The first decision is thrown away. What must still be there after an update is returned.
    """
    owned = {name for name in project.files if OWNED.match_file(name)}
    for path in (project.path / name for name in owned):
        path.write_text((path.read_text() + MINE.get(path.suffix, "")).lstrip())
    for name, text in BESIDE.items():
        path = project.path / name.replace("PACKAGE", project.package)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        owned.add(str(path.relative_to(project.path)))
    for name, text in SHARED.items():
        path = project.path / name
        path.write_text(path.read_text() + text)
    needs = project.path / "pyproject.toml"
    needs.write_text(re.sub(r"(?m)^    # Yours:.*\n", rf"\g<0>{DEPENDENCY}", needs.read_text()))
    unwanted = min(name for name in owned if name.startswith("docs/decisions/"))
    (project.path / unwanted).unlink()
    commit_all(project.path, "Mine")
    return {name: (project.path / name).read_text() for name in owned - {unwanted}}


def assert_nothing_lost(project: Project, mine: dict[str, str]) -> None:
    listed = set(git(project.path, "ls-files", "-co", "--exclude-standard").splitlines())
    now = {name for name in listed if (project.path / name).is_file()}
    texts = {name: (project.path / name).read_text() for name in now}
    assert {name: text for name, text in texts.items() if OWNED.match_file(name)} == mine
    for name, text in SHARED.items():
        assert texts[name].endswith(text)
    assert texts["pyproject.toml"].count(DEPENDENCY) == 2
    assert not [name for name in now if name.endswith((".rej", ".orig"))]
    assert not [name for name, text in texts.items() if re.search(r"(?m)^(<{7}|>{7}) ", text)]


def assert_green(project: Project) -> None:
    commit_all(project.path, "Update")
    for gate in set(project.gates) - {"audit", "test"}:
        project.check("make", gate)


def assert_at_rest(project: Project) -> None:
    update(project)
    assert git(project.path, "status", "--porcelain") == ""


@pytest.mark.long
def test_to_the_next_release(moving: Path, project: Project) -> None:
    stamp(moving, project, NEWEST)
    mine = edit(project)
    release(moving)
    update(project)
    assert_nothing_lost(project, mine)
    package = project.path / "src" / project.package
    for owned in (package / "platform" / "clock.py", project.path / "tests/platform/smtp.py"):
        assert owned.read_text().endswith(ARRIVED)
    assert (package / "platform" / "arrived.py").is_file()
    assert '"wcwidth>=0.2",\n' in (project.path / "pyproject.toml").read_text()
    assert project.answers["_commit"] == "v10000"
    assert_green(project)
    assert_at_rest(project)


def test_another_answer_takes_nothing_of_the_users(moving: Path, project: Project) -> None:
    stamp(moving, project, NEWEST)
    release(moving)
    update(project, example=False)
    gone = git(project.path, "ls-files", "--deleted").splitlines()
    assert not [name for name in gone if OWNED.match_file(name)]
    assert not list(project.path.glob("tests/**/arrived.py"))


def test_a_package_that_was_renamed_as_the_documentation_says(
    moving: Path, project: Project
) -> None:
    stamp(moving, project, NEWEST)
    page = (ROOT / "docs/how-to/keep-up.md").read_text()
    commands = re.findall(r"^\$ (git (?:mv|grep) .*)$", page, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        subprocess.run(["bash", "-c", command], cwd=project.path, check=True)
    commit_all(project.path, "Rename")
    assert project.package == "acme_events"
    assert_at_rest(project)
    release(moving)
    update(project)
    clock = project.path / "src" / "acme_events" / "platform" / "clock.py"
    assert clock.read_text().endswith(ARRIVED)
    assert not (project.path / "src" / "acme_bookings").exists()
    for gate in ("boundaries", "access"):
        project.check("make", gate)


@pytest.mark.parametrize(
    ("answers", "at"),
    [({}, ""), ({"mode": "adopt", "service_dir": "front", "home": "guarded"}, "front/")],
    ids=["new", "adopt"],
)
def test_what_the_template_owns_and_somebody_deleted_stays_away(
    moving: Path, project: Project, answers: dict[str, str], at: str
) -> None:
    copier.run_copy(
        str(moving), project.path, data=answers, vcs_ref=NEWEST, defaults=True, quiet=True
    )
    git(project.path, "init", "--quiet")
    commit_all(project.path, "Stamp")
    package = project.path / at / "src" / project.package
    unwanted = package / "platform" / "clock.py"
    unwanted.unlink()
    mine = [package / "app.py", project.path / at / "README.md", package / "platform" / "money.py"]
    for path in mine:
        path.write_text(path.read_text() + MINE[path.suffix])
    commit_all(project.path, "Mine")
    release(moving)
    update(project)
    assert not unwanted.exists()
    assert all(path.read_text().endswith(MINE[path.suffix]) for path in mine)
    changed = git(project.path, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert not [line for line in changed if "UU" in line or line.endswith((".rej", "app.py"))]


def test_from_the_previous_commit(moving: Path, project: Project) -> None:
    uncommitted = git(moving, "diff", "--name-only", "HEAD~1", "HEAD")
    history = git(moving, "rev-list", "--first-parent", "HEAD").splitlines()
    before = history[1 if uncommitted else 2 :]
    if not before:
        pytest.skip("this clone is too shallow to hold the previous commit")
    stamp(moving, project, before[0])
    mine = edit(project)
    update(project)
    assert_nothing_lost(project, mine)
    assert project.answers["_commit"] == NEWEST
    assert_green(project)
    assert_at_rest(project)
