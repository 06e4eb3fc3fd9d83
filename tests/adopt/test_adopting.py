"""`roadworthy adopt`, as a user types it: what it lands, what it refuses, and what it leaves."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import copier
import pytest
import yaml
from adopting import ROADWORTHY, adopt, everything, guardrails
from prototype_trees import lay_out
from stamping import commit_all, git

BRANCH = "roadworthy/adopt"
SHARED = {".gitignore", "AGENTS.md", "CLAUDE.md", ".env.example", ".pre-commit-config.yaml",
          "package.json", ".github/CODEOWNERS"}  # fmt: skip


@pytest.fixture(scope="module")
def shop(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop, adopted with every guardrail."""
    folder = lay_out("corner-shop", tmp_path_factory.mktemp("adopted") / "corner-shop", mess=False)
    (folder / ".env").write_text("VITE_SUPABASE_URL=https://shop.supabase.test\n")
    (folder / "desk").mkdir()
    (folder / "desk" / ".gitignore").write_text("!.env\n")
    (folder / "desk" / ".env").write_text("PAGES=http://localhost:5173\n")
    git(folder, "add", "--force", ".env", "desk")
    commit_all(folder, "Works now")
    ran = adopt(folder, "--yes", "--no-verify", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    (folder.parent / "said.txt").write_text(ran.stdout)
    return folder


def test_lands_a_series_of_commits_on_a_branch_of_its_own(shop: Path) -> None:
    assert git(shop, "branch", "--show-current") == BRANCH
    assert git(shop, "status", "--porcelain") == ""
    subjects = git(shop, "log", "--format=%s", f"main..{BRANCH}").splitlines()
    assert subjects[-1] == "Leave the values of .env out of version control"
    assert len(subjects) == 8
    assert git(shop, "log", "--format=%s", "main").splitlines() == ["Works now", "Changes"]


def test_nothing_of_the_prototypes_is_changed(shop: Path) -> None:
    changed = git(shop, "diff", "--name-status", "--no-renames", "main", BRANCH).splitlines()
    touched = {line[2:] for line in changed if line[0] != "A"}
    assert touched <= SHARED | {".env"}
    before = git(shop, "show", "main:package.json")
    now = json.loads((shop / "package.json").read_text())
    assert {k: v for k, v in now["scripts"].items() if not k.startswith("guardrails")} == (
        json.loads(before)["scripts"]
    )


def test_an_env_file_leaves_git_and_stays_in_the_folder(shop: Path) -> None:
    assert ".env" not in git(shop, "ls-files").splitlines()
    assert (shop / ".env").read_text() == "VITE_SUPABASE_URL=https://shop.supabase.test\n"
    assert (shop / ".env.example").read_text().count("VITE_SUPABASE_URL=\n") == 1


def test_says_what_it_does_before_and_after(shop: Path) -> None:
    said = (shop.parent / "said.txt").read_text()
    for words in (
        "Guardrails",
        "New files",
        "Left alone",
        "desk/.env: stays in version control: an ignore file",
        "lines of access",
        "Levels, before and after",
        "git switch -",
    ):
        assert words in said


def test_what_is_stamped_is_not_found_fault_with(shop: Path) -> None:
    scanned = json.loads(guardrails(shop, "guardrails", "scan").stdout)
    places = [
        (result["ruleId"], place["physicalLocation"]["artifactLocation"]["uri"])
        for run in scanned["runs"]
        for result in run["results"]
        for place in result.get("locations", ())
    ]
    ours = ("service/", "ops/", "guardrails/", ".github/")
    assert [found for found in places if found[1].startswith(ours)] == []


def test_what_is_new_is_refused(shop: Path, tmp_path: Path) -> None:
    tree = tmp_path / "planted"
    git(shop, "clone", "--quiet", str(shop), str(tree))
    known = guardrails(tree, "guardrails", "check", "--format", "text").stdout
    assert "old remain" in known
    (tree / "src/pages/Planted.tsx").write_text(
        "export const Planted = ({ html }: { html: string }) => (\n"
        "  <div dangerouslySetInnerHTML={{ __html: html }} />\n);\n"
    )
    migration = tree / "supabase/migrations/20250102030499_planted.sql"
    migration.write_text('create policy "all" on public.messages for select using (true);\n')
    commit_all(tree, "Planted")
    ran = guardrails(tree, "guardrails", "check")
    assert ran.returncode == 1
    assert "xss.inner-html" in ran.stdout
    assert "Planted.tsx" in ran.stdout
    held = guardrails(tree, "guardrails.matrix", "--check")
    assert held.returncode == 1
    assert "messages" in held.stdout + held.stderr


def test_a_second_adoption_is_a_no_op(shop: Path, template: Path) -> None:
    before = everything(shop)
    ran = adopt(shop, "--yes", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    assert "Nothing to add" in ran.stdout
    assert everything(shop) == before


def test_copier_finds_nothing_to_update(shop: Path, tmp_path: Path) -> None:
    tree = tmp_path / "updated"
    git(shop, "clone", "--quiet", str(shop), str(tree))
    copier.run_update(tree, defaults=True, overwrite=True, quiet=True)
    assert git(tree, "status", "--porcelain") == ""


def test_git_switch_back_is_the_undo(shop: Path, tmp_path: Path) -> None:
    tree = tmp_path / "undone"
    git(shop, "clone", "--quiet", str(shop), str(tree))
    git(tree, "switch", "--quiet", "main")
    original = everything(tree)
    git(tree, "switch", "--quiet", BRANCH)
    git(tree, "switch", "--quiet", "-")
    assert {k: v for k, v in everything(tree).items() if not k.startswith(".git/")} == {
        k: v for k, v in original.items() if not k.startswith(".git/")
    }


def test_a_declined_guardrail_comes_later_at_the_same_version(
    template: Path, tmp_path: Path
) -> None:
    """Half of a newer version fits nothing: `roadworthy update` brings the whole of it."""
    newer = tmp_path / "template"
    git(template, "clone", "--quiet", str(template), str(newer))
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    first = adopt(tree, "--yes", "--only", "secrets", "--template", str(newer))
    assert first.returncode == 0, first.stderr
    assert not (tree / ".github").exists()
    assert git(tree, "log", "--format=%s", "main..").splitlines()[-1].startswith("Name what .env")
    before = yaml.safe_load((tree / ".copier-answers.yml").read_text())["_commit"]
    ceiling = newer / "template/{{ home }}/guardrails/ceiling.py"
    ceiling.write_text(ceiling.read_text() + "# Newer.\n")
    commit_all(newer, "Move on")
    git(newer, "tag", "v10001")
    second = adopt(tree, "--yes", "--decline", "secrets", "--template", str(newer))
    assert second.returncode == 0, second.stderr
    answers = yaml.safe_load((tree / ".copier-answers.yml").read_text())
    assert (answers["_commit"], answers["guardrails"]) == (before, ["ci", "secrets"])
    assert "Newer" not in (tree / "guardrails/ceiling.py").read_text()
    assert (tree / ".github/workflows/guardrails.yml").is_file()


def test_no_commit_says_what_was_declined(template: Path, tmp_path: Path) -> None:
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    (tree / ".env").write_text("KEY=1\n")
    commit_all(tree, "Configure")
    ran = adopt(tree, "--yes", "--only", "ci", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    assert ".env" in git(tree, "ls-files").splitlines()
    assert ".env" not in git(tree, "log", "--format=%B", "main..")


def test_a_taken_path_gets_another(template: Path, tmp_path: Path) -> None:
    tree = lay_out("van-hire", tmp_path / "van-hire", mess=False)
    for name in ("service", "Guardrails"):
        (tree / name).mkdir()
        (tree / name / "mine.txt").write_text("mine\n")
    commit_all(tree, "Mine")
    ran = adopt(tree, "--yes", "--only", "secrets", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    answers = yaml.safe_load((tree / ".copier-answers.yml").read_text())
    assert (answers["home"], answers["service_dir"]) == ("guarded", "guarded-service")
    assert (tree / "service/mine.txt").read_text() == "mine\n"
    assert [path.name for path in (tree / "service").iterdir()] == ["mine.txt"]
    assert guardrails(tree, "guardrails", "check", home="guarded").returncode in {0, 1}


@pytest.mark.parametrize(
    ("step", "sign"),
    [
        ("Inspecting", signal.SIGKILL),
        ("Merging", signal.SIGINT),
        ("Committing", signal.SIGKILL),
    ],
)
def test_a_run_that_is_stopped_leaves_no_trace(
    template: Path, tmp_path: Path, step: str, sign: signal.Signals
) -> None:
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    before = everything(tree)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [ROADWORTHY, "adopt", "--yes", "--template", str(template)],
        cwd=tree,
        env=os.environ | {"UV_OFFLINE": "1", "TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith(step):
            os.killpg(process.pid, sign)
            break
    assert process.wait(30) != 0
    assert everything(tree) == before
    assert git(tree, "branch", "--list", BRANCH) == ""
    assert sign is signal.SIGKILL or not list(scratch.iterdir())


def test_who_interrupts_the_last_step_is_told_that_it_landed(
    template: Path, tmp_path: Path
) -> None:
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [ROADWORTHY, "adopt", "--yes", "--only", "secrets", "--template", str(template)],
        cwd=tree,
        env=os.environ | {"UV_OFFLINE": "1", "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    while process.poll() is None and BRANCH not in (tree / ".git/HEAD").read_text():
        time.sleep(0.002)
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert f"On the branch {BRANCH}" in told
    assert process.returncode == 0
    assert git(tree, "status", "--porcelain") == ""
    assert not list(scratch.iterdir())


def test_work_that_is_not_committed_is_never_run_over(template: Path, tmp_path: Path) -> None:
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    (tree / "notes.txt").write_text("mine\n")
    ran = adopt(tree, "--yes", "--template", str(template))
    assert ran.returncode == 1
    assert "notes.txt" in ran.stderr
    assert "git stash" in ran.stderr


@pytest.mark.parametrize("name", ["roadworthy", f"{BRANCH}/later"])
def test_a_branch_that_leaves_no_room_is_named(template: Path, tmp_path: Path, name: str) -> None:
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    git(tree, "branch", name)
    ran = adopt(tree, "--yes", "--template", str(template))
    assert ran.returncode == 1
    assert f"git branch -m {name}" in ran.stderr
    assert git(tree, "status", "--porcelain") == ""


def test_no_hook_and_no_monitor_of_the_prototypes_is_run(template: Path, tmp_path: Path) -> None:
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    ran_too = tmp_path / "ran-too"
    hook = tree / ".husky/post-checkout"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {ran_too}\nexit 1\n")
    hook.chmod(0o755)
    commit_all(tree, "Hooks")
    git(tree, "config", "core.hooksPath", ".husky")
    git(tree, "config", "core.fsmonitor", str(hook))
    ran = adopt(tree, "--yes", "--only", "secrets", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    assert not ran_too.exists()


def test_what_git_ignores_is_not_overwritten(template: Path, tmp_path: Path) -> None:
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    (tree / ".gitignore").write_text("renovate.json\n")
    commit_all(tree, "Ignore")
    (tree / "renovate.json").write_text("mine\n")
    before = everything(tree)
    planned = adopt(tree, "--dry-run", "--template", str(template))
    assert "New files" in planned.stdout
    assert everything(tree) == before
    ran = adopt(tree, "--yes", "--template", str(template))
    assert ran.returncode == 1
    assert "renovate.json is in the way" in ran.stderr
    assert everything(tree) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--only", "everything"), "there are secrets, boundaries"),
        (("--only", "ci", "--decline", "ci"), "both asked for and declined"),
        (("-d", "colour=red"), "No question is called colour"),
        (("-d", "service_dir=../out"), "not a folder below this one"),
        (("--app", "elsewhere"), "there is no app"),
    ],
)
def test_bad_options(template: Path, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    before = everything(tree)
    ran = adopt(tree, "--yes", *arguments, "--template", str(template))
    assert ran.returncode == 2
    assert says in ran.stderr
    assert everything(tree) == before


def test_without_git_it_says_how_to_begin(template: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('hello')\n")
    ran = adopt(tmp_path, "--yes", "--template", str(template))
    assert ran.returncode == 1
    assert "git init" in ran.stderr


def test_the_answers_of_another_template_are_left_alone(template: Path, tmp_path: Path) -> None:
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    answers = "_commit: 1.0\n_src_path: https://example.com/acme/starter kit.git\nname: Tides\n"
    (tree / ".copier-answers.yml").write_text(answers)
    commit_all(tree, "Stamped elsewhere")
    ran = adopt(tree, "--yes", "--template", str(template))
    assert ran.returncode == 1
    way_out = "git mv .copier-answers.yml .copier-answers.starter-kit.yml"
    assert way_out in ran.stderr.replace("\n", " ")
    git(tree, *way_out.split()[1:])
    commit_all(tree, "Make room")
    ran = adopt(tree, "--yes", "--only", "secrets", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    assert (tree / ".copier-answers.starter-kit.yml").read_text() == answers


def test_a_database_that_is_not_backed_up_is_named(template: Path, tmp_path: Path) -> None:
    tree = lay_out("van-hire", tmp_path / "van-hire", mess=False)
    manifest = tree / "package.json"
    manifest.write_text(
        manifest.read_text().replace('"express"', '"mongoose": "8.16.3",\n    "express"')
    )
    commit_all(tree, "Keep the trips in MongoDB")
    ran = adopt(tree, "--dry-run", "--yes", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    said = " ".join(ran.stdout.split())
    assert "data: postgresql" in said
    assert "not of MongoDB" in said


@pytest.mark.parametrize(
    ("database", "said"),
    [("none", "Migrations not needed"), ("postgresql", "Migrations is added a first migration")],
)
def test_migrations_are_offered_to_what_can_have_some(
    template: Path, tmp_path: Path, database: str, said: str
) -> None:
    tree = lay_out("van-hire", tmp_path / "van-hire", mess=False)
    given = ("-d", f"database={database}")
    ran = adopt(tree, "--dry-run", "--yes", *given, "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    assert said in " ".join(ran.stdout.split())
    assert f"data: {database}" in " ".join(ran.stdout.split())


def test_pages_beside_a_server_don_t_say_what_installs_it(template: Path, tmp_path: Path) -> None:
    tree = lay_out("bike-repair", tmp_path / "bike-repair", mess=False)
    (tree / "package.json").write_text('{"name": "styles", "scripts": {"build": "node css.js"}}')
    commit_all(tree, "Build the styles")
    ran = adopt(tree, "--dry-run", "--yes", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    assert "flask · in . · installed by pip" in " ".join(ran.stdout.split())


def test_several_apps_are_never_guessed(template: Path, tmp_path: Path) -> None:
    tree = lay_out("choir", tmp_path / "choir", mess=False)
    ran = adopt(tree, "--yes", "--template", str(template))
    assert ran.returncode == 2
    assert "--app" in ran.stderr
    assert "backend (fastapi)" in ran.stderr
