"""After an adoption: the prototype through the facade, and the guardrails on the fresh baseline."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from stamping import ROOT, Project

from roadworthy.verifying import Step, Verification, Workplace, compare
from roadworthy.verifying.after import missing_packages
from roadworthy.verifying.asking import Asking
from roadworthy.verifying.browser import in_browser
from roadworthy.verifying.commands import AppChecks, Command
from roadworthy.verifying.fetching import fetch
from roadworthy.verifying.fitted import check_guardrails, check_service, check_shared
from roadworthy.verifying.pages import Pages
from roadworthy.verifying.serving import start_of
from roadworthy.verifying.smoke import Smoke
from roadworthy.verifying.workplace import Terms

GUARDRAILS = ROOT / "template" / "{{ home }}" / "guardrails"
PAGE = """<!doctype html><title>Bells</title><link rel="icon" href="/bell.svg">
<script src="assets/ring.js" defer></script><p>Quiet</p>"""


pytestmark = pytest.mark.usefixtures("kept_environment")


@pytest.fixture
def bells(adopted: Project, place: Workplace) -> Path:
    """An adopted tree whose pages are built already."""
    copy = place.copy(adopted.path, "after")
    (copy / "package.json").write_text('{"name": "bells", "scripts": {"build": "vite build"}}')
    (copy / "dist" / "assets").mkdir(parents=True)
    (copy / "dist" / "index.html").write_text(PAGE)
    (copy / "dist" / "bell.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    rings = "document.querySelector('p').textContent = 'Ring';"
    (copy / "dist" / "assets" / "ring.js").write_text(rings)
    return copy


def test_the_prototype_is_the_same_through_the_facade(
    place: Workplace, bells: Path, adopted: Project
) -> None:
    # The service answers this path itself, so what comes through is not the prototype's.
    routes = ("/bell.svg", "/health/live")
    smoke = Smoke(place, bells, adopted.answers, place.scratch / "venv-0", routes, print)
    steps = {step.name: step for step in smoke.steps(wanted=True)}
    assert "facade: front page" in steps, [step.said for step in steps.values()]
    assert steps["facade: front page"].passed
    assert steps["facade: assets"].passed
    assert steps["facade: assets"].command == "GET /bell.svg, GET /assets/ring.js"
    routed = steps["facade: routes"]
    assert not routed.passed
    assert routed.command == "GET /health/live"
    assert "/health/live: " in routed.said
    browser = steps["facade: in a browser"]
    if shutil.which("chromium"):
        assert browser.passed, browser.said
    (regression,) = compare(Verification(), Verification(tuple(steps.values())))
    assert str(regression) == f"facade: routes failed: {routed.said}"


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium")
def test_a_page_in_the_browser_calls_nobody_else(place: Workplace, tmp_path: Path) -> None:
    """The live database of its owner's, for one."""
    called: list[str] = []

    class Database(Pages):
        def send_head(self) -> Any:
            called.append(self.path)
            return super().send_head()

    with served(tmp_path, Database) as database, served(tmp_path) as origin:
        page = f"<title>Bells</title><p>Quiet</p><img src='{database}/orders'>"
        (tmp_path / "index.html").write_text(page)
        step = in_browser(place, origin, origin)
    assert step.passed, step.said
    assert called == []


def test_says_why_the_facade_was_not_asked(place: Workplace, bells: Path, adopted: Project) -> None:
    def said() -> list[str]:
        smoke = Smoke(place, bells, adopted.answers, place.scratch / "venv-0", (), print)
        return [f"{step.state.value}: {step.said}" for step in smoke.steps(wanted=True)]

    (bells / "dist" / "index.html").unlink()
    assert said() == ["not checked: nothing was found that starts the prototype"]
    (bells / "package.json").write_text('{"name": "bells", "main": "server.js"}')
    (bells / "server.js").write_text("throw new Error('no bells')")
    if shutil.which("node"):
        (only,) = said()
        assert only.startswith("not checked: the prototype does not start:")
        assert "no bells" in only


@pytest.mark.parametrize(
    ("files", "started"),
    [
        (("dist/public/index.html", "dist/index.js"), "npm run start"),
        (("dist/public/index.html", "dist/api/index.js"), "dist/public"),
        ((), ""),
    ],
)
def test_a_server_that_the_build_does_not_make_is_not_started(
    files: tuple[str, ...], started: str, tmp_path: Path
) -> None:
    scripts = '{"scripts": {"start": "cross-env NODE_ENV=production node dist/index.js"}}'
    (tmp_path / "package.json").write_text(scripts)
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    start = start_of(tmp_path, {"kind": "node"}, tmp_path / "venv", 8000)
    assert (started in " ".join(start.argv)) if start else not started


def test_a_prototype_without_its_packages_is_not_started(
    place: Workplace, bells: Path, adopted: Project
) -> None:
    """Otherwise npx would ask the network for what is not there, and be told no."""
    install = Command("install", ("no-such-manager", "install"), "no-such-manager i", installs=True)
    checks = [AppChecks(".", "node", "npm", "", (install,))]
    asked = Asking(place, bells, consent=True, progress=print).ask(checks)
    smoke = Smoke(place, bells, adopted.answers, place.scratch / "venv-0", (), print)
    (step,) = smoke.steps(wanted=True, missing=missing_packages(checks, asked))
    assert (step.state.value, step.said) == (
        "not checked",
        "no-such-manager is not on this machine",
    )


def test_nobody_who_did_not_agree_waits_for_the_gates(
    place: Workplace, bells: Path, adopted: Project
) -> None:
    steps = list(check_service(place, bells, adopted.answers, print, wanted=False))
    assert {step.state.value for step in steps} == {"not checked"}
    assert "service: test" in {step.name for step in steps}


def test_the_gates_are_the_services_own(place: Workplace, bells: Path, adopted: Project) -> None:
    (bells / "service" / "src" / adopted.package / "settings.py").write_text("import os\n")
    gates = check_service(place, bells, adopted.answers, print, wanted=True)
    named: dict[str, Step] = {}
    for step in gates:
        named[step.name] = step
        if step.name == "service: lint":
            break
    assert named["service: format"].passed, named["service: format"].said
    assert not named["service: lint"].passed
    assert "settings.py" in named["service: lint"].said


@pytest.fixture
def guarded(tmp_path: Path) -> Path:
    """A small tree with the guardrails, without those for the web, which take longer."""
    ignored = shutil.ignore_patterns("__pycache__", "*.jinja", ".*_cache")
    shutil.copytree(GUARDRAILS, tmp_path / "roadworthy" / "guardrails", ignore=ignored)
    (tmp_path / "roadworthy" / "guardrails" / "guards.web.toml").unlink()
    # A module of the prototype's that is called like one of Python's is not taken for it.
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')\n")
    for arguments in (["init", "--quiet"], ["add", "*.py"], ["commit", "--quiet", "-m", "x"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    return tmp_path


def test_only_what_is_not_in_the_baseline_fails(place: Workplace, guarded: Path) -> None:
    home = guarded / "roadworthy"
    subprocess.run(
        [sys.executable, "-P", "-m", "guardrails", "baseline"],
        cwd=guarded,
        env=place.environment(Terms(60, variables={"PYTHONPATH": str(home)})),
        check=False,
    )
    held = check_guardrails(place, guarded, {"home": "roadworthy"})
    assert held.passed, held.said
    (guarded / "queue.py").write_text("bells = []\n")
    planted = check_guardrails(place, guarded, {"home": "roadworthy"})
    assert not planted.passed
    assert planted.said == "new, and not in the baseline: python.module-shadowing (1)"


def test_a_tree_with_much_to_tell_is_told_whole(
    place: Workplace, guarded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an output the end is kept, and hundreds of findings are more than that."""
    monkeypatch.setattr(sys.modules[Workplace.__module__], "_TAIL", 20)
    step = check_guardrails(place, guarded, {"home": "roadworthy"})
    assert step.state.value == "failed", step.said
    assert "python.module-shadowing (1)" in step.said


def test_what_was_put_into_shared_files_is_there(
    place: Workplace, bells: Path, adopted: Project
) -> None:
    missing = check_shared(place, bells, adopted.answers)
    assert not missing.passed
    assert ".gitignore: it is missing" in missing.said
    project = Project(bells)
    command = [sys.executable, "-P", "-m", "guardrails.merges"]
    project.check(*command, PYTHONPATH=str(bells / str(adopted.answers.get("home", "."))))
    held = check_shared(place, bells, adopted.answers)
    assert held.passed, held.said


def test_built_pages_are_served_as_a_host_does(tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_text("front")
    (tmp_path / "secret").write_text("x")
    with served(folder) as origin:
        assert fetch(f"{origin}/login").body == b"front"
        assert fetch(f"{origin}/gone.js").status == 404
        assert fetch(f"{origin}/../secret").body == b"front"
        assert fetch("http://127.0.0.1:9/").status == 0


@contextmanager
def served(folder: Path, handler: type[Pages] = Pages) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
