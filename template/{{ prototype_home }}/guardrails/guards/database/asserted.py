"""What users say of themselves in a row that they make: tried against the row as it should be."""

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from . import once
from .attempts import Outcome
from .gains import Gain, asking, bought, is_person, tempting
from .relations import Column, Table
from .scene import Scene
from .seeding import STRANGER, VICTIM, Draft, Seeder, insertion
from .stranger import USER, Stage
from .worth import is_value, wanted

_TRIES = 6


def insertions(scene: Scene, stage: Stage, seeder: Seeder, table: Table) -> list[Gain]:
    """What a row of one's own says from the start, and would not if the database were asked."""
    columns = [
        (column, kind)
        for column, kind in tempting(scene, table, "INSERT")
        if not _is_counted_up(scene, table, column)
        and (kind != "tenant" or is_person(scene, table))
    ]
    sold = bought(scene, table)
    if not (columns or sold) or _may_not_insert(scene, table):
        return []
    draft = _draft(scene, seeder, table)
    honest = _honest(stage, draft)
    found: list[Gain] = []
    for column, kind in columns if honest is not None else ():
        for value in wanted(scene, table, column, kind, honest or {}):
            row = _made(stage, draft, {**draft.values, column.name: value})
            if row is not None and is_value(column, row.get(column.name), value):
                found.append(Gain(column, kind, value, "INSERT"))
                break
    if sold and honest is not None and not found:
        found.append(Gain(sold, "access", str(honest.get(sold.name)), "INSERT"))
    return found


def _may_not_insert(scene: Scene, table: Table) -> bool:
    return scene.matrix.attempt(table, USER, "INSERT").outcome is Outcome.NO_GRANT


def own_draft(scene: Scene, seeder: Seeder, table: Table) -> Draft:
    """A row of the stranger's who asks; who sells or approves is somebody else."""
    draft = Draft(seeder, table, STRANGER)
    mine = asking(scene, table)
    for name in scene.ownership.owners.get(table.relation, frozenset()) - mine:
        column = table.column(name)
        if column is not None and column.not_null:
            draft.values[name] = VICTIM.uid
        else:
            draft.values.pop(name, None)
    return draft


def _draft(scene: Scene, seeder: Seeder, table: Table) -> Draft:
    draft = own_draft(scene, seeder, table)
    others = {name: draft.values.get(name) for name in scene.ownership.owners[table.relation]}
    seeded = scene.seeded.row(table.relation, VICTIM)
    if seeded is not None:
        draft.take_form(seeded)
    draft.values |= {name: value for name, value in others.items() if value is not None}
    return draft


def _honest(stage: Stage, draft: Draft) -> Mapping[str, Any] | None:
    """The row without a word about what others decide, as the database keeps it."""
    for _ in range(_TRIES):
        try:
            return _stored(stage, draft, draft.values)
        except psycopg.Error as error:
            if error.sqlstate not in {"23505", "23514", "23502"} or not draft.mend(error):
                return None
    return None


def _made(stage: Stage, draft: Draft, values: Mapping[str, str | None]) -> Mapping[str, Any] | None:
    try:
        return _stored(stage, draft, values)
    except psycopg.Error:
        return None


def _stored(
    stage: Stage, draft: Draft, values: Mapping[str, str | None]
) -> Mapping[str, Any] | None:
    """The row that was not there before."""
    owner = next((name for name, value in values.items() if value == STRANGER.uid), None)
    if owner is None:
        return None
    rows = SQL("select ctid::text, to_jsonb(t.*) from {} t where {}::text = %(uid)s").format(
        draft.table.sql, Identifier(owner)
    )
    whose = {"uid": STRANGER.uid}
    given = {f"value_{n}": value for n, value in enumerate(values.values())}
    with stage.undone():
        known = {at for at, _ in stage.connection.execute(once.beside_values(rows), whose)}
        with stage.staying(USER):
            stage.connection.execute(once.beside_values(insertion(draft.table, values)), given)
        made = stage.connection.execute(once.beside_values(rows), whose).fetchall()
        return next((row for at, row in made if at not in known), None)


def _is_counted_up(scene: Scene, table: Table, column: Column) -> bool:
    """Whether a trigger works the sum out again when what it is the sum of comes in."""
    if column.category != "N":
        return False
    sets = re.compile(
        rf"\bupdate\s+(?:\"?public\"?\.)?\"?{re.escape(table.name)}\"?\b[^;]*?\bset\b[^;]*?"
        rf"\b{re.escape(column.name)}\"?\s*=",
        re.IGNORECASE,
    )
    return any(
        function.returns == "trigger" and sets.search(function.body)
        for function in scene.relations.functions
    )
