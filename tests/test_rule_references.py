"""What the rules say about themselves: references that exist, and texts that a report can show."""

import ast
import re
from pathlib import Path

import pytest
import yaml
from ast_grep_py import SgRoot
from guardrails.engine.rules import FOLDER, Rule, load

from roadworthy.report.examples import parts

REQUIREMENTS = frozenset(
    line
    for line in Path(__file__).with_name("asvs-5.0.0.txt").read_text(encoding="utf-8").split("\n")
    if line.startswith("V")
)
MOST_IN_A_TITLE = 160
COMMAND = re.compile(r"^\s*((uv|npm|npx|alembic|git|pg_dump) |- run:)", re.MULTILINE)

every_rule = pytest.mark.parametrize("rule", [pytest.param(it, id=it.id) for it in load().values()])


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_list_of_requirements_is_whole() -> None:
    assert len(REQUIREMENTS) == 345


@every_rule
def test_its_references_exist(rule: Rule) -> None:
    assert set(rule.asvs) <= REQUIREMENTS
    assert [name for name in rule.cwe if not re.fullmatch(r"CWE-[1-9]\d{0,3}", name)] == []
    assert len(set(rule.cwe)) == len(rule.cwe)


@every_rule
def test_its_first_step_stands_alone(rule: Rule) -> None:
    """It is the title of a next step: more than "Drop it.", less than a paragraph."""
    step = flat(rule.mend).split(". ")[0].removesuffix(".")
    assert len(step.split()) >= 4
    assert len(step) <= MOST_IN_A_TITLE
    assert step[0].isupper()
    assert not re.match(r"\w+ (it|them|both)\b", step)


@every_rule
def test_it_says_what_happens_in_two_sentences_or_more(rule: Rule) -> None:
    assert len(re.findall(r"[.?!](?=\s|$)", flat(rule.why))) >= 2


@every_rule
def test_its_title_can_be_followed_by_a_number_of_places(rule: Rule) -> None:
    assert not rule.title.endswith((".", ":", "?"))
    assert "`" not in rule.title


def in_language(rule: Rule, language: str, guards: set[str]) -> str:
    """The part of an example in a language; commands for a shell are none."""
    cut = parts(rule.example)
    text = cut.get(language) or (cut[""] if set(rule.guards) <= guards else "")
    return "" if COMMAND.search(text) else text


@every_rule
def test_its_example_is_code(rule: Rule) -> None:
    python = in_language(rule, "Python", {"lint", "python"})
    ast.parse(python)
    typescript = in_language(rule, "TypeScript", {"patterns", "routes"})
    if not typescript.startswith(("--", "[")):
        assert not SgRoot(typescript, "tsx").root().find_all(kind="ERROR")


@every_rule
def test_a_finding_in_python_is_not_shown_how_in_typescript(rule: Rule) -> None:
    cut = parts(rule.example)
    if {"lint", "python"} & set(rule.guards):
        assert "Python" in cut or "TypeScript" not in cut
    if {"patterns", "routes"} & set(rule.guards):
        assert "TypeScript" in cut or "Python" not in cut


@pytest.mark.parametrize("file", [pytest.param(it, id=it.stem) for it in FOLDER.glob("*.yaml")])
def test_the_slow_parser_reads_the_same(file: Path) -> None:
    """Where PyYAML came without libyaml, its own parser is used, which is the stricter one."""
    text = file.read_text(encoding="utf-8")
    fast = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    assert yaml.safe_load(text) == fast
