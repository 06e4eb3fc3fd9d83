"""Known-vulnerable dependencies: asked for only when told to, and never passed in silence."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from advisories import advisory_database
from guardrails.engine.finding import Finding, Severity
from guardrails.engine.guard import Looked
from guardrails.engine.tree import walk
from guardrails.guards.delivery import advisories, look
from guardrails.guards.delivery.scoring import base_score

LOCK = {
    "lockfileVersion": 3,
    "packages": {
        f"node_modules/{name}": {"version": version} | about
        for name, version, about in (
            ("deep", "0.0.2", {}),
            ("left-padding", "0.0.2", {}),
            ("low", "0.0.3", {}),
            ("tool", "0.0.2", {"dev": True}),
            ("unrated", "0.0.1", {}),
            ("fine", "1.0.0", {}),
        )
    },
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "package.json").write_text('{"dependencies": {"left-padding": "^0.0.2"}}')
    (tmp_path / "package-lock.json").write_text(json.dumps(LOCK, indent=1))
    return tmp_path


def looked(tree: Path) -> tuple[list[Finding], str]:
    said: Looked = look(walk(tree))
    missing = [it for it in said.not_looked if "deps.vulnerable" in it.rules]
    found = [it for it in said.findings if it.rule == "deps.vulnerable"]
    return found, "\n".join(f"{it.what}: {it.why}" for it in missing)


def test_asks_nobody_unless_told_to(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(advisories.VARIABLE, raising=False)
    found, missing = looked(tree)
    assert found == []
    assert "offline" in missing


def test_the_worst_first_and_what_was_chosen_before_what_it_brought(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with advisory_database() as url:
        monkeypatch.setenv(advisories.VARIABLE, url)
        [finding], missing = looked(tree)
    assert missing == ""
    assert finding.severity == Severity.HIGH
    assert finding.place.snippet == "left-padding 0.0.2"
    assert "5 package(s)" in finding.message
    assert "OSV-2026-2, critical: A long name runs as a command; fixed in 0.1.0" in finding.message
    listed = [entry["package"].split()[0] for entry in finding.detail["vulnerable"]]
    assert listed == ["left-padding", "deep", "tool", "unrated", "low"]


def test_what_nobody_has_fixed_or_rated_is_no_more_than_medium(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = {"node_modules/unrated": {"version": "0.0.1"}}
    (tree / "package-lock.json").write_text(json.dumps({"packages": only}))
    with advisory_database() as url:
        monkeypatch.setenv(advisories.VARIABLE, url)
        [finding], _ = looked(tree)
    assert finding.severity == Severity.MEDIUM


def test_lock_files_that_cant_be_read_and_manifests_without_one_are_said(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "package-lock.json").write_text("<<<<<<< HEAD")
    (tree / "bun.lockb").write_bytes(b"\0\1")
    with advisory_database() as url:
        monkeypatch.setenv(advisories.VARIABLE, url)
        found, missing = looked(tree)
    assert found == []
    assert "of package-lock.json: it can't be read" in missing
    assert "of bun.lockb: it can't be read" in missing
    assert "no lock file says which versions" in missing


@contextmanager
def answering(body: bytes, status: int = 200, pause: float = 0) -> Iterator[str]:
    """A server that says the same to everybody, a byte at a time where there is a pause."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            try:
                for start in range(len(body)) if pause else (0,):
                    self.wfile.write(body[start : start + 1] if pause else body)
                    self.wfile.flush()
                    time.sleep(pause)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def results(*each: Any) -> bytes:
    return json.dumps({"results": list(each)}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"<html>log in</html>", 200),
        (b"[" * 100_000, 200),
        (b"null", 200),
        (b'{"results": 3}', 200),
        (results({}), 200),
        (results(*[{"vulns": "yes"}] * 6), 200),
        (results(*[{"vulns": [{"id": "../../etc/passwd"}]}] * 6), 200),
        (results(*[{"vulns": [3]}] * 6), 200),
        (results(*[{"next_page_token": "again"}] * 6), 200),
        (results(*[None] * 6), 200),
        (b"{}", 500),
        (b"{}", 404),
    ],
)
def test_nonsense_is_said_and_is_no_crash(
    tree: Path, monkeypatch: pytest.MonkeyPatch, body: bytes, status: int
) -> None:
    with answering(body, status) as url:
        monkeypatch.setenv(advisories.VARIABLE, url)
        found, missing = looked(tree)
    assert found == []
    assert url in missing


def test_an_advisory_that_nothing_is_said_about_still_counts(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(results(*[{"vulns": [{"id": "GHSA-1"}]}, *[{}] * 5])) as url:
        monkeypatch.setenv(advisories.VARIABLE, url)
        found, missing = looked(tree)
    assert [finding.severity for finding in found] == [Severity.MEDIUM]
    assert "GHSA-1" in missing


@pytest.mark.parametrize(
    "named", ["http://127.0.0.1:1", "file:///etc/passwd", "ftp://a", "nonsense", "http://["]
)
def test_a_database_that_cant_be_asked_is_named(
    tree: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv(advisories.VARIABLE, named)
    found, missing = looked(tree)
    assert found == []
    assert named in missing


def test_no_password_of_its_address_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(advisories.VARIABLE, "http://ada:lovelace@127.0.0.1:1")
    assert "lovelace" not in looked(tree)[1]


def test_it_does_not_wait_for_ever(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisories, "_SECONDS_A_REQUEST", 0.3)
    with answering(b'{"results": [' + b" " * 1000, pause=0.05) as url:
        monkeypatch.setenv(advisories.VARIABLE, url)
        began = time.monotonic()
        found, missing = looked(tree)
    assert time.monotonic() - began < 5
    assert found == []
    assert "it took too long" in missing


def test_a_thousand_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = "".join(f"package-{number}==0.0.3\n" for number in range(2500))
    (tmp_path / "requirements.txt").write_text(many)
    with advisory_database() as url:
        monkeypatch.setenv(advisories.VARIABLE, url)
        [finding], _ = looked(tmp_path)
    assert len(finding.detail["vulnerable"]) == 2500


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9),
        ("CVSS:4.0/AV:N", None),
        ("", None),
    ],
)
def test_scores(vector: str, score: float | None) -> None:
    assert base_score(vector) == score
