"""Whether users can give themselves a role, a plan, credit or another organisation: tried."""

import re
from collections.abc import Iterator, Sequence

import psycopg
from psycopg.sql import SQL, Identifier

from ...engine.finding import Finding, Severity
from . import once
from .asserted import insertions, own_draft
from .contents import purpose_of
from .gains import GAIN, SEVERITY, Gain, is_person, tempting, worst
from .ownership import compared
from .relations import Column, Policy, Table
from .requests import is_worth
from .scene import Scene
from .seeding import STRANGER, Row, Seeder
from .sensitivity import Purpose
from .stranger import USER, Stage
from .worth import wanted


def find(scene: Scene, stage: Stage, seeder: Seeder) -> Iterator[Finding]:
    for table in scene.relations.tables.values():
        if table.partition or not table.row_security or not scene.ownership.owned(table):
            continue
        gains = gains_in(scene, stage, seeder, table)
        if gains:
            yield _finding(scene, table, gains)


def gains_in(scene: Scene, stage: Stage, seeder: Seeder, table: Table) -> list[Gain]:
    """What users can give themselves in rows of their own; nothing where all rows are open."""
    if scene.matrix.attempt(table, USER, "UPDATE").allowed:
        return []  # others' rows can be written, which is said already
    updated = _updates(scene, stage, seeder, table)
    if worst(updated) >= Severity.HIGH or scene.matrix.attempt(table, USER, "INSERT").allowed:
        return updated
    inserted = insertions(scene, stage, seeder, table)
    return inserted if worst(inserted) > worst(updated) else updated


def _updates(scene: Scene, stage: Stage, seeder: Seeder, table: Table) -> list[Gain]:
    columns = tempting(scene, table, "UPDATE")
    found: list[Gain] = []
    if _made_at_sign_up(seeder, table) is None and _is_for_the_appointed(scene, table):
        columns = [(column, kind) for column, kind in columns if kind != "control"]
    if not columns:
        return found
    with stage.undone():
        row = own_row(scene, seeder, table)
        if row is None:
            return found
        for column, kind in columns:
            for value in wanted(scene, table, column, kind, row.values):
                if _updated(stage, row, column, value):
                    found.append(Gain(column, kind, value, "UPDATE"))
                    break
    return found


def own_row(scene: Scene, seeder: Seeder, table: Table) -> Row | None:
    """The stranger's row: made when they signed up, or put there in its most modest form."""
    made = _made_at_sign_up(seeder, table)
    if made is not None:
        return made
    owners = sorted(seeder.ownership.owners.get(table.relation, ()))
    values, _ = seeder.put(own_draft(scene, seeder, table))
    return None if not values else Row(table, STRANGER, values, table.key or tuple(owners[:1]))


def _made_at_sign_up(seeder: Seeder, table: Table) -> Row | None:
    for owner in sorted(seeder.ownership.owners.get(table.relation, ())):
        query = SQL("select to_jsonb(t.*) from {} t where {}::text = %s limit 1").format(
            table.sql, Identifier(owner)
        )
        found = seeder.connection.execute(once.beside_values(query), [STRANGER.uid]).fetchone()
        if found:
            return Row(table, STRANGER, found[0], tuple(table.key or (owner,)))
    return None


def _is_for_the_appointed(scene: Scene, table: Table) -> bool:
    """Whether no policy by which rows are changed says whose row it is: it asks for a role, and
    a row that was put there to try it may be what gives that role."""
    owners = scene.ownership.owners.get(table.relation, frozenset())
    own = re.compile(
        rf"(?<![\w.])(?:{re.escape(table.name)}\.)?(?:{'|'.join(map(re.escape, owners))})\b"
    )
    able = (p for p in table.policies if p.permissive and p.applies("UPDATE", USER.role))
    return not any(own.search(f"{policy.using} {policy.check}") for policy in able)


def _updated(stage: Stage, row: Row, column: Column, value: str) -> bool:
    """Whether the value was stored: a trigger may put the old one back without a word."""
    name = Identifier(column.name)
    statement = SQL("update {} set {} = %(value)s where {}").format(
        row.table.sql, name, row.condition
    )
    stored = SQL("select {} = %(value)s from {} where {}").format(
        name, row.table.sql, row.condition
    )
    values = {**row.parameters, "value": value}
    try:
        with stage.undone():
            with stage.staying(USER):
                stage.connection.execute(once.beside_values(statement), values)
            found = stage.connection.execute(once.beside_values(stored), values).fetchone()
            return bool(found and found[0])
    except psycopg.Error:
        return False


def _finding(scene: Scene, table: Table, gains: Sequence[Gain]) -> Finding:
    gains = sorted(gains, key=lambda gain: -SEVERITY[gain.kind])
    most = gains[0]
    policies = _admitting(table, most.how)
    places = scene.policy_places(table, policies)
    named = ", ".join(f"“{policy.name}”" for policy in policies)
    names = ", ".join(f"`{table.name}.{gain.column.name}`" for gain in gains[:4])
    verb = "set" if most.how == "UPDATE" else "insert a row of their own with"
    return Finding(
        "rls.self-escalation",
        places[0],
        f"A signed-in user can {verb} {names} and so choose their own {GAIN[most.kind]}"
        f"{f' ({named})' if named else ''}.",
        _severity(scene, table, most),
        scene.evidence(table),
        also=places[1:],
        detail={"columns": [gain.column.name for gain in gains], "value": most.value},
    )


def _severity(scene: Scene, table: Table, gain: Gain) -> Severity:
    """A word that no rule in the database asks for decides only what pages show."""
    severity = SEVERITY[gain.kind]
    if gain.kind in {"answer", "approval"} and is_worth(table) and not is_person(scene, table):
        return Severity.HIGH
    if "earnings" in gain.column.name and not _asked(scene, table, gain.column):
        return min(severity, Severity.HIGH)  # a sum that is shown, and from which nothing is taken
    if gain.kind == "control" and not _asked(scene, table, gain.column):
        severity = Severity.MEDIUM if _elsewhere(scene, table) else Severity.HIGH
    return severity


def _asked(scene: Scene, table: Table, column: Column) -> bool:
    """Whether a policy of the table, or a policy or function that names it, mentions the column."""
    name = re.compile(rf"(?<!\w)(?<!auth\.){re.escape(column.name)}(?!\w|\()")
    named = re.compile(rf"(?<!\w){re.escape(table.name)}(?!\w)")
    texts = [
        (policy.using + policy.check, other is table)
        for other in scene.relations.tables.values()
        for policy in other.policies
    ]
    namesakes = [
        other.name
        for other in scene.relations.tables.values()
        if other.name != table.name and any(one.name == column.name for one in other.columns)
    ]
    texts += [
        (function.body, False)
        for function in scene.relations.functions
        if not any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", function.body) for one in namesakes)
    ]
    return any(name.search(text) and (own or named.search(text)) for text, own in texts)


def _elsewhere(scene: Scene, table: Table) -> bool:
    """Whether roles are kept in a table of their own, which policies or functions ask."""
    return any(
        other is not table
        and purpose_of(other) is Purpose.PRIVILEGE
        and any(other.name in function.body for function in scene.relations.functions)
        for other in scene.relations.tables.values()
    )


def _admitting(table: Table, how: str) -> list[Policy]:
    """The policies that let users at their own rows."""
    able = [p for p in table.policies if p.permissive and p.applies(how, USER.role)]
    own = [p for p in able if compared(p, table)]
    return [p for p in own if p.command == how] or own or able[:1]
