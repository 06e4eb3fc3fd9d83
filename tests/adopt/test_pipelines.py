"""CI of an adopted project: valid, pinned, and about what the prototype has; nothing else."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from stamping import ROOT, Project, Stamper

TEMPLATE = ROOT / "template"

CHECKS: list[dict[str, str]] = [
    {
        "folder": "backend",
        "language": "python",
        "manager": "uv",
        "version": "",
        "install": "uv sync --frozen",
        "build": 'uv run --no-sync python -c "from main import app"',
        "tests": "uv run --no-sync python -m pytest",
    },
    {
        "folder": "packages/web",
        "language": "node",
        "manager": "pnpm",
        "version": "22",
        "install": "pnpm install --frozen-lockfile --ignore-scripts",
        "install_in": ".",
        "generate": "pnpm exec prisma generate",
        "build": "pnpm run build",
        "types": "pnpm exec tsc -b",
    },
    {
        "folder": "kiosk",
        "language": "node",
        "manager": "bun",
        "version": "24",
        "build": "bun run b",
    },
    {"folder": "old", "language": "python", "manager": "none", "version": ""},
]


def adopted(stamper: Stamper, **answers: Any) -> Path:
    return stamper.stamp(mode="adopt", database="supabase", **answers).path


@pytest.fixture(scope="session")
def on_github(stamper: Stamper) -> Path:
    return adopted(stamper, own_checks=CHECKS, home="roadworthy")


@pytest.fixture(scope="session")
def on_gitlab(stamper: Stamper) -> Path:
    kept = ["ci", "migrations"]
    return adopted(stamper, own_checks=CHECKS, home="roadworthy", ci="gitlab", guardrails=kept)


def jobs(path: Path) -> dict[str, Any]:
    workflow = yaml.safe_load((path / ".github/workflows/guardrails.yml").read_text())
    found: dict[str, Any] = workflow["jobs"]
    return found


def runs(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_nothing_of_it_is_unsafe_or_unknown(on_github: Path, on_gitlab: Path) -> None:
    for path in (on_github, on_gitlab):
        # By zizmor, and by the schemas of GitHub, GitLab and Renovate.
        Project(path).check(
            sys.executable, "-m", "guardrails.workflows", PYTHONPATH=str(path / "roadworthy")
        )


def test_what_an_app_has_is_asked_and_what_it_has_not_is_not(on_github: Path) -> None:
    found = jobs(on_github)
    assert list(found) == [
        *("prototype-1", "prototype-2", "prototype-3"),
        *("guardrails", "service", "passed"),
    ]
    backend, web, kiosk = (found[f"prototype-{number}"] for number in (1, 2, 3))
    assert backend["defaults"]["run"]["working-directory"] == "backend"
    assert runs(backend)[1:] == [
        "uv sync --frozen",
        'uv run --no-sync python -c "from main import app"',
        "uv run --no-sync python -m pytest",
    ]
    named = {step.get("name"): step for step in web["steps"]}
    assert named["Install what it needs"]["working-directory"] == "."
    assert runs(web)[1:] == [
        "pnpm install --frozen-lockfile --ignore-scripts",
        "pnpm exec prisma generate",
        "pnpm run build",
        "pnpm exec tsc -b",
    ]
    assert runs(kiosk) == ["bun run b"]
    assert sorted(found["passed"]["needs"]) == sorted(set(found) - {"passed"})
    (verdict,) = runs(found["passed"])
    assert verdict.count("success") == len(found["passed"]["needs"])


def test_the_ratchet_sees_where_the_branch_began(on_github: Path) -> None:
    job = jobs(on_github)["guardrails"]
    assert job["steps"][0]["with"]["fetch-depth"] == 0
    assert job["env"]["PYTHONPATH"] == "roadworthy/guardrails/engine/behind"
    asked = [line for line in runs(job) if "guardrails" in line]
    assert asked == [
        "uv sync --project roadworthy/guardrails",
        "uv run --project roadworthy/guardrails python -P -m guardrails check --format github",
        "make -C roadworthy/guardrails shared",
        "uv run --project roadworthy/guardrails python -P -m guardrails.matrix --check",
    ]


def test_gitlab_asks_the_same(on_gitlab: Path) -> None:
    found = yaml.safe_load((on_gitlab / ".gitlab/guardrails.yml").read_text())
    assert found["guardrails:prototype-2"]["script"][1:] == [
        'cd "$CI_PROJECT_DIR/."',
        "pnpm install --frozen-lockfile --ignore-scripts",
        'cd "$CI_PROJECT_DIR/packages/web"',
        "pnpm exec prisma generate",
        "pnpm run build",
        "pnpm exec tsc -b",
    ]
    assert found["guardrails"]["variables"]["GIT_DEPTH"] == "0"
    assert found["guardrails:shared"]["script"] == ["make -C roadworthy/guardrails shared"]
    assert "guardrails:access-matrix" in found
    assert "guardrails:service" not in found
    assert not (on_gitlab / ".github").exists()


def test_renovate_is_the_owners_once_it_is_there(on_github: Path) -> None:
    assert (on_github / "renovate.json").is_file()


def test_without_a_service_or_a_database_there_is_no_job_for_them(stamper: Stamper) -> None:
    path = stamper.stamp(mode="adopt", guardrails=["ci"]).path
    assert list(jobs(path)) == ["guardrails", "passed"]
    assert "guardrails.matrix" not in (path / ".github/workflows/guardrails.yml").read_text()


def test_one_version_of_a_thing_is_pinned_everywhere() -> None:
    """In the pipelines of a new service and of an adopted project."""
    pinned: dict[str, set[str]] = {}
    for file in [*TEMPLATE.glob(".*/**/*.yml*.jinja"), *TEMPLATE.glob("*.gitlab-ci.yml*.jinja")]:
        text = file.read_text()
        for name, version in re.findall(r"uses: (\S+)@(\S+ # \S+)", text):
            pinned.setdefault(name, set()).add(version)
        for name, version in re.findall(r"(\w+_VERSION): (\S+)", text):
            pinned.setdefault(name.removeprefix("GUARDRAILS_"), set()).add(version)
    assert {"actions/checkout", "actions/setup-node", "UV_VERSION"} <= pinned.keys()
    assert {name for name, versions in pinned.items() if len(versions) > 1} == set()
