"""Tests: are there any, how many for so much code, and does anything run them?"""

import posixpath
import re
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Place, Severity
from .pipelines import RUNS_TESTS
from .project import Project

_CASE = re.compile(
    r"^\s*(?:async\s+)?def\s+test\w*\s*\(|\b(?:it|test|specify)(?:\.\w+)*\s*(?:\(|`)"
    r"|\bDeno\.test\s*\(|^func\s+Test\w+\(|^\s*Scenario(?: Outline)?:",
    re.MULTILINE,
)
_PYTHON_NAME = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$")
_AGAINST_SERVER = re.compile(r"https?://(localhost|127\.0\.0\.1|0\.0\.0\.0)[:/]")
_DEPLOYED = re.compile(
    r"(?:BASE_URL|API_URL|BACKEND_URL|BASE|API)\s*=[^=]{0,60}?(?:https?://|environ|getenv)"
)
_STARTED = re.compile(
    r"TestClient|test_client|ASGITransport|live_server|subprocess|testcontainers|responses|respx"
    r"|requests_mock|from\s+[\w.]*(?:app|main|server)\s+import"
)
_IMPORT = re.compile(r"^from\s+(\w+)\s+import\s+([\w ,]+)$", re.MULTILINE)
_STARTS = re.compile(
    r"(^|/)(package\.json|Makefile|justfile|tox\.ini|noxfile\.py|deno\.jsonc?|Taskfile\.yml)$"
    r"|^\.github/workflows/|^\.gitlab-ci|\.sh$|^\.circleci/|^bitbucket-pipelines|^azure-pipelines"
)
_RUNNERS = (
    ((".py",), frozenset({"pytest", "nose2", "django", "tox", "nox", "hypothesis"})),
    (
        (".ts", ".tsx", ".js", ".jsx", ".mjs"),
        frozenset({
            "vitest", "jest", "mocha", "ava", "@playwright/test", "playwright", "cypress", "karma",
            "jasmine", "tap", "uvu", "react-scripts", "@angular/cli", "tape", "bun-types",
        }),
    ),
)  # fmt: skip
_FEW_CASES = 8
_MUCH_CODE = 60
"""Kilobytes: some 2,000 lines."""
_CODE_A_CASE = 60
"""Kilobytes of source a test case, beyond which the tests are a token."""


def findings(project: Project) -> Iterator[Finding]:
    cases = {path: len(_CASE.findall(project.tree.text(path) or "")) for path in project.tests}
    idle = dict(_not_runnable(project, cases))
    for path, why in sorted(idle.items()):
        yield Finding("tests.not-runnable", Place(path), f"{path} {why}.", evidence=Evidence.READ)
    real = {path: count for path, count in cases.items() if count and path not in idle}
    unrun = list(_without_runner(project, list(real)))
    yield from unrun
    if not real:
        scripts = _scripts(project)
        if scripts:
            yield Finding(
                "tests.weak",
                Place(scripts[0]),
                f"{len(scripts)} script(s) that are started by hand are all the tests there are.",
                evidence=Evidence.EXACT,
                also=tuple(Place(path) for path in scripts[1:10]),
            )
        elif not idle:
            yield Finding(
                "tests.none",
                Place(),
                f"No test for {len(project.sources)} source files.",
                severity=None if project.kilobytes > _MUCH_CODE // 3 else Severity.MEDIUM,
                evidence=Evidence.EXACT,
            )
        return
    if not unrun:
        yield from _weak(project, real)


_SCRIPT = re.compile(r"\b(?:node|tsx|ts-node|bun|deno run|python3?)\s+(?:-\S+\s+)*([\w./-]+\.\w+)")
_JUDGES = re.compile(
    r"\bassert\b|\bassert\w*\(|\bexpect\(|process\.exit\(1\)|throw new Error|sys\.exit\(1\)"
)


def _scripts(project: Project) -> list[str]:
    """Programs that a manifest starts as tests, and that fail where something is wrong."""
    found = set()
    for path in project.tree.files:
        if path.rpartition("/")[2] != "package.json":
            continue
        manifest = project.tree.json(path)
        scripts = manifest.get("scripts") if isinstance(manifest, dict) else None
        for name, command in (scripts if isinstance(scripts, dict) else {}).items():
            started = _SCRIPT.search(str(command)) if str(name).startswith("test") else None
            if started is not None:
                found.add(posixpath.normpath(posixpath.join(posixpath.dirname(path), started[1])))
    return sorted(one for one in found if _JUDGES.search(project.tree.text(one) or ""))


def _weak(project: Project, real: dict[str, int]) -> Iterator[Finding]:
    total = sum(real.values())
    few = total <= _FEW_CASES and project.kilobytes > _MUCH_CODE
    if few or project.kilobytes > total * _CODE_A_CASE:
        first, *others = sorted(real)
        yield Finding(
            "tests.weak",
            Place(first),
            f"{total} test case(s) in {len(real)} file(s) for {len(project.sources)} source files.",
            evidence=Evidence.EXACT,
            also=tuple(Place(path) for path in others[:10]),
        )


def _not_runnable(project: Project, cases: dict[str, int]) -> Iterator[tuple[str, str]]:
    for path, count in cases.items():
        if not _PYTHON_NAME.search(path):
            continue
        text = project.tree.text(path) or ""
        if name := _missing_import(project, path, text):
            yield path, f"can't be imported: {name} is not there"
        elif _asks_elsewhere(project, path, text):
            yield path, "asks a server that is deployed elsewhere; nothing here starts one"
        elif not count and "class Test" not in text:
            if _AGAINST_SERVER.search(text):
                yield path, "is a script against a running server; no test runner collects it"
            elif "__main__" in text:
                yield path, "is a script; no test runner collects anything in it"


def _asks_elsewhere(project: Project, path: str, text: str) -> bool:
    """It calls an address of a setting, which it or the conftest beside it names."""
    shared = project.tree.text(f"{path.rpartition('/')[0]}/conftest.py".lstrip("/")) or ""
    asks = re.search(r"^import (?:requests|httpx)\b", text, re.MULTILINE)
    both = f"{text}\n{shared}"
    return bool(asks and _DEPLOYED.search(both)) and not _STARTED.search(both)


def _without_runner(project: Project, paths: list[str]) -> Iterator[Finding]:
    """Test files of a language for which no manifest names a runner and nothing starts one."""
    commands = [
        project.tree.text(path) or "" for path in project.tree.files if _STARTS.search(path)
    ]
    if any(RUNS_TESTS.search(command) for command in commands):
        return
    for suffixes, runners in _RUNNERS:
        mine = sorted(path for path in paths if path.endswith(suffixes))
        if not mine or runners & project.needs:
            continue
        if any("node:test" in (project.tree.text(path) or "") for path in mine):
            continue
        yield Finding(
            "tests.not-runnable",
            Place(mine[0]),
            f"{len(mine)} test file(s), and nothing runs them: no manifest names a test runner, "
            "no script or workflow starts one.",
            evidence=Evidence.EXACT,
            also=tuple(Place(path) for path in mine[1:10]),
        )


def _missing_import(project: Project, path: str, text: str) -> str:
    """A name that the test takes from a package of the tree which does not have it."""
    folder = path.rpartition("/")[0]
    for match in _IMPORT.finditer(text):
        module = f"{folder}/{match[1]}/__init__.py".lstrip("/")
        source = project.tree.text(module) if module in project.tree.present else None
        if source is None or "import *" in source or "__getattr__" in source:
            continue
        below = f"{folder}/{match[1]}/".lstrip("/")
        for name in (part.split(" as ")[0].strip() for part in match[2].split(",")):
            if re.search(rf"\b{re.escape(name)}\b", source) or not name:
                continue
            if not any(file.startswith(f"{below}{name}") for file in project.tree.present):
                return f"{match[1]}.{name}"
    return ""
