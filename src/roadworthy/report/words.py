"""The words and numbers that every renderer shows alike."""

from collections.abc import Iterable, Mapping
from typing import Any

from roadworthy.inspection import (
    LEVELS,
    Action,
    AreaLevel,
    Fault,
    Inspection,
    Place,
    Severity,
    State,
    beside,
    listed,
)
from roadworthy.stack import Language, Stack

EVIDENCE = {
    "executed": "tried, and it happened",
    "exact": "it stands in the files, or in their history",
    "rebuilt": "tried on a schema completed from the generated types",
    "read": "read from the code",
}
OPERATIONS = ("select", "insert", "update", "delete")
VERBS = {"select": "read", "insert": "add", "update": "change", "delete": "delete"}
_OF_OTHERS = {"auth and access", "secrets", "input handling", "data and migrations"}
"""The areas whose faults are about other people's data and money."""
CALLERS = (
    ("anon", "A stranger"),
    ("user", "Anybody who signs up"),
    ("member", "Another customer's member"),
)


def level_words(level: int, state: State | None = None) -> str:
    if state is State.NOT_APPLICABLE:
        return "not applicable"
    if state is State.NOT_CHECKED:
        return f"{level} · not checked"
    return f"{level} · {LEVELS[level]}"


def overall_words(inspection: Inspection) -> str:
    """The level of the whole; held by a fault, or only by what is not known."""
    held = [area.state for area in inspection.areas if area.level == inspection.level]
    unknown = State.FAIL not in held and State.NOT_CHECKED in held
    return level_words(inspection.level, State.NOT_CHECKED if unknown else None)


def verdict(inspection: Inspection) -> str:
    """The level in a sentence, with what holds it there."""
    areas = [area for area in inspection.areas if area.level == inspection.level]
    failing = [area.area for area in areas if area.state is State.FAIL]
    unknown = [area.area for area in areas if area.state is State.NOT_CHECKED]
    if inspection.level == len(LEVELS) - 1:
        return "Every gate that applies here holds."
    what = {0: "show it to anybody", 1: "let users in", 2: "rely on it"}[inspection.level]
    reasons = []
    if failing:
        reasons.append(f"open faults in {_and(failing)}")
    if unknown:
        reasons.append(f"what could not be checked in {_and(unknown)}")
    return f"Don't {what} yet: {' and '.join(reasons)} hold it at level {inspection.level}."


def no_matrix(inspection: Inspection) -> str:
    if not inspection.stack.topics.get("migrations"):
        return "No SQL migrations were found, so there was no database to rebuild and to try."
    return "The database was not tried; what was not checked, and why, is listed below."


def _and(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def counts(inspection: Inspection, area: str | None = None) -> list[tuple[str, int]]:
    """Faults of each severity, the worst first; only those that there are."""
    chosen = [it for it in inspection.faults if area is None or it.rule.area == area]
    found = [(it.label, sum(fault.severity is it for fault in chosen)) for it in reversed(Severity)]
    return [(label, count) for label, count in found if count]


def counted(found: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} {label}" for label, count in found)


def evidence(fault: Fault) -> str:
    """How it is known. What is true of a whole schema was not tried, but seen in the replay."""
    if fault.first.evidence == "executed" and fault.rule.grouping == "tree":
        return "seen in the replayed database"
    return EVIDENCE.get(fault.first.evidence, fault.first.evidence)


def effort(of: Action | Fault) -> str:
    """How long it takes to mend; of several places, each."""
    time = of.effort if isinstance(of, Action) else of.rule.effort
    return f"{time} each" if of.each else time


def where(of: Action | Fault, most: int = 3) -> str:
    """On what to lay hands: names that the owner knows, else places."""
    if isinstance(of, Action):
        names, places, count = of.about, of.places, of.count
    else:
        places = tuple(place for issue in of.issues for place in issue.places[: issue.count])
        names, count = of.names, of.count
    if names:
        return listed(names, most)
    shown = [str(place) for place in dict.fromkeys(places)]
    if len(shown) == 1 or count == 1:
        return shown[0]
    return f"{shown[0]} and {count - 1:,} more"


def area_note(area: AreaLevel, inspection: Inspection) -> str:
    """Why an area stands where it does: the gate that holds it lowest."""
    held = [gate for gate in area.gates if gate.state in {State.FAIL, State.NOT_CHECKED}]
    if not held:
        return "nothing here to check" if area.state is State.NOT_APPLICABLE else "every gate holds"
    first = min(held, key=lambda gate: (gate.holds_at, gate.state is State.NOT_CHECKED))
    worst_fault = next((it for it in inspection.faults if it.first.key in first.issues), None)
    return worst_fault.message if worst_fault else first.evidence


def printable(text: str) -> str:
    """Text of the prototype on one line: no control characters, no bytes that are no text."""
    flat = " ".join(text.split())
    kept = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in flat)
    return kept.encode("utf-8", "replace").decode()


def stack_lines(inspection: Inspection) -> list[tuple[str, str]]:
    """What it is made of, a line a topic."""
    stack = inspection.stack
    rows = [
        ("made with", stack.names("builder")),
        ("of", stack.names("frameworks")),
        ("in", [it.name for it in _main_languages(stack)]),
        ("reached as", [_with_detail(fact) for fact in stack.topics.get("exposed", ())]),
        ("data in", stack.names("database")),
        ("log-in by", stack.names("auth")),
        ("hosted on", stack.names("hosting")),
    ]
    return [(title, ", ".join(dict.fromkeys(names))) for title, names in rows if names]


def _with_detail(fact: Any) -> str:
    name = str(fact.name)
    if not fact.detail.isdigit():
        return name
    return f"{fact.detail} {name.removesuffix('s') if fact.detail == '1' else name}"


def _main_languages(stack: Stack) -> list[Language]:
    """A thirtieth of the lines is the least that anybody would call "written in"."""
    return [it for it in stack.languages[:4] if it.lines * 30 >= stack.lines]


def worst(inspection: Inspection, most: int = 5) -> tuple[Fault, ...]:
    """The worst faults; among those as bad, first what befalls others and what other rules say."""
    bad = [it for it in inspection.faults if it.severity >= Severity.MEDIUM]
    worst_of = {fault.rule.id: fault.key for fault in reversed(bad)}
    ranked = sorted(
        bad,
        key=lambda it: (
            -it.severity,
            worst_of[it.rule.id] != it.key,
            it.rule.area not in _OF_OTHERS,
        ),
    )
    seen: list[Place] = []
    repeated = []
    for fault in ranked:
        first = fault.first.places[0]
        if first.line and beside([first], seen):
            repeated.append(fault)
        seen.append(first)
    return tuple([*(it for it in ranked if it not in repeated), *repeated][:most])


def reach_words(inspection: Inspection) -> list[tuple[str, bool]]:
    """Who gets at what: tables, functions, routes; and whether that is something to look at."""
    rows = matrix(inspection)
    said = []
    for caller, name in callers(rows):
        reach = reached(rows, caller)
        parts = [f"{VERBS[it]} {reach[it]}" for it in OPERATIONS if reach[it]]
        can = f"can {', '.join(parts)}" if parts else "gets at nobody's rows in any"
        who = {"anon": "A stranger with no account", "user": "Anybody who signs up"}.get(
            caller, name
        )
        said.append((f"{who} {can} of {len(rows)} tables", bool(parts)))
    if past := _functions_past_the_tables(inspection):
        does = "function does" if past == 1 else "functions do"
        said.append((f"{past} {does} for callers what the tables refuse them", True))
    open_ones, every = _routes(inspection)
    if open_ones:
        of = f"{open_ones} of {every} routes answer" if every > 1 else "The only route answers"
        said.append((f"{of} whoever calls", True))
    return said


def _routes(inspection: Inspection) -> tuple[int, int]:
    """How many routes ask nobody who is calling, and how many there are."""
    found = [
        route
        for name in ("routes", "python_routes")
        for route in inspection.facts.get(name) or ()
        if isinstance(route, Mapping)
    ]
    return sum(route.get("access") == "public" for route in found), len(found)


def _functions_past_the_tables(inspection: Inspection) -> int:
    """Without them "a stranger gets at nothing" would be untrue."""
    return len(
        {
            issue.about
            for issue in inspection.issues
            if issue.rule == "db.definer-no-authz" and issue.severity >= Severity.HIGH
        }
    )


def matrix(inspection: Inspection) -> list[Mapping[str, Any]]:
    """The access matrix, the most exposed and most sensitive tables first."""
    rows = [row for row in inspection.facts.get("matrix") or () if isinstance(row, Mapping)]
    return sorted(rows, key=lambda row: (-_openness(row), str(row.get("table"))))


def allowed(cell: Any) -> str:
    """A cell of the matrix as one of: yes, own, no, unknown."""
    outcome = str(cell.get("outcome") if isinstance(cell, Mapping) else cell or "").lower()
    if outcome in {"allowed", "true"}:
        return "yes"
    if outcome.startswith("own"):
        return "own"
    return "no" if outcome.startswith(("denied", "false")) else "unknown"


def holds(row: Mapping[str, Any]) -> list[str]:
    """What kinds of data a table of the matrix holds: contact, money, health, …"""
    kinds = row.get("sensitivity")
    if isinstance(kinds, Mapping):
        return sorted({str(kind) for kind in kinds.values()})
    return [str(kinds)] if kinds else []


def reached(rows: Iterable[Mapping[str, Any]], caller: str) -> dict[str, int]:
    """On how many tables a caller can do each thing to rows that are not theirs."""
    listed_rows = list(rows)
    return {
        operation: sum(_cell(row, caller, operation) == "yes" for row in listed_rows)
        for operation in OPERATIONS
    }


def _cell(row: Mapping[str, Any], caller: str, operation: str) -> str:
    cells = row.get(caller)
    return allowed(cells.get(operation)) if isinstance(cells, Mapping) else "unknown"


def callers(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Who was tried: without tenants, for one, there is no other tenant's member."""
    listed = list(rows)
    return [caller for caller in CALLERS if any(caller[0] in row for row in listed)]


def cells(row: Mapping[str, Any], caller: str) -> list[str]:
    """What a caller may do to a table, by operation."""
    return [_cell(row, caller, operation) for operation in OPERATIONS]


def _openness(row: Mapping[str, Any]) -> int:
    """A stranger's reach weighs most, then a write, and all of it by what the table holds."""
    total = 0
    for (caller, _), weight in zip(CALLERS, (9, 3, 2), strict=True):
        read, *writes = cells(row, caller)
        total += weight * ((read == "yes") + 2 * writes.count("yes"))
    return total * (1 + len(holds(row)))
