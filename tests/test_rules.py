"""Every rule flags what it is for and leaves its look-alikes alone.

The cases are in `rules/*.yaml`; a rule without both kinds of case fails here. `worst` is how severe
the worst finding of a case is, `faults` how many there are; `about` what all of them are of, and so
one fault in a report.
"""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from advisories import advisory_database
from guardrails.engine import rules, sarif
from guardrails.engine.check import recognised
from guardrails.engine.finding import Finding
from guardrails.engine.guard import Looked, examine
from guardrails.engine.guards import load_guards
from guardrails.engine.tree import Tree, walk
from guardrails.guards.patterns.judging import JUDGES
from guardrails.guards.patterns.scan import patterns_of, scanning

CASES = Path(__file__).parent / "rules"
ENGINE_OWN = {"waivers"}

Case = Mapping[str, Any]


@cache
def cases() -> Mapping[str, Mapping[str, list[Case]]]:
    gathered: dict[str, dict[str, list[Case]]] = {}
    for file in sorted(CASES.glob("*.yaml")):
        for entry in yaml.safe_load(file.read_text(encoding="utf-8")) or []:
            kinds = gathered.setdefault(entry["rule"], {"flagged": [], "clean": []})
            for kind in kinds:
                kinds[kind].extend(entry.get(kind, []))
    return gathered


def looks_for(rule: str) -> Iterator[tuple[str, Callable[[Tree], Looked]]]:
    """The guards that emit the rule, called as their commands call them."""
    for name in rules.load()[rule].guards:
        found = find_spec(f"guardrails.guards.{name}")
        assert found is not None
        is_package = found.submodule_search_locations is not None
        module = import_module(found.name + (".__main__" if is_package else ""))
        look: Callable[[Tree], Looked] = module.look
        yield name, look


def lay_out(case: Case, folder: Path) -> None:
    for state in [*case.get("history", []), case]:
        for name, text in state["files"].items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                file.unlink()
            else:
                file.write_text(spelled(text), encoding="utf-8")
        if case.get("git") or case.get("history"):
            commit(folder)


def spelled(text: str | Mapping[str, Any]) -> str:
    """`{each: …, times: 900}` is that many numbered lines; a `§` is left out, which keeps
    scanners from taking a case for a secret.
    """
    if isinstance(text, str):
        return text.replace("§", "")
    each: str = text["each"]
    before: str = text.get("before", "")
    after: str = text.get("after", "")
    lines = (each.replace("#", str(number)) + "\n" for number in range(text["times"]))
    return before + "".join(lines) + after


def commit(folder: Path) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for arguments in (("init", "-q"), ("add", "-Af"), (*identity, "commit", "-qm", "work")):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="session")
def advisories() -> Iterator[str]:
    with advisory_database() as url:
        yield url


@pytest.fixture
def _asking(case: Case, advisories: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case with `advisories: true` has an advisory database to ask."""
    monkeypatch.delenv("GUARDRAILS_ADVISORIES", raising=False)
    if case.get("advisories"):
        monkeypatch.setenv("GUARDRAILS_ADVISORIES", advisories)


def found(rule: str, case: Case, folder: Path) -> list[Finding]:
    lay_out(case, folder)
    tree = recognised(walk(folder))
    runs = [examine(name, tree, look) for name, look in looks_for(rule)]
    assert [why for run in runs if (why := run["properties"].get("broken"))] == []
    every = [finding for run in runs for finding in sarif.findings(run)]
    return [finding for finding in every if finding.rule == rule]


def places(findings: list[Finding]) -> set[str]:
    every = [place for finding in findings for place in (finding.place, *finding.also)]
    return {place.path for place in every} | {f"{place.path}:{place.line}" for place in every}


def numbered(kind: str) -> Iterator[Any]:
    for rule, kinds in cases().items():
        for number, case in enumerate(kinds[kind]):
            yield pytest.param(rule, case, id=f"{rule}-{number}")


def test_every_rule_has_cases_of_both_kinds() -> None:
    known = {name for name, rule in rules.load().items() if not ENGINE_OWN & set(rule.guards)}
    assert known - {rule for rule, kinds in cases().items() if kinds["flagged"]} == set()
    assert known - {rule for rule, kinds in cases().items() if kinds["clean"]} == set()
    assert set(cases()) - set(rules.load()) == set()


def test_every_rule_has_a_guard_that_is_run() -> None:
    run = {guard.name for guard in load_guards()} | ENGINE_OWN
    assert {rule.id for rule in rules.load().values() if not set(rule.guards) <= run} == set()


def test_every_judge_is_asked_by_a_rule() -> None:
    patterns = patterns_of(rules.load()).values()
    assert {judge for pattern in patterns for judge in pattern.judges} == set(JUDGES)


@pytest.mark.usefixtures("_asking")
@pytest.mark.parametrize(("rule", "case"), list(numbered("flagged")))
def test_what_must_be_flagged_is(rule: str, case: Case, tmp_path: Path) -> None:
    findings = found(rule, case, tmp_path)
    assert findings
    wanted = case.get("at", [])
    assert set([wanted] if isinstance(wanted, str) else wanted) <= places(findings)
    if worst := case.get("worst"):
        own = rules.load()[rule].severity
        severities = [own if it.severity is None else it.severity for it in findings]
        assert max(severities).label == worst
    if faults := case.get("faults"):
        assert len(findings) == faults
    if about := case.get("about"):
        assert {finding.detail.get("subject") for finding in findings} == {about}


@pytest.mark.usefixtures("_asking")
@pytest.mark.parametrize(("rule", "case"), list(numbered("clean")))
def test_look_alikes_are_left_alone(rule: str, case: Case, tmp_path: Path) -> None:
    assert found(rule, case, tmp_path) == []


def test_code_that_is_no_utf_8_is_searched_like_any_other(tmp_path: Path) -> None:
    text = '// kept short – see below\nconst key = process.env.JWT_SECRET || "pots-and-pans"\n'
    (tmp_path / "server").mkdir()
    (tmp_path / "server/keys.ts").write_bytes(text.encode("cp1252"))
    (judged,) = found("auth.default-secret", {"files": {}}, tmp_path)
    assert (judged.place.path, judged.place.line) == ("server/keys.ts", 2)


def test_a_fault_of_several_files_stands_where_it_stood(tmp_path: Path) -> None:
    """A finding at another place is a new one to the ratchet."""
    for number in range(40):
        text = "jwt.verify(t, process.env.JWT_SECRET || 'fallback_secret')\n" * (1 + number % 7)
        (tmp_path / f"auth{number:02}.js").write_text(text, encoding="utf-8")
    tree = walk(tmp_path)
    with scanning(tree, tree.files, patterns_of(rules.load())) as scanned:
        matches = scanned()
    assert len({match.path for match in matches}) == 40
    places = [(match.path, match.line) for match in matches]
    assert places == sorted(places)


def test_code_with_a_nul_in_it_is_no_binary_file(tmp_path: Path) -> None:
    """As in a pattern for control characters; a browser and Node read on."""
    text = "// " + "a" * 300 + "\nexport const clean = /[\0-\x1f]/g\n"
    text += 'export const key = process.env.JWT_SECRET || "pots-and-pans"\n'
    text += "await PDFDocument.create()\n"
    (tmp_path / "server").mkdir()
    (tmp_path / "server/keys.ts").write_text(text)
    (judged,) = found("auth.default-secret", {"files": {}}, tmp_path)
    assert (judged.place.path, judged.place.line) == ("server/keys.ts", 3)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_windows_wrote_is_read_like_any_other(tmp_path: Path, encoding: str) -> None:
    for name, text in {
        "requirements.txt": "fastapi==0.115.0\r\nrequests\r\n",
        "main.py": "from fastapi import FastAPI\napp = FastAPI(debug=True)\n",
        "web/package.json": '{"dependencies": {"next": "15.0.0"}}',
        "web/keys.ts": '\nconst key = process.env.JWT_SECRET || "pots-and-pans"\n',
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode(encoding))
    apps = recognised(walk(tmp_path)).stack["apps"]
    assert [(app["root"], *app["frameworks"]) for app in apps] == [
        ("", "FastAPI"),
        ("web", "Next.js"),
    ]
    for rule, place in (
        ("auth.default-secret", ("web/keys.ts", 2)),
        ("deps.unpinned", ("requirements.txt", 2)),
    ):
        (judged,) = found(rule, {"files": {}}, tmp_path)
        assert (judged.place.path, judged.place.line) == place
