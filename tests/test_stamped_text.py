"""What stamped text says of the project is so: pages, and files that name other files."""

import json
import re

import pytest
from stamping import Project, Stamper, git

MODES = [{}, {"mode": "adopt"}]
_NAMED = re.compile(r"`([a-z_]+)`")


@pytest.mark.parametrize("answers", MODES, ids=["new", "adopt"])
def test_the_readme_tells_of_every_gate(stamper: Stamper, answers: dict[str, str]) -> None:
    project = stamper.stamp(**answers)
    service = Project(project.path / str(project.answers.get("service_dir", ".")))
    page = (service.path / "README.md").read_text("utf-8")
    _, _, table = page.partition("| gate | what stops |")
    rows = [line for line in table.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    told = [gate for row in rows for gate in _NAMED.findall(row.split("|")[1])]
    assert sorted(told) == sorted(service.gates)


@pytest.mark.parametrize("answers", [{}, {"example": "none"}], ids=["example", "none"])
def test_the_threat_model_names_tables_that_there_are(
    stamper: Stamper, answers: dict[str, str]
) -> None:
    project = stamper.stamp(**answers)
    page = (project.path / "docs" / "threat-model.md").read_text("utf-8")
    assets = page.partition("## What is worth attacking")[2].partition("\n## ")[0]
    named = {name for row in assets.splitlines() for name in _NAMED.findall(row)}
    created = set()
    for revision in project.path.glob("migrations/*/*.py"):
        created |= set(re.findall(r'create_table\(\s*"(\w+)"', revision.read_text("utf-8")))
    assert named
    assert named <= created


@pytest.mark.parametrize(
    ("answers", "folder"),
    [({}, ""), ({"mode": "adopt", "kind": "node", "home": "guarded"}, "guarded/")],
    ids=["new", "adopt"],
)
def test_renovate_moves_every_image_of_the_manifests(
    stamper: Stamper, answers: dict[str, str], folder: str
) -> None:
    """The gate `delivery` wants the server and the client programs to move together."""
    project = stamper.stamp(deploy="kubernetes", **answers)
    config = json.loads((project.path / "renovate.json").read_text("utf-8"))
    [pattern] = config["kubernetes"]["managerFilePatterns"]
    assert pattern[0] == pattern[-1] == "/", "else it is a glob"
    manifests = {
        name
        for name in project.files
        if name.endswith((".yaml", ".yml"))
        and re.search(r"^kind: ", text := (project.path / name).read_text("utf-8"), re.MULTILINE)
        and re.search(r"^ +image: ", text, re.MULTILINE)
    }
    assert f"{folder}ops/kubernetes/base/backups.yaml" in manifests
    assert {name for name in manifests if not re.search(pattern[1:-1], name)} == set()
    assert "kubernetes" not in json.loads(
        (stamper.stamp(**answers).path / "renovate.json").read_text("utf-8")
    )


@pytest.mark.parametrize("terms", ["Apache-2.0", "MIT", "proprietary"])
def test_the_image_holds_every_legal_text(stamper: Stamper, terms: str) -> None:
    project = stamper.stamp(license=terms)
    let_in = (project.path / ".dockerignore").read_text("utf-8").splitlines()
    legal = set(git(project.path, "ls-files", "LICENSE", "NOTICE").split())
    assert {name for name in ("LICENSE", "NOTICE") if f"!{name}" in let_in} == legal
