"""How ready each area is: levels with gates. What was not checked is never a pass."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml

from roadworthy.stack import Stack

from .model import AreaLevel, Gap, Gate, Issue, Rule, Severity, State

LEVELS = ("blocked", "safe to show", "safe for users", "operable")

_HELD_BY = {Severity.CRITICAL: 0, Severity.HIGH: 1, Severity.MEDIUM: 2}
"""The level that an open fault of this severity holds its area at."""
_TOP = len(LEVELS) - 1


@dataclass(frozen=True)
class Question:
    """A gate as gates.yaml has it; `needs` are facts of the stack without which it is moot."""

    id: str
    area: str
    level: int
    question: str
    rules: tuple[str, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What the answers are read from."""

    rules: Mapping[str, Rule]
    issues: tuple[Issue, ...]
    gaps: tuple[Gap, ...]
    wanted: frozenset[str]
    stack: Stack
    files: int


@cache
def questions() -> tuple[Question, ...]:
    text = Path(__file__).with_name("gates.yaml").read_text(encoding="utf-8")
    return tuple(
        Question(
            id=f"{area}: {gate['question']}",
            area=area,
            level=gate["level"],
            question=gate["question"],
            rules=tuple(gate["rules"]),
            needs=tuple(gate.get("needs", ())),
        )
        for area, gates in yaml.safe_load(text).items()
        for gate in gates
    )


def areas_of(seen: Seen) -> tuple[AreaLevel, ...]:
    """Each area with its gates, in the order of gates.yaml."""
    asked = questions()
    by_question: dict[str, list[Rule]] = {question.id: [] for question in asked}
    for rule in seen.rules.values():
        if question := _question_for(rule, asked):
            by_question[question.id].append(rule)
    gates = [_gate(question, by_question[question.id], seen) for question in asked]
    areas = dict.fromkeys(question.area for question in asked)
    return tuple(_area(area, [gate for gate in gates if gate.area == area]) for area in areas)


def overall(areas: Iterable[AreaLevel]) -> int:
    return min(
        (area.level for area in areas if area.state is not State.NOT_APPLICABLE), default=_TOP
    )


def _question_for(rule: Rule, asked: Iterable[Question]) -> Question | None:
    """The first of its area whose patterns fit: each rule counts in one gate."""
    for question in asked:
        if question.area == rule.area and any(
            fnmatchcase(rule.id, pattern) for pattern in question.rules
        ):
            return question
    return None


def _gate(question: Question, rules: list[Rule], seen: Seen) -> Gate:
    ids = {rule.id for rule in rules}
    failing = [issue for issue in seen.issues if issue.rule in ids and issue.severity in _HELD_BY]
    state, evidence, holds_at = _answer(question, ids, failing, seen)
    return Gate(
        id=question.id,
        area=question.area,
        level=question.level,
        question=question.question,
        state=state,
        evidence=evidence,
        issues=tuple(issue.key for issue in failing),
        holds_at=holds_at,
    )


def _answer(
    question: Question, ids: set[str], failing: list[Issue], seen: Seen
) -> tuple[State, str, int]:
    if failing:
        worst = failing[0]
        more = f", and {len(failing) - 1} more" if len(failing) > 1 else ""
        said = f"{worst.message} ({worst.places[0]}){more}"
        return State.FAIL, said, min(_HELD_BY[issue.severity] for issue in failing)
    if not _applies(question, seen.stack):
        return State.NOT_APPLICABLE, f"There is no {' or '.join(question.needs)} here", _TOP
    if reason := _unknown(ids, seen):
        return State.NOT_CHECKED, reason, question.level - 1
    number = f"{len(ids)} rule{'s' * (len(ids) > 1)}"
    return State.PASS, f"{number} looked at {seen.files:,} files and found nothing", _TOP


def _applies(question: Question, stack: Stack) -> bool:
    return not question.needs or any(stack.topics.get(topic) for topic in question.needs)


def _unknown(ids: set[str], seen: Seen) -> str:
    """Why the gate's rules gave no full answer; empty if they did."""
    if not ids:
        return "No rule looks at this yet"
    if not seen.files:
        return "There is no file here"
    if left_out := sorted(ids - seen.wanted):
        return f"Left out as asked: {_listed(left_out)}"
    for gap in seen.gaps:
        if not ids.isdisjoint(gap.rules):
            return f"{gap.what}: {gap.why}"
    return ""


def _area(area: str, gates: list[Gate]) -> AreaLevel:
    level = min((gate.holds_at for gate in gates), default=_TOP)
    holding = {gate.state for gate in gates if gate.holds_at == level}
    if level < _TOP:
        state = State.FAIL if State.FAIL in holding else State.NOT_CHECKED
    elif {gate.state for gate in gates} == {State.NOT_APPLICABLE}:
        state = State.NOT_APPLICABLE
    else:
        state = State.PASS
    return AreaLevel(area, level, state, tuple(gates))


def _listed(names: list[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown}, …" if len(names) > most else shown
