"""`roadworthy new`, run as a user runs it: what it stamps, and what it refuses."""

import json
import os
import pty
import select
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import copier
import pytest
from stamping import ENVIRONMENT, ROOT, Project, Stamper, git

ROADWORTHY = str(ENVIRONMENT / "bin" / "roadworthy")


def roadworthy(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROADWORTHY, *arguments],
        cwd=cwd,
        env=os.environ | {"UV_OFFLINE": "1", "COLUMNS": "200"} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_stamps_what_copier_copy_stamps(template: Path, tmp_path: Path) -> None:
    ran = roadworthy(
        "new", "shop", "--defaults", "-d", "ci=gitlab", "--template", str(template), cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    line = next(part for part in ran.stderr.splitlines() if part.startswith("copier copy"))
    equivalent = [str(ENVIRONMENT / "bin" / "copier"), *shlex.split(line)[1:-1], "the-same"]
    subprocess.run(equivalent, cwd=tmp_path, check=True, capture_output=True)
    ours, theirs = tmp_path / "shop", tmp_path / "the-same"
    made_by_hooks = {".git", "uv.lock"}
    for path in (p for p in ours.rglob("*") if p.relative_to(ours).parts[0] not in made_by_hooks):
        other = theirs / path.relative_to(ours)
        assert path.is_dir() or path.read_bytes() == other.read_bytes()
    assert git(ours, "status", "--porcelain") == ""
    assert [s.strip() for s in ran.stderr.splitlines()[-2:]] == ["make setup", "make dev"]


def test_copier_finds_the_template_again(template: Path, tmp_path: Path) -> None:
    roadworthy("new", "shop", "--defaults", "--template", str(template), cwd=tmp_path)
    answers = Project(tmp_path / "shop").answers
    assert answers["_src_path"] == str(template)
    assert answers["_commit"] == git(template, "describe", "--tags", "--always")
    copier.run_update(tmp_path / "shop", defaults=True, overwrite=True, quiet=True)
    assert git(tmp_path / "shop", "status", "--porcelain") == ""


def test_says_that_uncommitted_changes_are_left_out(template: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(template, tmp_path / "changed")
    (changed / "template" / "AGENTS.md.jinja").write_text("Changed.\n")
    ran = roadworthy("new", "shop", "--defaults", "--template", str(changed), cwd=tmp_path)
    assert "Uncommitted changes" in ran.stderr
    assert "Changed." not in (tmp_path / "shop" / "AGENTS.md").read_text()


def test_the_template_is_the_checkout_it_was_installed_from(tmp_path: Path) -> None:
    ran = roadworthy("new", "shop", "--defaults", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert Project(tmp_path / "shop").answers["_src_path"] == str(ROOT)


def test_the_template_is_the_repository_it_was_installed_from(
    template: Path, tmp_path: Path
) -> None:
    """PEP 610: an installer records the address and the commit; the project is updated by them."""
    url, commit = f"file://{template}", git(template, "rev-parse", "HEAD")
    installed = tmp_path / "installed" / "roadworthy-99.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: roadworthy\nVersion: 99\n")
    recorded = {"url": url, "vcs_info": {"vcs": "git", "commit_id": commit}}
    (installed / "direct_url.json").write_text(json.dumps(recorded))
    ran = roadworthy("new", "shop", "--defaults", cwd=tmp_path, PYTHONPATH=str(installed.parent))
    assert ran.returncode == 0, ran.stderr
    answers = Project(tmp_path / "shop").answers
    assert answers["_src_path"] == f"git+{url}"
    assert answers["_commit"] == git(template, "describe", "--tags", "--always")
    copier.run_update(tmp_path / "shop", defaults=True, overwrite=True, quiet=True)
    assert git(tmp_path / "shop", "status", "--porcelain") == ""


def test_asks_in_a_terminal(template: Path, tmp_path: Path) -> None:
    """The second answer is refused with the template's own words, then mended."""
    said, status = in_a_terminal(
        [ROADWORTHY, "new", "--template", str(template)],
        cwd=tmp_path,
        typed={
            "What is the service called?": "\x15Corner Shop\r",
            "What is its Python package called?": "\x15class\r",
            "word of the Python language": "_shop\r",
            "What does it do": "\r",
            "Who reviews": "\r",
            "Where do backups go?": "\x1b[B\r",
            "Where does CI run?": "\r",
            "Where will it run?": "\r",
            "Include the worked example": "n",
            "Under which licence": "\r",
            "Who holds the copyright": "\r",
            "Which Python": "\r",
            "Stamp it?": "y",
        },
    )
    assert status == 0, said
    answers = Project(tmp_path / "class-shop").answers
    assert answers["project_name"] == "Corner Shop"
    assert answers["package"] == "class_shop"
    assert answers["backup_store"] == "s3"
    assert answers["example"] is False


def in_a_terminal(command: list[str], cwd: Path, typed: dict[str, str]) -> tuple[str, int]:
    """Run in a pseudo-terminal; type each answer once its prompt is on the screen."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, 200))
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=os.environ | {"UV_OFFLINE": "1", "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen, seen, waiting, deadline = "", 0, list(typed.items()), time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                screen += os.read(ours, 65536).decode()
            except OSError:
                break
            if screen.endswith("\x1b[6n"):
                os.write(ours, b"\x1b[1;1R")
        if waiting and (at := screen.find(waiting[0][0], seen)) >= 0:
            seen = at + 1
            time.sleep(0.1)
            os.write(ours, waiting.pop(0)[1].encode())
    return screen, process.wait(10)


def test_an_occupied_folder_is_left_alone(template: Path, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine.txt").write_text("mine")
    assert "is not empty" in refused("new", "shop", template=template, cwd=tmp_path)
    assert [p.name for p in (tmp_path / "shop").iterdir()] == ["mine.txt"]


def test_an_empty_folder_will_do(template: Path, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    ran = roadworthy("new", "shop", "--defaults", "--template", str(template), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr


def test_a_file_is_no_folder(template: Path, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("mine")
    assert "is a file" in refused("new", "shop", template=template, cwd=tmp_path)


def test_a_place_that_is_not_there(template: Path, tmp_path: Path) -> None:
    assert "does not exist" in refused("new", "no/shop", template=template, cwd=tmp_path)


def test_a_place_that_cannot_be_written_to(template: Path, tmp_path: Path) -> None:
    """/proc refuses root too."""
    assert "can't be written" in refused("new", "/proc/shop", template=template, cwd=tmp_path)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("package=class", "word of the Python language"),
        ("package=../shop", "such as: shop"),
        ("ci=jenkins", "not among github, gitlab"),
        ("example=perhaps", "neither yes nor no"),
        ("colour=red", "No question is called colour"),
        ("mode=adopt", "No question is called mode"),
        ("package", "KEY=VALUE"),
    ],
)
def test_bad_answers(template: Path, tmp_path: Path, answer: str, says: str) -> None:
    ran = roadworthy(
        "new", "shop", "--defaults", "-d", answer, "--template", str(template), cwd=tmp_path
    )
    assert ran.returncode == 2
    assert says in one_paragraph(ran.stderr)
    assert list(tmp_path.iterdir()) == []


def test_without_git(template: Path, tmp_path: Path) -> None:
    said = refused("new", "shop", template=template, cwd=tmp_path, PATH="/nowhere")
    assert "install git" in said


def test_without_a_network(tmp_path: Path) -> None:
    nobody = Path("https://localhost:9/roadworthy.git")
    said = refused("new", "shop", template=nobody, cwd=tmp_path)
    assert "the network" in said


def test_a_version_that_is_not_there(template: Path, tmp_path: Path) -> None:
    said = refused("new", "shop", "--ref", "v0.0.0", template=template, cwd=tmp_path)
    assert "no version v0.0.0" in said


def test_a_folder_that_is_no_template(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    said = refused("new", "shop", template=tmp_path / "other", cwd=tmp_path)
    assert "holds no copier.yml" in said


def test_asks_nobody(template: Path, tmp_path: Path) -> None:
    ran = roadworthy("new", "shop", "--template", str(template), cwd=tmp_path)
    assert ran.returncode == 1
    assert "add --defaults" in one_paragraph(ran.stderr)


def test_a_template_that_breaks_halfway(template: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(template, broken)
    (broken / "template" / "zzz.txt.jinja").write_text("{{ nobody_defined_this }}")
    git(broken, "add", "--all")
    git(broken, "commit", "--quiet", "--message", "Break it")
    said = refused("new", "shop", template=broken, cwd=tmp_path)
    assert "nobody_defined_this" in said
    assert [p.name for p in tmp_path.iterdir()] == ["broken"]


def test_what_is_terminated_leaves_nothing(template: Path, tmp_path: Path) -> None:
    shim, scratch = tmp_path / "bin" / "git", tmp_path / "tmp"
    shim.parent.mkdir()
    scratch.mkdir()
    shim.write_text(
        f"""#!/bin/sh
{shutil.which("git")} "$@" || exit
case "$*" in *copier._vcs.clone*) kill -TERM $PPID; sleep 2 ;; esac
"""
    )
    shim.chmod(0o755)
    ran = roadworthy(
        *("new", "shop", "--defaults", "--template", str(template)),
        cwd=tmp_path,
        PATH=f"{shim.parent}:{os.environ['PATH']}",
        TMPDIR=str(scratch),
    )
    assert ran.returncode in {-signal.SIGTERM, 128 + signal.SIGTERM}, ran.stderr
    assert "Traceback" not in ran.stderr
    assert not list(scratch.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "tmp"]


def test_hooks_run_by_hand_and_twice(stamper: Stamper, tmp_path: Path) -> None:
    project = shutil.copytree(
        stamper.stamp().path, tmp_path / "shop", ignore=shutil.ignore_patterns(".git")
    )
    (project / "uv.lock").write_text("# locked before\n")
    before = {p: p.read_bytes() for p in project.rglob("*") if p.is_file()}
    for _ in range(2):
        for hook in ("lock", "first_commit"):
            script = str(ROOT / "hooks" / f"{hook}.py")
            subprocess.run([sys.executable, script, str(project)], check=True, capture_output=True)
    assert git(project, "rev-list", "--count", "HEAD") == "1"
    assert {p: p.read_bytes() for p in before} == before


def test_inside_a_repository_the_commit_is_the_users(template: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    ran = roadworthy("new", "shop", "--defaults", "--template", str(template), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert not (tmp_path / "shop" / ".git").exists()


def test_help_has_examples_and_exit_codes(tmp_path: Path) -> None:
    assert "Exit codes" in roadworthy("--help", cwd=tmp_path).stdout
    assert "Examples" in roadworthy("new", "--help", cwd=tmp_path).stdout
    for asked in ("version", "--version", "-V"):
        assert roadworthy(asked, cwd=tmp_path).stdout.startswith("roadworthy 0.")


def refused(*arguments: str, template: Path, cwd: Path, **variables: str) -> str:
    ran = roadworthy(*arguments, "--defaults", "--template", str(template), cwd=cwd, **variables)
    assert ran.returncode == 1
    assert not list(cwd.glob(".*")), "a scratch folder was left"
    return one_paragraph(ran.stderr)


def one_paragraph(said: str) -> str:
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if not line.startswith("copier copy")]
    assert len(lines) == 1, said
    assert lines[0].startswith("error: ")
    return lines[0]
