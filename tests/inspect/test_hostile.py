"""An inspection of trees that mean harm: it ends, says what it skipped, and leaves them alone."""

import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hostile import BOMBS, CODE, CONFIGURATION, SCRIPT, SERVICE, lay_out, no_regular_files
from hostile import oddly_named as lay_out_odd_names

ROADWORTHY = str(Path(sys.prefix) / "bin" / "roadworthy")
LONGEST = 240
"""Seconds; beyond it an inspection hangs."""
MEGABYTE = 1024  # What the system counts memory in is kilobytes.


@dataclass(frozen=True)
class Ran:
    status: int
    stdout: str
    stderr: str
    seconds: float
    peak: int
    found: Mapping[str, Any]
    report: str

    @property
    def missing(self) -> str:
        """All that it says it did not look at."""
        return json.dumps([self.found["left"], self.found["gaps"]])


Inspect = Callable[..., Ran]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Inspects a tree as a user does, and holds it to what holds for every tree."""
    work = tmp_path / "work"
    scratch = work / "scratch"
    scratch.mkdir(parents=True)

    def run(tree: Path, *arguments: str, **more: Any) -> Ran:
        before = listing(tree)
        ran = started(
            [str(tree), "--html", "r.html", "--format", "json", "--output", "r.json", *arguments],
            work,
            **more,
        )
        assert listing(tree) == before, "it wrote in the tree"
        assert "Traceback" not in ran.stdout + ran.stderr
        assert list(scratch.iterdir()) == [], "it left something behind"
        assert list(Path("/tmp").glob("owned*")) == []  # noqa: S108 - where the bombs would write
        for text in (ran.stdout, ran.stderr, ran.report, json.dumps(ran.found)):
            assert "root:x:0:0" not in text, "it read what is outside"
        return ran

    return run


def started(
    arguments: list[str], work: Path, before: Callable[[], None] | None = None, **environment: str
) -> Ran:
    if before is no_room:  # what is compiled meanwhile is cut off: nobody else shall read it
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        environment.setdefault("XDG_CACHE_HOME", str(work / "cache"))
    began = time.monotonic()
    with (work / "out").open("wb") as out, (work / "err").open("wb") as err:
        process = subprocess.Popen(
            [ROADWORTHY, "inspect", *arguments],
            cwd=work,
            env=os.environ | {"COLUMNS": "100", "TMPDIR": str(work / "scratch"), **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            preexec_fn=before,  # noqa: PLW1509 - it asks for no lock
        )
        limit = threading.Timer(LONGEST, process.kill)
        limit.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            limit.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode != -signal.SIGKILL, "it hangs"
    output, report = work / "r.json", work / "r.html"
    return Ran(
        status=process.returncode,
        stdout=(work / "out").read_text(errors="replace"),
        stderr=(work / "err").read_text(errors="replace"),
        seconds=time.monotonic() - began,
        peak=usage.ru_maxrss,
        found=json.loads(output.read_text()) if output.exists() else {},
        report=report.read_text() if report.exists() else "",
    )


def listing(tree: Path) -> list[tuple[object, ...]]:
    """Everything below the folder: kind, size, time of change and contents."""
    seen: list[tuple[object, ...]] = []
    for folder, folders, files in os.walk(tree):
        for name in sorted([*folders, *files, "."]):
            path = os.path.join(folder, name)  # noqa: PTH118 - names that are no text
            about = os.lstat(path)
            small = stat.S_ISREG(about.st_mode) and about.st_size < 3_000_000
            digest = sha256(Path(path).read_bytes()).hexdigest() if small else ""
            seen.append((path, about.st_mode, about.st_size, about.st_mtime_ns, digest))
    return seen


def git(tree: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(tree), *arguments], check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def test_broken_configuration(tree: Path, inspect: Inspect) -> None:
    ran = inspect(lay_out(tree, CONFIGURATION))
    assert ran.status == 0, ran.stderr
    assert ran.found["files"] == len(CONFIGURATION)


def test_code_that_no_parser_likes(tree: Path, inspect: Inspect) -> None:
    ran = inspect(lay_out(tree, CODE))
    assert ran.status == 0, ran.stderr
    assert "minified" in ran.missing
    for name in ("round", "minus", "nul", "old"):
        assert f"api/{name}.py" in ran.missing
    assert "api/utf16.py" not in ran.missing  # what Windows wrote is read


def test_odd_names_odd_files_and_what_others_installed(tree: Path, inspect: Inspect) -> None:
    lay_out_odd_names(tree)
    no_regular_files(tree)
    installed = {f"packages_of_mine/p{number}/index.js": SERVICE for number in range(300)}
    lay_out(
        tree,
        {
            **installed,
            "packages_of_mine/.package-lock.json": "{}",
            "lib/node_modules/p/index.js": SERVICE,
            "python3/pyvenv.cfg": "home = /usr\n",
            "python3/lib/site.py": "password = 'x'\n",
            "app.py": "import os\n",
        },
    )
    (tree / "locked.py").write_text("import os\n")
    (tree / "locked.py").chmod(0)
    for name in ("dump.sql", "bundle.js", "package-lock.json", "data.py"):
        with (tree / name).open("wb") as file:
            file.truncate(1_000_000_000)
    git(tree, "init", "--quiet")
    git(tree, "add", "--force", "packages_of_mine", "python3", "app.py")
    git(tree, "commit", "--quiet", "-m", "All of it")
    ran = inspect(tree)
    assert ran.status == 0, ran.stderr
    assert ran.peak < 500 * MEGABYTE
    left = {(entry["path"], entry["why"]): entry["files"] for entry in ran.found["left"]}
    assert left["packages_of_mine", "installed packages"] == 301
    assert left["lib/node_modules", "installed packages"] == 1
    assert left["python3", "a virtual environment"] == 2
    assert left["", "a link, not followed"] == 7
    assert left["", "no regular file"] == 3
    for name in ("dump.sql", "bundle.js", "data.py", "hole.sql"):
        assert left[name, "larger than 1 MB"] == 1
    assert "a name that is no printable text" in ran.missing
    if os.geteuid():
        assert "locked.py" in ran.missing
    assert not any(Path(entry).name == "owned" for entry in (Path.cwd(), tree, tree.parent))


ESCAPES = (
    "notes", "program", "from_program", "file", "read", "large_object", "listing", "dblink",
    "wrapper", "superuser", "system", "language", "terminate", "drop", "commit", "meta", "last",
)  # fmt: skip


def rules(ran: Ran) -> set[str]:
    return {issue["rule"] for issue in ran.found["issues"]}


def named(name: str) -> str:
    return name.rpartition("/")[2].partition("_")[2].removesuffix(".sql")


def test_sql_that_wants_out_of_its_database(tree: Path, inspect: Inspect) -> None:
    lay_out(tree, {name: text for name, text in BOMBS.items() if named(name) in ESCAPES})
    ran = inspect(tree)
    assert ran.status == 0, ran.stderr
    assert "time for the replay" not in ran.missing
    assert "migrations.not-replayable" in rules(ran)
    # What harms nobody is still made, and tried.
    assert [row["table"] for row in ran.found["facts"]["matrix"]] == ["orders"]


def test_sql_that_never_ends(tree: Path, inspect: Inspect) -> None:
    lay_out(tree, {name: text for name, text in BOMBS.items() if named(name) not in ESCAPES[1:-1]})
    ran = inspect(tree)
    assert ran.status == 0, ran.stderr
    assert {"migrations.not-replayable", "rls.disabled"} <= rules(ran)


def is_a_file(tree: Path) -> None:
    (tree / ".git").write_text("gitdir: /nowhere\n")


def points_outside(tree: Path) -> None:
    (tree / ".git").symlink_to("/etc")


def has_no_commit(tree: Path) -> None:
    git(tree, "init", "--quiet")


def is_corrupt(tree: Path) -> None:
    git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "-m", "Work")
    for file in (tree / ".git" / "objects").rglob("*"):
        if file.is_file():
            file.chmod(0o600)
            file.write_bytes(b"\0" * 40)
    (tree / ".git" / "index").write_bytes(b"DIRC" + b"\xff" * 100)


def runs_programs(tree: Path) -> None:
    git(tree, "init", "--quiet")
    hook = tree / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch /tmp/owned-by-hook\n")
    hook.chmod(0o755)
    with (tree / ".git" / "config").open("a") as config:
        config.write(
            '[core]\n\tfsmonitor = "touch /tmp/owned-by-monitor"\n\tpager = touch /tmp/owned\n'
            '\tsshCommand = touch /tmp/owned\n[filter "x"]\n\tclean = touch /tmp/owned-by-filter\n'
            "\tsmudge = touch /tmp/owned\n\trequired = true\n"
            '[diff "x"]\n\ttextconv = touch /tmp/owned-by-diff\n'
        )
    (tree / ".gitattributes").write_text("* filter=x diff=x\n")
    git(tree, "-c", "core.fsmonitor=", "-c", "filter.x.clean=cat", "add", "--all")
    git(tree, "-c", "core.fsmonitor=", "commit", "--quiet", "-m", "Work")


@pytest.mark.parametrize(
    "repository", [is_a_file, points_outside, has_no_commit, is_corrupt, runs_programs]
)
def test_repositories_that_are_none_or_bite(
    tree: Path, inspect: Inspect, repository: Callable[[Path], None]
) -> None:
    lay_out(tree, {"app.ts": SCRIPT, "package.json": "{}"})
    repository(tree)
    for stray in Path("/tmp").glob("owned*"):  # noqa: S108 - of laying it out
        stray.unlink()
    ran = inspect(tree, "--only", "secret.*", "--only", "repo.*")
    assert ran.status == 0, ran.stderr
    assert ran.found["files"] >= 2
    if repository in {is_a_file, points_outside, is_corrupt}:
        assert "the history" in ran.missing


def test_many_files_in_little_memory(tree: Path, inspect: Inspect) -> None:
    lay_out(tree, dict(files(5_000)))
    ran = inspect(tree)
    assert ran.status == 0, ran.stderr
    assert ran.found["files"] == 5_000
    assert ran.peak < 500 * MEGABYTE


def test_more_files_than_it_looks_at(
    tree: Path, inspect: Inspect, request: pytest.FixtureRequest
) -> None:
    if not request.config.getoption("--exhaustive"):
        pytest.skip("a hundred thousand files are for --exhaustive")
    lay_out(tree, dict.fromkeys(files(100_020), "export {};\n"))
    ran = inspect(tree)
    assert ran.status == 0, ran.stderr
    assert ran.found["files"] == 100_000
    assert "beyond the first 100,000 files" in ran.missing


def files(count: int) -> dict[str, str]:
    page = "export default function P(){ return <p>{new Date().toISOString()}</p> }\n"
    kinds = (("ts", SCRIPT), ("tsx", page), ("js", SERVICE), ("py", "import os\n"), ("md", "# x\n"))
    endings = [kinds[number % len(kinds)] for number in range(count)]
    return {
        f"src/f{number // 100}/m{number}.{ending}": text
        for number, (ending, text) in enumerate(endings)
    }


def no_room() -> None:
    """Every file that is written may have 2,000 bytes: what a full disk is like."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))


def test_a_full_disk_is_said_in_one_line(tree: Path, inspect: Inspect) -> None:
    lay_out(tree, {"app.ts": SCRIPT, "package.json": "{}"})
    ran = inspect(tree, before=no_room)
    assert ran.status == 2
    assert ran.stderr.startswith("error: ")
    assert "File too large" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_a_disk_that_was_full_once_is_forgotten(
    tree: Path, inspect: Inspect, tmp_path: Path
) -> None:
    """What was compiled meanwhile was cut off, and would be read by every inspection after."""
    lay_out(tree, {"app.ts": SCRIPT, "package.json": "{}"})
    kept = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    whole: list[str] = []
    narrow = ["--only", "repo.*"]
    for arguments, cut in ((narrow, "*.pyc"), (narrow, "guards/*/*.pyc"), (whole, "*.pyc")):
        assert inspect(tree, **kept).status == 0
        compiled = [*(tmp_path / "cache").rglob(cut)]
        assert compiled
        for path in compiled:
            os.truncate(path, 200)
        ran = inspect(tree, *arguments, **kept)
        assert ran.status == 0
        assert "marshal" not in ran.missing


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_report_that_cant_be_written_is_said_in_one_line(tree: Path, inspect: Inspect) -> None:
    lay_out(tree, {"app.ts": SCRIPT, "package.json": "{}"})
    ran = inspect(tree, "--html", "/dev/full", "--only", "repo.*")
    assert ran.status == 2, "1 says that --fail-on was met"
    assert "/dev/full can't be written: No space left" in ran.stderr


@pytest.mark.parametrize(
    ("redirected", "status", "said"),
    [
        ("> /dev/full", 2, "error: Standard output can't be written to: No space left"),
        ("--format json > /dev/full", 2, "error: Standard output can't be written to: No space"),
        ("--format json >&-", 2, "error: There is no standard output"),
        ("--format json | true", 141, ""),
        ("--explain '*' | true", 141, ""),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_nowhere_to_say_it_is_said_in_one_line(
    tree: Path, redirected: str, status: int, said: str
) -> None:
    lay_out(tree, {"app.ts": SCRIPT, "package.json": "{}"})
    line = f"{ROADWORTHY} inspect {tree} --only 'repo.*' {redirected}; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert ran.returncode == status
    assert ran.stderr.startswith(said)
    assert len(ran.stderr.strip().splitlines()) == bool(said)


def working_in(folder: Path) -> list[str]:
    """The commands of the processes whose temporary folder is below this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"TMPDIR={folder}".encode() in environment and command:
            found.append(command)
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are read in /proc")
def test_ctrl_c_stops_the_database_too(shop: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [ROADWORTHY, "inspect", str(shop)],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not any("postgres" in it for it in working_in(scratch)):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    pressed = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # A terminal sends it to everybody in the foreground.
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert output == b""
    assert time.monotonic() - pressed < 15
    assert working_in(scratch) == []
    assert list(scratch.iterdir()) == []


EVIL = "<script>owned=1</script>"
IMAGE = '"><img src=x onerror=owned=1>'


def test_the_report_runs_nothing_of_the_prototype(tree: Path, inspect: Inspect) -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    key = f"whsec_{'a1b2c3d4e5f6a7b8' * 2}"
    lay_out(
        tree,
        {
            "package.json": json.dumps({
                "name": EVIL,
                "dependencies": {"express": EVIL, IMAGE: "latest", "react": IMAGE},
                "scripts": {EVIL: EVIL},
            }),
            "<script>owned=1<.ts": f"{SCRIPT}// {EVIL}\neval(location.hash); // {IMAGE}\n",
            "<img src=x onerror=owned=1>/server.js": "const app = require('express')();\n"
            f"app.get('/{EVIL}/:id', async (req, res) => {{\n  res.json(await db.query("
            f"`select '{EVIL}' from users where id = ${{req.params.id}}`));\n}});\n",
            "app.py": f'from flask import Flask\napp = Flask("{EVIL}")\n'
            f"@app.route('/{EVIL}')\ndef f():\n    eval(request.args['{EVIL}'])\n",
            ".env": f"{EVIL}={key}\nNAME={IMAGE}\n",
            "README.md": f"# {EVIL}\n",
            "supabase/migrations/20250101000000_x.sql": f'create table public."{EVIL}" '
            f'(id bigint primary key, "{IMAGE.replace(chr(34), chr(34) * 2)}" text);\n'
            f'create policy "{EVIL}" on public."{EVIL}" using (true);\n'
            f"create table {EVIL};\nselect '{EVIL}';\n",
        },
    )  # fmt: skip
    git(tree, "init", "--quiet")
    git(tree, "checkout", "--quiet", "-b", "<img/src=x/onerror=owned=1>")
    git(tree, "add", "--all")
    git(tree, "-c", f"user.name={EVIL}", "commit", "--quiet", "-m", EVIL)
    ran = inspect(tree)
    assert ran.status == 0, ran.stderr
    assert "owned=1" in ran.report
    file = tree / "r.html"
    file.write_text(ran.report)
    with playwright.sync_playwright() as driver:
        # Its own sandbox can't be made by root in a container; the page is ours.
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: said.append(request.url))
        tab.goto(file.as_uri())
        for details in tab.locator("details").all():
            details.evaluate("it => it.open = true")
        tab.wait_for_timeout(300)
        assert said == [file.as_uri()]
        assert tab.evaluate("typeof owned") == "undefined"
        assert tab.locator("img").count() == 0
        browser.close()
