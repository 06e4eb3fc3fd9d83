"""What worked before must work after; what a prototype runs stays where it is run."""

import json
import os
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
from adopting import needs_landlock, states
from node_packages import needs_npm
from prototype_trees import PROTOTYPES, TREES, lay_out

from roadworthy.verifying import (
    State,
    Subject,
    Workplace,
    as_answer,
    compare,
    own_checks,
    verify_before,
)
from roadworthy.verifying.asking import NO_CONSENT, Asking, step_of
from roadworthy.verifying.commands import AppChecks, Command
from roadworthy.verifying.model import Containment
from roadworthy.verifying.workplace import Ran, Terms

APP = {"app": ".", "manager": "none", "entry": "main:app"}


def python_app(folder: Path, source: str = "app = object()\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(source)
    return folder


def script(source: str, seconds: float = 60) -> list[AppChecks]:
    command = Command("build", (sys.executable, "-c", source), "build", seconds=seconds)
    return [AppChecks(".", "python", "none", "", (command,))]


def test_sees_what_a_change_breaks(place: Workplace, tmp_path: Path) -> None:
    tree = python_app(tmp_path / "tree")
    before = verify_before(place, Subject(tree, APP), consent=True)
    assert states(before) == {"syntax": "passed", "environment": "passed", "build": "passed"}
    python_app(tree, "import nothing_of_that_name\n")
    after = verify_before(place, Subject(tree, APP), consent=True)
    (broken,) = compare(before, after)
    assert str(broken) == "build passed before; after: failed"
    assert broken.after is not None
    assert "nothing_of_that_name" in broken.after.said
    assert compare(after, after) == []


def test_runs_nothing_without_consent(place: Workplace, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    tree = python_app(tmp_path / "tree", f"open({str(ran)!r}, 'w')\napp = 1\n")
    verification = verify_before(place, Subject(tree, APP), consent=False)
    assert states(verification)["syntax"] == "passed"
    build = verification.step("build")
    assert build is not None
    assert (build.state, build.said) == (State.NOT_CHECKED, NO_CONSENT)
    assert not ran.exists()
    assert str(verification.containment) == "Nothing of the prototype's was run."
    assert compare(verification, verification) == []


@pytest.mark.parametrize(
    ("said", "watches"),
    [
        (" PASS  Waiting for file changes...\n       press h to show help, press q to quit", True),
        ("Watch Usage\n › Press f to run only failed tests.", True),
        ("  VITE v5.4.0  ready in 312 ms\n  ➜  Local:   http://localhost:5173/", True),
        ("[nodemon] watching path(s): *.*\n[nodemon] clean exit - waiting for changes", True),
        ("collecting modules\nresolving 3 of 4", False),
    ],
)
def test_a_command_that_never_ends_is_named_as_one(said: str, *, watches: bool) -> None:
    ran = Ran(None, 600, said, late=True, containment=Containment())
    step = step_of("tests", Command("tests", ("npm",), "npm run test", seconds=600), ran)
    assert step.gist.startswith("stopped after 600 seconds")
    assert ("never ends" in step.gist) is watches


def test_stops_what_hangs_and_all_that_it_started(place: Workplace, tmp_path: Path) -> None:
    marker = f"sleep {1000 + os.getpid()}"
    source = f"import os, time\nos.system('setsid {marker} & ')\nprint('waiting')\ntime.sleep(600)"
    since = time.monotonic()
    (step,) = Asking(place, tmp_path, consent=True, progress=print).ask(script(source, 2)).steps
    assert time.monotonic() - since < 20
    assert step.state is State.FAILED
    assert step.said == "waiting\nstopped after 2 seconds"
    running = [
        file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        for file in Path("/proc").glob("[0-9]*/cmdline")
        if file.exists()
    ]
    assert not [line for line in running if marker in line]


def test_what_a_step_left_behind_is_not_waited_for(place: Workplace, tmp_path: Path) -> None:
    """It has the step's output open still, out of its session and of its parent's."""
    source = "import os; os.system('setsid sh -c \"sleep 500 & sleep 500\" & echo built')"
    since = time.monotonic()
    (step,) = Asking(place, tmp_path, consent=True, progress=print).ask(script(source, 60)).steps
    assert (step.state, step.said) == (State.PASSED, "built")
    assert time.monotonic() - since < 10


PROBE = """
import os, pathlib, socket
print("token", os.environ.get("DEPLOY_TOKEN"), pathlib.Path.home() == pathlib.Path(HOME))
for name in (OUTSIDE, HOME + "/escaped"):
    try:
        pathlib.Path(name).write_text("x")
        print("wrote", name)
    except OSError:
        print("kept from writing")
for name in (SECRET, f"/proc/{MAIN}/environ"):
    try:
        print("read", pathlib.Path(name).read_bytes())
    except OSError:
        print("kept from reading")
try:
    os.kill(MAIN, 0)
    print("may signal")
except OSError:
    print("kept from signalling")
try:
    socket.create_connection(("127.0.0.1", PORT), 2)
    print("called")
except OSError:
    print("kept from calling")
pathlib.Path("built").write_text("x")
"""


@needs_landlock
def test_holds_the_code_to_its_copy(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    monkeypatch.setenv("DEPLOY_TOKEN", "x")
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:secret@packages.example.com/simple")
    tree = place.copy(python_app(tmp_path / "tree"), "before")
    facts = {
        "HOME": str(Path.home()),
        "OUTSIDE": str(tmp_path / "tree" / "escaped"),
        "SECRET": str(secret),
        "MAIN": os.getpid(),
        "PORT": 9,
    }
    source = "\n".join(f"{name} = {value!r}" for name, value in facts.items()) + PROBE
    verification = Asking(place, tree, consent=True, progress=print).ask(script(source))
    (step,) = verification.steps
    assert step.passed, step.said
    assert step.said.splitlines() == [
        "token None False",
        *["kept from writing"] * 2,
        *["kept from reading"] * 2,
        "kept from signalling",
        "kept from calling",
    ]
    assert (tree / "built").exists()
    assert not (tmp_path / "tree" / "escaped").exists()
    assert "PIP_INDEX_URL" not in place.environment(Terms(60))
    assert verification.containment.files
    assert verification.containment.network
    assert "cut" in str(verification.containment)


@needs_landlock
def test_a_build_that_only_misses_the_network_stays_in_ci(place: Workplace, tmp_path: Path) -> None:
    """Next's fonts are fetched while it builds: there, CI has what is cut here."""
    fails = "import sys; sys.exit('Failed to fetch `Inter` from Google Fonts.')"
    checks = script(fails)
    asked = Asking(place, tmp_path, consent=True, progress=print).ask(checks)
    assert asked.containment.network
    assert states(asked) == {"build": "not checked"}
    assert as_answer(checks, asked)[0]["build"] == "build"
    assert states(Asking(place, tmp_path, consent=True, progress=print).ask(script("1 / 0"))) == {
        "build": "failed"
    }


@pytest.mark.parametrize(("installs", "state"), [(True, State.NOT_CHECKED), (False, State.FAILED)])
def test_a_package_on_a_host_that_is_not_found_is_no_verdict(
    place: Workplace, tmp_path: Path, state: State, *, installs: bool
) -> None:
    """Some builders name wheels and tarballs on a host of their own."""
    source = """
        import urllib.request
        urllib.request.urlopen("http://packages.example.invalid/bells-1.0-py3-none-any.whl")
    """
    (checks,) = script(textwrap.dedent(source))
    # Without a proxy, which would be asked for the host instead.
    command = checks.commands[0]
    command = replace(command, argv=("env", "-i", *command.argv), installs=installs)
    checks = replace(checks, commands=(command,))
    (step,) = Asking(place, tmp_path, consent=True, progress=print).ask([checks]).steps
    assert step.state is state, step.said
    why = "a host that it fetches packages from was not found"
    assert step.said.endswith(why) is installs


def test_ci_builds_nothing_whose_packages_could_not_be_installed(
    place: Workplace, tmp_path: Path
) -> None:
    line = (sys.executable, "-c", "raise SystemExit(1)")
    commands = (Command("install", line, "install", installs=True), Command("build", line, "build"))
    checks = [AppChecks(".", "node", "npm", "", commands)]
    asked = Asking(place, tmp_path, consent=True, progress=print).ask(checks)
    assert states(asked) == {"install": "failed", "build": "not checked"}
    (answer,) = as_answer(checks, asked)
    assert answer.keys() == {"folder", "language", "manager", "version"}


@needs_landlock
def test_what_a_version_manager_started_finds_the_manager(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shim of pyenv asks pyenv, which lies beside them and in a home."""
    manager = tmp_path / "manager"
    for name, line in (("shims/ring", f"exec {manager}/libexec/ring"), ("libexec/ring", "echo on")):
        (manager / name).parent.mkdir(parents=True)
        (manager / name).write_text(f"#!/bin/sh\n{line}\n")
        (manager / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{manager / 'shims'}{os.pathsep}{os.environ['PATH']}")
    tree = place.copy(python_app(tmp_path / "tree"), "before")
    checks = [AppChecks(".", "python", "none", "", (Command("build", ("ring",), "ring"),))]
    (step,) = Asking(place, tree, consent=True, progress=print).ask(checks).steps
    assert (step.state, step.said) == (State.PASSED, "on")


def test_a_python_that_is_not_here_is_no_verdict(place: Workplace, tmp_path: Path) -> None:
    tree = python_app(tmp_path / "tree")
    (tree / ".python-version").write_text("3.99\n")
    (tree / "requirements.txt").touch()
    verification = verify_before(place, Subject(tree, APP | {"manager": "pip"}), consent=True)
    environment = verification.step("environment")
    assert environment is not None
    assert environment.state is State.NOT_CHECKED
    assert environment.said.endswith("that Python is not on this machine")


def test_a_missing_program_is_not_checked(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"build": "node build.js"}}')
    (tmp_path / "pnpm-lock.yaml").write_text("lockfileVersion: '9.0'\n")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    verification = verify_before(place, Subject(tmp_path, {"app": "."}), consent=True)
    assert {step.said for step in verification.steps} == {"pnpm is not on this machine"}
    assert set(states(verification).values()) == {"not checked"}


@needs_npm
def test_asks_a_package_of_npm(place: Workplace, tmp_path: Path) -> None:
    manifest = {"name": "bells", "version": "1.0.0"}
    scripts = {
        "build": "node -e \"fs.writeFileSync('out', 'x')\"",
        "test": "node x",
    }
    (tmp_path / "package.json").write_text(json.dumps(manifest | {"scripts": scripts}))
    lock = manifest | {"lockfileVersion": 3, "requires": True, "packages": {"": manifest}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    verification = verify_before(place, Subject(tmp_path, {"app": "."}), consent=True)
    assert [(step.command, step.state.value) for step in verification.steps] == [
        ("npm ci --ignore-scripts", "passed"),
        ("npm run build", "passed"),
        ("npm run test", "failed"),
    ]
    assert not (tmp_path / "out").exists()
    (answer,) = as_answer(own_checks(tmp_path, ["."]), verification)
    assert answer == {
        "folder": ".",
        "language": "node",
        "manager": "npm",
        "version": "24",
        "install": "npm ci --ignore-scripts",
        "build": "npm run build",
    }


@needs_npm
def test_builds_and_checks_a_front_end(place: Workplace, tmp_path: Path) -> None:
    subject = Subject(lay_out("choir", tmp_path / "choir"), {"app": "frontend", "manager": "npm"})
    before = verify_before(place, subject, consent=True)
    if not (install := before.steps[0]).passed:
        pytest.skip(f"npm can't install here: {install.said[-200:]}")
    assert set(states(before).values()) == {"passed"}
    copy = place.scratch / "before"
    (copy / "frontend/src/api.ts").write_text("export const singers: number = 'three';\n")
    (checks,) = subject.checks
    again = replace(checks, commands=checks.commands[1:])
    after = Asking(place, copy, consent=True, progress=print).ask([again])
    # Vite builds what tsc would not.
    assert states(after) == {"build": "passed", "types": "failed"}


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("corner-shop", ["npm install", "npm run build", "npx --no-install tsc -b"]),
        ("allotment", ["npm install", "npm run build", "npx --no-install tsc --noEmit -p ."]),
        ("van-hire", ["npm install"]),
        ("tutoring", ["pip install -r requirements.txt", 'python -c "from app.main import app"']),
        (
            "seed-library",
            [
                "poetry install",
                'poetry run python -c "from seeds.app import app"',
                "poetry run python -m pytest",
            ],
        ),
        ("tide-table", ["pip install -r requirements.txt"]),
        (
            "choir",
            [
                "pip install -r requirements.txt pytest",
                'python -c "from main import app"',
                "python -m pytest",
            ],
        ),
    ],
)
def test_finds_out_what_each_kind_can_be_asked(name: str, commands: list[str]) -> None:
    prototype = PROTOTYPES[name]
    checks = own_checks(
        TREES / name, [prototype.app], manager=prototype.manager, entry=prototype.entry
    )
    (answer,) = as_answer(checks)
    told = [answer[key] for key in ("install", "build", "types", "tests") if key in answer]
    assert len(told) == len(commands)
    assert all(map(str.startswith, told, commands))


def test_a_type_check_has_as_long_as_a_build() -> None:
    """On a busy machine, that of 700 files took more than five minutes and counted as failed."""
    (app,) = own_checks(TREES / "corner-shop", ["."])
    allowed = {command.name: command.seconds for command in app.commands}
    assert allowed["types"] == allowed["build"]


@pytest.mark.parametrize(
    ("files", "install"),
    [
        ({"yarn.lock": ""}, "yarn install --frozen-lockfile --ignore-scripts"),
        ({"yarn.lock": "", ".yarnrc.yml": ""}, "yarn install --immutable --mode=skip-build"),
        ({"bun.lockb": ""}, "bun install --frozen-lockfile --ignore-scripts"),
        ({"bun.lock": "", "package-lock.json": "{}"}, "npm ci --ignore-scripts"),
        ({"pnpm-lock.yaml": ""}, "pnpm install --frozen-lockfile --ignore-scripts"),
        (
            {"package.json": '{"packageManager": "yarn@1.22.22"}', "package-lock.json": "{}"},
            "npm ci --ignore-scripts",
        ),
        ({"package.json": '{"packageManager": "yarn@1.22.22"}'}, "yarn install --ignore-scripts"),
        ({}, "npm install --ignore-scripts --no-save"),
    ],
)
def test_the_lock_file_decides(files: dict[str, str], install: str, tmp_path: Path) -> None:
    for name, content in {"package.json": "{}", **files}.items():
        (tmp_path / name).write_text(content)
    (app,) = own_checks(tmp_path, ["."])
    assert app.commands[0].told == install


@pytest.mark.parametrize(
    ("project", "more"),
    [
        ("", " && uv pip install pytest"),
        ("[project.optional-dependencies]\ndev = ['pytest']", " && uv pip install pytest"),
        ("[dependency-groups]\ntest = ['pytest']", " && uv pip install pytest"),
        ("[dependency-groups]\ndev = 3", " && uv pip install pytest"),
        ("[dependency-groups]\ndev = ['pytest>=8']", ""),
        ("[dependency-groups]\nt = ['pytest-cov']\n[tool.uv]\ndefault-groups = ['t']", ""),
        ("[dependency-groups]\nt = ['pytest-cov']\n[tool.uv]\ndefault-groups = 'all'", ""),
        ("[tool.uv]\ndev-dependencies = ['pytest']", ""),
        ("[project]\ndependencies = ['pytest ; python_version > \"3\"']", ""),
    ],
)
def test_uv_gets_the_tests_their_runner(project: str, more: str, tmp_path: Path) -> None:
    for name, content in {"pyproject.toml": project, "uv.lock": "", "test_bells.py": ""}.items():
        (tmp_path / name).write_text(content)
    (app,) = own_checks(tmp_path, ["."])
    (install,) = (command for command in app.commands if command.installs)
    assert install.told == f"uv sync --frozen{more}"


def test_tests_without_a_runner_in_the_lock_are_run(place: Workplace, tmp_path: Path) -> None:
    project = "[project]\nname = 'bells'\nversion = '1'\nrequires-python = '>=3.11'\n"
    (tmp_path / "pyproject.toml").write_text(project)
    lock = "version = 1\nrequires-python = '>=3.11'\n"
    lock += "[[package]]\nname = 'bells'\nversion = '1'\nsource = { virtual = '.' }\n"
    (tmp_path / "uv.lock").write_text(lock)
    (tmp_path / "test_bells.py").write_text("def test_rings():\n    assert True\n")
    subject = Subject(tmp_path, {"app": "."})
    verification = verify_before(place, subject, consent=True)
    install = verification.step("install")
    assert install is not None
    if not install.passed:
        pytest.skip(f"uv can't install here: {install.said[-200:]}")
    assert states(verification)["tests"] == "passed"
    (answer,) = as_answer(subject.checks, verification)
    assert answer["install"] == "uv sync --frozen && uv pip install pytest"


def test_what_was_in_env_files_is_there_for_the_build(place: Workplace, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before / "web", after / "web", before / "node_modules" / "x"):
        folder.mkdir(parents=True)
    for name in (".env", "web/.env.local", "node_modules/x/.env"):
        (before / name).write_text("URL=https://bells.example.com\n")
    (after / ".env").write_text("URL=other\n")
    copy = place.copy(after, "after", environment_of=before)
    found = sorted(path.relative_to(copy).as_posix() for path in copy.rglob(".env*"))
    assert found == [".env", "web/.env.local"]
    assert (copy / ".env").read_text() == "URL=other\n"
    assert not (after / "web" / ".env.local").exists()
