"""Functions that write in a row of the caller's own what others have to decide: called, and read.

They ask who is calling, and so they pass for safe: whoever calls is who gains by it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg.sql import SQL

from ...engine.finding import Evidence, Finding
from . import once
from .arguments import NUMBERS, argument, invocation
from .escalation import gains_in, own_row
from .functions import WRITES, place
from .gains import GAIN, SEVERITY, Gain, tempting
from .relations import Column, Function, Table
from .scene import Scene
from .seeding import STRANGER, VICTIM, Row, Seeder, text
from .sensitivity import words
from .stranger import USER, Stage
from .worth import is_value, wanted

_JSON = {"json", "jsonb"}
_PREFIX = re.compile(r"^(p|in|arg|v|_|target|the|new|input)_+")


def self_served(scene: Scene, stage: Stage, seeder: Seeder, function: Function) -> Finding | None:
    """What a user gets for themselves by calling it."""
    if "authenticated" not in function.callers or not function.arguments:
        return None
    for table in _written(scene, function):
        gains = list(_gains(scene, stage, seeder, function, table))
        if gains and not _set_anyway(scene, stage, seeder, table, gains):
            return _finding(scene, function, table, gains)
    return None


def _written(scene: Scene, function: Function) -> Iterator[Table]:
    names = {name.lower() for name in WRITES.findall(function.body)}
    for table in scene.relations.tables.values():
        if table.name.lower() in names and scene.ownership.owned(table) and not table.partition:
            yield table


def _gains(
    scene: Scene, stage: Stage, seeder: Seeder, function: Function, table: Table
) -> Iterator[Gain]:
    columns = [
        (column, kind)
        for column, kind in tempting(scene, table, "UPDATE")
        if kind != "tenant" and column.name in function.body
    ]
    if not columns:
        return
    with stage.undone():
        row = own_row(scene, seeder, table)
        for column, kind in columns if row else ():
            for value in wanted(scene, table, column, kind, row.values if row else {}):
                if row and _given(scene, stage, function, row, column, kind, value):
                    yield Gain(column, kind, value, "UPDATE")
                    break


def _given(
    scene: Scene,
    stage: Stage,
    function: Function,
    row: Row,
    column: Column,
    kind: str,
    value: str,
) -> bool:
    """Whether the call put the value there that it was called with."""
    values = [_argument(scene, row, column, kind, value, *one) for one in function.arguments]
    if not any(used for _, used in values):
        return False
    kept = SQL("select to_jsonb(t.*) from {} t where {}").format(row.table.sql, row.condition)
    given = {f"a{n}": said for n, (said, _) in enumerate(values)}
    try:
        with stage.undone():
            with stage.staying(USER):
                stage.connection.execute(once.beside_values(invocation(function)), given)
            found = stage.connection.execute(once.beside_values(kept), row.parameters).fetchone()
    except psycopg.Error:
        return False
    return found is not None and _is_gained(column, row.values, found[0], value)


def _is_gained(
    column: Column, before: Mapping[str, Any], after: Mapping[str, Any], value: str
) -> bool:
    now = after.get(column.name)
    if column.category == "N" and now is not None:
        return float(now) - float(before.get(column.name) or 0) >= float(value)
    return is_value(column, now, value)


def _argument(
    scene: Scene, row: Row, column: Column, kind: str, value: str, name: str, type_: str
) -> tuple[str | None, bool]:
    """What to call it with, and whether that says what the caller wants."""
    plain = _PREFIX.sub("", words(name))
    if type_ in _JSON:
        typed = value == "true" if column.category == "B" else value
        return json.dumps({column.name: typed}), True
    if plain == words(column.name) or (type_ == column.type and column.labels):
        return value, True
    if kind in {"money", "payment"} and column.category == "N" and type_ in NUMBERS:
        return value, True
    said = argument(scene, name, type_)
    if said == VICTIM.uid:
        return STRANGER.uid, False
    key = row.key[0] if len(row.key) == 1 else ""
    if type_ == "uuid" and key and plain in {key, f"{words(row.table.name).rstrip('s')}_id"}:
        return text(row.values.get(key)), False
    return said, False


def _set_anyway(
    scene: Scene, stage: Stage, seeder: Seeder, table: Table, gains: list[Gain]
) -> bool:
    """Whether the table itself lets users do it, which is said there."""
    open_to_all = any(
        scene.matrix.attempt(table, USER, command).allowed for command in ("UPDATE", "INSERT")
    )
    known = {gain.column.name for gain in gains_in(scene, stage, seeder, table)}
    return open_to_all or {gain.column.name for gain in gains} <= known


def _finding(scene: Scene, function: Function, table: Table, gains: list[Gain]) -> Finding:
    gains = sorted(gains, key=lambda gain: -SEVERITY[gain.kind])
    names = ", ".join(f"`{table.name}.{gain.column.name}`" for gain in gains[:4])
    return Finding(
        "rls.self-escalation",
        place(scene, function),
        f"A signed-in user can call `{function.name}`, which sets {names} of their own row to what "
        f"they say: they choose their own {GAIN[gains[0].kind]}.",
        SEVERITY[gains[0].kind],
        Evidence.EXECUTED,
        detail={"columns": [gain.column.name for gain in gains], "value": gains[0].value},
    )
