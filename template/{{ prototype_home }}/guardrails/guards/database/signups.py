"""Whether the sign-up form says what its sender may do: tried, with `admin` in the metadata.

What a browser hands to `auth.signUp({ options: { data } })` arrives in raw_user_meta_data as it was
sent. A trigger that stores a role out of it lets everybody appoint themselves.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

import psycopg
from psycopg.sql import SQL, Identifier

from ...engine.finding import Evidence, Finding, Place, Severity
from . import once
from .accounts import add_account
from .bodies import inside
from .functions import place
from .gains import GAIN, SEVERITY
from .relations import Column, Function, Table
from .scene import Scene
from .seeding import VICTIM, Person, text
from .sensitivity import privileged
from .stranger import Stage
from .values import candidates

_KEY = re.compile(r"->>?\s*'(\w+)'")
_RULES = re.compile(r"admin|super|root|moderator", re.IGNORECASE)
_WORKS_HERE = re.compile(r"staff|manager|gestor|employee|supervisor", re.IGNORECASE)
"""An owner or a seller may be whoever signs up; who works for the project is not."""
_WANTED: Mapping[str, tuple[str, ...]] = {
    "money": ("1000000", "1000"),
    "entitlement": ("premium", "pro", "enterprise", "true"),
    "approval": ("true", "approved", "verified"),
}
_OF_TYPE: Mapping[str, str] = {
    "boolean": "true",
    "bool": "true",
    "integer": "1",
    "int": "1",
    "bigint": "1",
    "numeric": "1",
    "date": "2000-01-15",
    "timestamptz": "2000-01-15",
    "uuid": VICTIM.uid,
    "jsonb": "{}",
}
_MOST_TRIES = 8


@dataclass(frozen=True)
class _Gain:
    table: Table
    column: Column
    kind: str
    value: str
    key: str
    function: Function


def find(scene: Scene, stage: Stage) -> Iterator[Finding]:
    if not scene.sign_up:
        return
    for function in scene.relations.functions:
        if function.returns != "trigger" or "raw_user_meta_data" not in function.body:
            continue
        gain = _gain(scene, stage, function)
        if gain is not None:
            yield _finding(scene, gain)


def _gain(scene: Scene, stage: Stage, function: Function) -> _Gain | None:
    keys = dict.fromkeys(_KEY.findall(function.body))
    others = {other: _fitting(function.body, other) for other in keys}
    for key in keys:
        kind = privileged(key)
        # A role may be sent under any name; what is worth nothing is stored in no such column.
        for value in _values(scene, kind or "control")[: None if kind else 1]:
            for metadata in ({key: value}, others | {key: value}):
                stored = _stored(scene, stage, metadata, value)
                if stored is not None:
                    held = kind or privileged(stored[1].name) or ""
                    return _Gain(*stored, held, value, key, function)
    return None


def _fitting(body: str, key: str) -> str:
    """What else the form sends: of the type, or in the words, that the trigger takes."""
    read = rf"->>?\s*'{re.escape(key)}'\s*\)*\s*"
    if cast := re.search(rf"{read}::\s*(\w+)", body):
        return _OF_TYPE.get(cast[1].lower(), f"Somebody {key}")
    if said := re.search(rf"{read}=\s*'([^']+)'", body):
        return said[1]
    return f"Somebody {key}"


def _values(scene: Scene, kind: str) -> list[str]:
    """What is worth asking for, the mightiest first."""
    if kind != "control":
        return list(_WANTED.get(kind, ()))
    known = [
        value
        for table in scene.relations.tables.values()
        for column in table.columns
        if privileged(column.name) == "control"
        for value in (*candidates(table, column, "", 0), "admin", "true")
        if _RULES.search(value) or _WORKS_HERE.search(value) or value == "true"
    ]
    ranked = sorted(dict.fromkeys(known), key=lambda one: not _RULES.search(one))
    return ranked[:_MOST_TRIES]


def _stored(
    scene: Scene, stage: Stage, metadata: Mapping[str, str], value: str
) -> tuple[Table, Column] | None:
    """The column of the new account's own row that holds what the form asked for."""
    name = f"newcomer-{'-'.join(metadata.values())}"
    person = Person(str(uuid5(NAMESPACE_URL, name)), "newcomer")
    try:
        with stage.undone():
            add_account(stage.connection, person, triggers=True, metadata=metadata)
            for table, column, owner in _columns(scene):
                query = SQL("select {}::text from {} where {}::text = %(uid)s").format(
                    Identifier(column.name), table.sql, Identifier(owner)
                )
                found = stage.connection.execute(once.beside_values(query), {"uid": person.uid})
                if any(text(one) == value for (one,) in found.fetchall()):
                    return table, column
    except psycopg.Error:
        return None
    return None


def _columns(scene: Scene) -> Iterator[tuple[Table, Column, str]]:
    for table in scene.relations.tables.values():
        for owner in sorted(scene.ownership.owners.get(table.relation, ())):
            for column in table.columns:
                if privileged(column.name):
                    yield table, column, owner


def _finding(scene: Scene, gain: _Gain) -> Finding:
    function = place(scene, gain.function)
    return Finding(
        "authz.self-assigned-role",
        _read_at(scene, gain, function),
        f"Whoever signs up chooses their own {GAIN[gain.kind]}: `{gain.function.name}` stores the "
        f"`{gain.key}` that the form sends in `{gain.table.name}.{gain.column.name}`, and with "
        f"`{gain.value}` it was stored.",
        _severity(gain),
        Evidence.EXECUTED,
        also=(function,),
        detail={"key": gain.key, "value": gain.value},
    )


def _severity(gain: _Gain) -> Severity:
    if gain.kind == "control":
        mighty = _RULES.search(gain.value) or gain.value == "true"
        return Severity.CRITICAL if mighty else Severity.HIGH
    return SEVERITY[gain.kind]


def _read_at(scene: Scene, gain: _Gain, function: Place) -> Place:
    """The line of the trigger that takes it out of the metadata."""
    body = gain.function.body
    read = re.search(rf"->>?\s*'{gain.key}'", body)
    offset = body.count("\n", 0, read.start()) if read else 0
    return inside(scene.replay, function, body, offset)
