"""Whatever the answers, a stamped project looks typed by hand and passes its gates."""

import json
import os
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from answers import choices, every, given, name_of, pairwise
from jinja2 import Environment, StrictUndefined
from stamping import Project, Stamper
from test_questions import QUESTIONS

from roadworthy.questions import Questionnaire

PAIRS = pairwise(choices())
ADOPTED: list[dict[str, Any]] = [
    {},
    {
        "kind": "flask",
        "adapter": "wsgi",
        "entry": "app:app",
        "database": "sqlite",
        "ci": "gitlab",
        "keeps": "/auth/me",
    },
    {
        "kind": "node",
        "app": "server",
        "database": "postgresql",
        "callers": ["oidc", "accounts"],
        "backup_store": "s3",
        "deploy": "kubernetes",
        "home": "guarded",
        "service_dir": "in/front",
    },
    {
        "kind": "fastapi",
        "entry": "app.main:app",
        "adapter": "asgi",
        "guardrails": ["auth", "secrets"],
        "keeps": "/auth/me, /auth/sessions",
        "package": "to",
    },
    {"kind": "nextjs", "guardrails": ["migrations", "backups", "ci"], "manager": "pnpm"},
    {"kind": "streamlit"},
]
# The tutorial (test_docs) runs the whole gate too, of the default answers, where there is curl.
WHOLE_GATE = [
    *([] if shutil.which("curl") else PAIRS[:1]),
    *[row for row in PAIRS if row["deploy"] != PAIRS[0]["deploy"]][:1],
]
RESIDUE = re.compile(rf"{{%|{{#|#}}|{{{{[^}}]*\b({'|'.join([*QUESTIONS, '_copier'])})\b")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    exhaustive = metafunc.config.getoption("exhaustive")
    if "row" in metafunc.fixturenames:
        metafunc.parametrize("row", every(choices()) if exhaustive else PAIRS, ids=name_of)
    if "pair" in metafunc.fixturenames:
        metafunc.parametrize("pair", PAIRS if exhaustive else [], ids=name_of)


def texts(project: Project) -> dict[str, str]:
    return {name: (project.path / name).read_text(encoding="utf-8") for name in project.files}


def test_pairs_are_complete() -> None:
    factors = choices()
    for first, second in ((a, b) for a in factors for b in factors if a < b):
        met = {(row[first], row[second]) for row in PAIRS}
        assert len(met) == len(factors[first]) * len(factors[second])


def test_stamps_clean(row: dict[str, Any], stamper: Stamper) -> None:
    project = stamper.stamp(**given(row))
    assert faults_of_text(texts(project)) == []
    assert faults_of_data(texts(project)) == []
    project.check("ruff", "format", "--check", ".")
    project.check("ruff", "check", "--no-cache", ".")
    project.check("mypy")
    project.check("make", "boundaries", "access")


def test_passes_every_gate_that_is_quick(pair: dict[str, Any], stamper: Stamper) -> None:
    """With --exhaustive: otherwise the whole gates of two and of the tutorial's will do."""
    project = stamper.fresh(**given(pair))
    project.check("make", *(set(project.gates) - {"audit", "test"}), CI="true")


@pytest.mark.parametrize("answers", ADOPTED, ids=lambda row: row.get("kind", "supabase"))
def test_adopts_clean(answers: dict[str, Any], stamper: Stamper) -> None:
    project = stamper.stamp(mode="adopt", **answers)
    assert faults_of_text(texts(project)) == []
    assert faults_of_data(texts(project)) == []
    service = project.path / str(project.answers["service_dir"])
    if service.is_dir():
        config = ("--config-file", str(service / "mypy.ini"))
        project.check("ruff", "format", "--check", str(service))
        project.check("ruff", "check", "--no-cache", str(service))
        # Strictly typed in every combination of what decides about the code.
        if answers.get("kind") in {None, "flask", "node"}:
            project.check("sh", "-c", f"cd {service} && mypy {' '.join(config)}")


def faults_of_text(files: dict[str, str]) -> list[str]:
    return [
        f"{name}: {fault}"
        for name, text in files.items()
        for fault, found in {
            "Jinja residue": RESIDUE.search(text),
            "no newline at the end, or too many": text and not re.search(r"[^\n]\n\Z", text),
            "a blank line at the beginning": text.startswith("\n"),
            "a space at the end of a line": re.search(r"[ \t]\n", text),
            "too many blank lines": re.search(
                r"\n{4}" if name.endswith((".py", ".mako")) else r"\n{3}", text
            ),
            "a carriage return": "\r" in text,
            "speaks of the template": "roadworthy" in text.lower()
            and name not in {".copier-answers.yml", "renovate.json"},
        }.items()
        if found
    ]


def faults_of_data(files: dict[str, str]) -> list[str]:
    """Each data file must parse, whatever the answers hold."""
    parsers: dict[str, Callable[[str], object]] = {
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".yml": lambda text: list(yaml.compose_all(text)),
        ".yaml": lambda text: list(yaml.compose_all(text)),
    }
    faults = []
    for name, text in files.items():
        try:
            parsers.get(Path(name).suffix, str)(text)
        except (ValueError, yaml.YAMLError) as error:
            faults.append(f"{name}: {error}")
    return faults


@pytest.mark.parametrize("mode", ["new", "adopt"])
@pytest.mark.parametrize("store", ["directory", "s3"])
def test_what_exports_has_a_way_to_its_collector(mode: str, store: str, stamper: Stamper) -> None:
    project = stamper.stamp(mode=mode, backup_store=store, deploy="compose")
    compose = yaml.safe_load((project.path / "ops/compose/compose.yaml").read_text())
    closed = {name for name, network in compose["networks"].items() if network.get("internal")}
    exporting = {
        name: set(service["networks"])
        for name, service in compose["services"].items()
        if any(variable.startswith("OTEL_") for variable in service.get("environment", {}))
    }
    assert {"app", "worker", "backup", "drill"} <= set(exporting)
    assert [name for name, networks in exporting.items() if networks <= closed] == []


def test_each_conditional_file_is_in_one_and_absent_in_another(stamper: Stamper) -> None:
    """A misspelled condition in a file name drops the file without a word."""
    engine = Environment(undefined=StrictUndefined, autoescape=True)
    adopted = [stamper.stamp(mode="adopt", **row) for row in ADOPTED]
    stamps = [stamper.stamp(**given(PAIRS[0])), *[None] * len(PAIRS[1:]), *adopted]
    answers = [given(row) for row in PAIRS] + [project.answers for project in adopted]
    modes = ["new"] * len(PAIRS) + ["adopt"] * len(ADOPTED)
    contexts = [
        Questionnaire(stamper.template, mode).complete(dict(those))
        for mode, those in zip(modes, answers, strict=True)
    ]
    root = stamper.template / "template"
    sources = [p.relative_to(root) for p in root.rglob("*") if p.is_file()]
    for source in (s for s in sources if "{%" in str(s)):
        present = set()
        for project, context in zip(stamps, contexts, strict=True):
            parts = [
                engine.from_string(part.removesuffix(".jinja")).render(context)
                for part in source.parts
            ]
            there = project is None or project.path.joinpath(*parts).is_file()
            assert there or not all(parts) or context["mode"] == "adopt", source
            present.add(there and all(parts))
        assert present == {True, False}, f"{source} is in all or in none"


@pytest.mark.long
@pytest.mark.parametrize("row_of_gate", WHOLE_GATE, ids=name_of)
def test_passes_its_whole_gate(row_of_gate: dict[str, Any], stamper: Stamper) -> None:
    project = stamper.fresh(**given(row_of_gate))
    said = project.check("make", "check", CI="true")
    assert "every gate passed" in said


@pytest.mark.long
def test_the_slow_tests_of_a_stamp_pass(stamper: Stamper) -> None:
    assert "passed" in stamper.stamp().check("make", "test-slow")


def test_the_platforms_tests_pass_in_an_adopted_service(
    stamper: Stamper, request: pytest.FixtureRequest
) -> None:
    """Those that look at the folders they stand in; with --exhaustive all of them.

    Those of the facade are the facade's own: tests/facade asks them of a started one.
    """
    looking = "migrations or settings or logging or telemetry or jobs"
    chosen = "" if request.config.getoption("exhaustive") else f" -k '{looking}'"
    project = stamper.fresh(mode="adopt", kind="node")
    service = project.path / str(project.answers["service_dir"])
    home = project.path / str(project.answers["home"])
    paths = os.pathsep.join(map(str, (service / "src", service, home, project.path)))
    asked = f"cd {service} && pytest -q -n auto -m 'not slow'{chosen} tests/platform"
    assert "passed" in project.check("sh", "-c", asked, PYTHONPATH=paths)
