"""Every kind of prototype is adopted, keeps every byte, and its guardrails bite."""

import json
from pathlib import Path

import pytest
import yaml
from adopting import adopt, guardrails
from prototype_trees import lay_out
from stamping import commit_all, git

BRANCH = "roadworthy/adopt"
SHARED = (
    ".gitignore", "AGENTS.md", "CLAUDE.md", ".env.example", ".pre-commit-config.yaml",
    "package.json", "CODEOWNERS",
)  # fmt: skip
USUAL = (("choir", "backend"),)
MORE = (
    ("allotment", None), ("bike-repair", None), ("choir", "frontend"), ("seed-library", None),
    ("tide-table", None),
    ("tutoring", None), ("van-hire", None),
)  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    kinds = USUAL + (MORE if metafunc.config.getoption("--exhaustive") else ())
    metafunc.parametrize(("name", "app"), kinds)


def test_a_kind_is_adopted_and_guarded(
    name: str, app: str | None, template: Path, tmp_path: Path
) -> None:
    tree = lay_out(name, tmp_path / name)
    named = ("--app", app) if app else ()
    ran = adopt(tree, "--yes", *named, "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    assert git(tree, "status", "--porcelain") == ""
    answers = yaml.safe_load((tree / ".copier-answers.yml").read_text())
    _assert_untouched(tree)
    home, ours = answers["home"], _folders(answers)
    assert [place for place in _found(tree, home) if place[1].startswith(ours)] == []
    _assert_held(tree, home)
    _plant(tree)
    checked = guardrails(tree, "guardrails", "check", home=home)
    assert checked.returncode == 1
    assert "planted" in checked.stdout.lower()


def _assert_untouched(tree: Path) -> None:
    changed = git(tree, "diff", "--name-status", "--no-renames", "main", BRANCH).splitlines()
    for line in changed:
        kind, path = line.split("\t")
        if kind != "A":
            assert path.endswith(SHARED) or (kind == "D" and Path(path).name.startswith(".env"))


def _folders(answers: dict[str, str]) -> tuple[str, ...]:
    at = "" if answers["home"] == "." else f"{answers['home']}/"
    return (
        f"{at}guardrails/",
        f"{at}ops/",
        f"{answers['service_dir']}/",
        ".github/workflows/guard",
    )


def _found(tree: Path, home: str) -> list[tuple[str, str]]:
    scanned = json.loads(guardrails(tree, "guardrails", "scan", home=home).stdout)
    return [
        (result["ruleId"], place["physicalLocation"]["artifactLocation"]["uri"])
        for run in scanned["runs"]
        for result in run["results"]
        for place in result.get("locations", ())
    ]


def _assert_held(tree: Path, home: str) -> None:
    """What is new on the day of adoption is only what no baseline takes."""
    said = guardrails(tree, "guardrails", "baseline", home=home).stdout
    assert "0 came, 0 went" in said


def _plant(tree: Path) -> None:
    (tree / "planted.py").write_text(
        "import hashlib\nimport subprocess\n\n\n"
        "def planted(name, password):\n"
        "    subprocess.run(f'grep {name} members.csv', shell=True)\n"
        "    return hashlib.md5(password.encode()).hexdigest()\n"
    )
    (tree / "planted.tsx").write_text(
        "export const Planted = ({ html }: { html: string }) => (\n"
        "  <div dangerouslySetInnerHTML={{ __html: html }} />\n);\n"
    )
    commit_all(tree, "Planted")
