"""The guardrails' command in a project that has them: drill, baseline, check, explain."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ASSEMBLED = Path(__file__).parents[1] / "assembled"
HOLE = """\
import os

from fastapi import FastAPI

app = FastAPI()
SECRET_KEY = os.environ.get("SECRET_KEY", "change-me")


@app.get("/health")
def health() -> dict[str, float]:
    total_price = float("1.10")
    return {"price": total_price}
"""


def guardrails(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    without = ("database", "secrets", "patterns", "routes", "structure", "delivery")
    options = [word for name in without for word in ("--without", name)]
    where = ["--root", str(project)] if arguments[0] in {"check", "baseline"} else []
    narrowed = [*where, *options] if where else []
    return subprocess.run(
        [sys.executable, "-m", "guardrails", *arguments, *narrowed],
        cwd=ASSEMBLED,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(HOLE, encoding="utf-8")
    return tmp_path


def test_the_drill_sees_every_guard_bite() -> None:
    done = guardrails(ASSEMBLED, "drill")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": found ") == len(done.stdout.splitlines())


def test_a_baseline_is_recorded_kept_to_and_only_shrinks(own: Path) -> None:
    first = guardrails(own, "check")
    assert first.returncode == 1
    assert "main.py:6: auth.default-secret" in first.stdout
    (own / "main.py").write_text(HOLE.replace('"SECRET_KEY", "change-me"', '"SECRET_KEY"'))
    recorded = guardrails(own, "baseline")
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    assert guardrails(own, "check").returncode == 0
    baseline = own / "guardrails" / "baseline.jsonl"
    before = baseline.read_text()
    worse = (
        "\n\n@app.get('/more')\ndef more() -> float:\n    price = float('2')\n    return price\n"
    )
    (own / "main.py").write_text((own / "main.py").read_text() + worse)
    assert guardrails(own, "baseline").returncode in {0, 1}
    assert len(baseline.read_text().splitlines()) <= len(before.splitlines())


def test_a_baseline_changed_by_hand_stops_the_check(own: Path) -> None:
    (own / "guardrails").mkdir()
    (own / "guardrails" / "baseline.jsonl").write_text('{"rule": "money.float"}\n')
    done = guardrails(own, "check")
    assert done.returncode == 2
    assert "baseline.jsonl:1 was not written by" in done.stderr


def test_an_acceptance_needs_reason_owner_and_date(own: Path) -> None:
    done = guardrails(own, "baseline", "--accept", "0000")
    assert (done.returncode, "--reason, --owner, --until" in done.stderr) == (2, True)


@pytest.mark.parametrize("form", ["sarif", "gitlab", "github"])
def test_other_forms_say_the_same(own: Path, form: str) -> None:
    done = guardrails(own, "check", "--format", form)
    assert done.returncode == 1
    assert "auth.default-secret" in done.stdout
    if form == "sarif":
        runs = json.loads(done.stdout)["runs"]
        assert {result["baselineState"] for run in runs for result in run["results"]} == {"new"}
    if form == "gitlab":
        assert {entry["location"]["path"] for entry in json.loads(done.stdout)} == {"main.py"}
    if form == "github":
        assert "::error file=main.py,line=6,title=auth.default-secret::" in done.stdout


def test_a_rule_explains_itself_and_an_unknown_one_says_how_to_list_them() -> None:
    assert "CWE-" in guardrails(ASSEMBLED, "explain", "money.float").stdout
    unknown = guardrails(ASSEMBLED, "explain", "money.flot")
    assert (unknown.returncode, "lists all" in unknown.stderr) == (2, True)


def test_a_base_that_is_not_there_says_how_to_get_it(own: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=own, check=True)
    done = guardrails(own, "check", "--base", "no-such-branch")
    assert (done.returncode, "fetch-depth: 0" in done.stderr) == (2, True)
