"""The guards of routes in two layers: what the code says, and what is wrong with it."""

import ast
from pathlib import Path

import pytest
from stamping import ROOT

GUARDS = sorted(ROOT.glob("template/*/guardrails/guards/*/facts"))


def faults_of(facts: Path) -> list[str]:
    """What of the facts imports a fault: the first would know what is made of it."""
    return [
        f"{module.name} imports {node.module}"
        for module in sorted(facts.glob("*.py"))
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ImportFrom)
        if (node.module or "").split(".")[0] == "faults"
        or any(name.name == "faults" for name in node.names)
    ]


@pytest.mark.parametrize("facts", GUARDS, ids=[facts.parent.name for facts in GUARDS])
def test_facts_know_no_fault(facts: Path) -> None:
    assert len(list(facts.glob("*.py"))) > 20
    assert faults_of(facts) == []


def test_both_guards_have_facts() -> None:
    assert [facts.parent.name for facts in GUARDS] == ["python", "routes"]


@pytest.mark.parametrize(
    "line",
    ["from ..faults.identity import identity", "from ..faults import say", "from .. import faults"],
)
def test_a_fact_that_knows_one_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "access.py").write_text(f"{line}\n")
    assert len(faults_of(tmp_path)) == 1
