"""`roadworthy inspect`, run as a user runs it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest
from advisories import advisory_database

from roadworthy.inspecting import Request
from roadworthy.inspection import Wanted
from roadworthy.refusal import BadAnswer

ROADWORTHY = str(Path(sys.prefix) / "bin" / "roadworthy")


def command(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROADWORTHY, "inspect", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_looks_and_leaves_the_tree_alone(shop: Path) -> None:
    before = contents(shop)
    ran = command(shop)
    assert ran.returncode == 0, ran.stderr
    assert contents(shop) == before
    assert ran.stderr == ""
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("corner-shop  0 · blocked")
    assert 24 <= len(lines) <= 40
    for area in ("auth and access", "data and migrations", "backups", "maintainability"):
        assert area in ran.stdout
    assert "rls.disabled" in ran.stdout
    assert "Next" in ran.stdout


def test_writes_what_is_asked_for(shop: Path, tmp_path: Path) -> None:
    html, output = tmp_path / "report.html", tmp_path / "found.json"
    ran = command(shop, "--html", html, "--format", "json", "--output", output)
    assert ran.returncode == 0, ran.stderr
    assert html.read_text().startswith("<!doctype html>")
    found = json.loads(output.read_text())
    assert found["stack"]["topics"]["builder"][0]["name"] == "Lovable"
    assert {row["table"] for row in found["facts"]["matrix"]} >= {"orders", "profiles"}

    (shop / "supabase" / "migrations" / "20250102030408_mend.sql").write_text(
        "alter table public.orders enable row level security;\n"
    )
    later = command(shop, "--since", output, "--only", "rls.*")
    assert "mended" in later.stdout


def test_formats_go_to_standard_output_alone(shop: Path) -> None:
    ran = command(shop, "--format", "sarif", "--only", "ci.*")
    results = json.loads(ran.stdout)["runs"][0]["results"]
    assert {result["ruleId"].partition(".")[0] for result in results} == {"ci"}
    assert command(shop, "--format", "markdown", "--only", "ci.*").stdout.startswith("# ")


def test_asks_the_database_of_advisories_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask==0.0.2\nmarkupsafe==3.0.2\n")
    arguments = (tmp_path, "--only", "deps.vulnerable", "--format", "json")
    [gap] = json.loads(command(*arguments).stdout)["gaps"]
    assert "offline" in gap["why"]
    with advisory_database() as url:
        found = json.loads(command(*arguments, "--advisories", url).stdout)
    assert found["gaps"] == []
    [issue] = found["issues"]
    assert "flask 0.0.2 (OSV-2026-2, critical" in issue["message"]
    assert [place["line"] for place in issue["places"]] == [1]


def test_fails_for_what_is_as_bad_as_asked(shop: Path) -> None:
    assert command(shop, "--only", "ci.none", "--fail-on", "critical").returncode == 0
    assert command(shop, "--only", "ci.none", "--fail-on", "low").returncode == 1


def test_works_in_a_folder_without_git_and_in_a_subfolder(shop: Path) -> None:
    shutil.rmtree(shop / ".git")
    assert command("supabase", "--only", "rls.*", "--no-history", cwd=shop).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "does not exist"),
        (["file.txt"], "is a file"),
        (["--format", "xml"], "there are json, markdown, sarif"),
        (["--fail-on", "bad"], "there are critical, high"),
        (["--only", "rls.disable"], "Near it: rls.disabled"),
        (["--since", "file.txt"], "is no JSON"),
        (["--since", "missing.json"], "can't be read"),
        (["--html", "."], "is a folder"),
        (["--html", "no/where.html"], "there is no folder"),
        (["--output", "x.json"], "--output needs --format"),
        (["--html", "x", "--output", "./x", "--format", "json"], "are one file"),
        (["--advisories", "my-app"], "it is osv, or a URL"),
        (["--explain", "rls.disable"], "no rule is called that"),
    ],
)
def test_bad_input_is_refused_in_one_paragraph(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    (tmp_path / "file.txt").write_text("not json")
    ran = command(*arguments, cwd=tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: ")
    assert says in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_a_report_that_cannot_be_written_is_refused_before_anybody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere, so what the system says is planted."""
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    with pytest.raises(BadAnswer, match=r"--html .*report.html can't be written to"):
        Request.of(tmp_path, Wanted(), (tmp_path / "report.html", None, None), None, None)


def test_explains_a_rule_and_lists_many() -> None:
    one = command("--explain", "rls.disabled")
    assert one.returncode == 0
    assert "to mend" in one.stdout
    assert len(command("--explain", "rls.*").stdout.splitlines()) > 1


def children(folder: Path) -> list[str]:
    """Whoever works in the temporary folder of this run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if f"TMPDIR={folder}".encode() in environment:
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are read in /proc")
@pytest.mark.parametrize(("sign", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_leaves_nothing_behind(
    shop: Path, tmp_path: Path, sign: signal.Signals, status: int
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [ROADWORTHY, "inspect", str(shop)],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 60
    while sum("-m guardrails scan" in it for it in children(scratch)) < 2:  # and a guard's fork
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(sign)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == status, output
    assert b"Traceback" not in output
    deadline = time.monotonic() + 20
    while children(scratch) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert children(scratch) == []
    assert list(scratch.iterdir()) == []


def test_odd_names_links_and_unreadable_files_are_no_crash(tmp_path: Path) -> None:
    tree = tmp_path / "<img src=x onerror=alert(1)>"
    tree.mkdir()
    names = ["line\nbreak.ts", "\"quote'.py", "<script>alert(1)<.sql", "ends.tsx"]
    for name in names:
        (tree / name).write_text("const total = parseFloat(price) * 1.19;\n")
    (tree / os.fsdecode(b"\xff\xfe.ts")).write_bytes(b"\xff\xfe password = 'x'\n")
    (tree / "package.json").write_text('{"dependencies": {"react": ["\\ud800"]}')
    (tree / "loop").symlink_to(tree)
    (tree / "outside").symlink_to("/etc")
    (tree / ".git").write_text("gitdir: /nowhere\n")
    (tree / "inner/.git").mkdir(parents=True)
    (tree / "inner/app.ts").write_text("export {}\n")
    (tree / "locked.py").write_text("secret")
    (tree / "locked.py").chmod(0)
    html, output = tmp_path / "r.html", tmp_path / "r.json"
    ran = command(tree, "--html", html, "--format", "json", "--output", output)
    assert ran.returncode == 0, ran.stderr
    assert "<img" not in html.read_text()
    found = json.loads(output.read_text())
    assert found["files"] == 9
    assert {"path": "", "why": "a link, not followed", "files": 2} in found["left"]
    assert command(tree, "--format", "markdown").returncode == 0


def test_an_interruption_while_the_command_is_read_says_nothing() -> None:
    """In the middle of an import, as a real one meets it."""
    interrupted = """
import builtins, os, signal
from roadworthy.__main__ import main
real = builtins.__import__
def late(name, *more):
    if name == "rich.progress":
        os.kill(os.getpid(), signal.SIGINT)
    return real(name, *more)
builtins.__import__ = late
main()
"""
    ran = subprocess.run(
        [sys.executable, "-c", interrupted], capture_output=True, text=True, check=False
    )
    assert ran.returncode == -signal.SIGINT
    assert ran.stderr == ""
