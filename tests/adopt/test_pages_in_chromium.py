"""What a page reports, from a real browser through the facade into the log, in one trace.

Needs a Chromium on the machine (Debian: apt install chromium); without one this is skipped.
"""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from stamping import ENVIRONMENT, Project

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

PAGE = """<!doctype html><html lang="en"><title>Orders</title>
<script src="/report.js" data-sample="1"></script>
<h1>Orders</h1><button>Pay</button>
<script>
  document.querySelector('button').addEventListener('click', () => {
    const until = performance.now() + 120;
    while (performance.now() < until) {}
    fetch('/data.json?token=a1b2c3d4').then(() => { throw new TypeError('no such order'); });
    setTimeout(() => window.nowhere.pay(), 1);
  });
</script>"""

# Loaded twice, for layouts are nested; half a character, and more than a beacon takes at a time.
ODD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Odd</title>
<script src="/report.js"></script><script src="/report.js"></script>
<script>
  Promise.reject(new Error('x'.repeat(499) + '\\u{1F600}'));
  for (let i = 0; i < 18; i++) {
    Promise.reject(Object.assign(new Error(`large ${i}`), { stack: `${i} \\u6f22`.repeat(2000) }));
  }
</script>"""


@pytest.fixture
def prototype(adopted: Project, tmp_path: Path) -> Iterator[int]:
    """A front end as a static server has it."""
    site = tmp_path / "site"
    site.mkdir()
    shutil.copy(adopted.path / "ops" / "prototype" / "browser" / "report.js", site)
    (site / "index.html").write_text(PAGE)
    (site / "odd.html").write_text(ODD)
    (site / "data.json").write_text("{}")
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


class Facade:
    def __init__(self, port: int, log: Path) -> None:
        self.url = f"http://localhost:{port}"
        self._log = log

    def lines(self) -> list[dict[str, Any]]:
        said = self._log.read_text().splitlines()
        return [json.loads(line) for line in said if line.startswith("{")]

    def wait_for(self, event: str, count: int) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 30
        while len(found := [it for it in self.lines() if it["event"] == event]) < count:
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.1)
        return found


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def facade(adopted: Project, prototype: int, tmp_path: Path) -> Iterator[Facade]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (module,) = (adopted.path / "service" / "src").iterdir()
    python = ENVIRONMENT / "bin" / "python"
    serve = f"{python} -m {module.name} migrate && exec {python} -m {module.name} serve"
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [python, "-m", "guardrails.postgres", "run", "--", "sh", "-c", serve],
            cwd=adopted.path / "service",
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join((str(module.parent), str(adopted.path))),
                "ENVIRONMENT": "test",
                "PORT": str(port),
                "PROTOTYPE_URL": f"http://127.0.0.1:{prototype}",
                "LOG_FORMAT": "json",
            },
            stderr=output,
            stdout=output,
        )
        try:
            deadline = time.monotonic() + 60
            while not answers(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield Facade(port, log)
        finally:
            process.terminate()
            process.wait(30)


def test_an_error_on_a_page_is_a_line_of_the_trace_of_its_calls(facade: Facade) -> None:
    with playwright.sync_playwright() as started:
        # Its own sandbox can't be made by root in a container; the pages are ours.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(facade.url + "/?" + "invited=ada@example.com")
        tab.get_by_role("button").click()
        errors = facade.wait_for("browser_error", 2)
        # A page that is left tells what it has measured.
        tab.goto("about:blank")
        (vitals,) = facade.wait_for("browser_vitals", 1)
        browser.close()

    trace = errors[0]["trace_id"]
    said = {error["kind"]: error for error in errors}
    assert said["rejection"]["message"] == "no such order"
    assert "nowhere" in said["error"]["message"] or "undefined" in said["error"]["message"]
    assert {line["trace_id"] for line in (*errors, vitals)} == {trace}
    assert {line["page"] for line in (*errors, vitals)} == {"/"}
    assert vitals["lcp"] > 0
    assert vitals["inp"] >= 100
    (call,) = (line for line in facade.lines() if line.get("path") == "/data.json")
    assert call["trace_id"] == trace
    assert "ada@example.com" not in str(errors)
    assert "a1b2c3d4" not in str(facade.lines())


def test_what_is_odd_or_too_much_costs_no_other_report(facade: Facade) -> None:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(facade.url + "/odd.html")
        errors = facade.wait_for("browser_error", 4)
        browser.close()

    messages = [error["message"] for error in errors]
    assert "x" * 499 in messages
    assert len(messages) == len(set(messages))


def test_the_script_is_small(adopted: Project) -> None:
    script = adopted.path / "ops" / "prototype" / "browser" / "report.js"
    assert script.stat().st_size < 4096
