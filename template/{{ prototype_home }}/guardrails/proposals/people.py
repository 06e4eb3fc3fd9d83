"""Who may rightfully do what: the owner of a row, an administrator where there is one, anybody."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Identifier

from ..guards.database import once
from ..guards.database.accounts import add_account
from ..guards.database.examine import Acted
from ..guards.database.relations import Column, Function, Relation, Table
from ..guards.database.seeding import VICTIM, Person
from ..guards.database.sensitivity import privileged
from ..guards.database.stranger import USER, Stage, Visitor
from ..guards.database.values import MIGHTY, candidates

OWNER = Visitor("owner", "authenticated", VICTIM)
"""Whose the seeded row is."""
_PERSON = Person("55555555-5555-4555-8555-555555555555", "chief", tenant="third")
ADMIN = Visitor("admin", "authenticated", _PERSON)
UID = "(select auth.uid())"
_CHECKS = re.compile(r"^(is|has|check|user_is|current_user_is|am_i)_?\w*(admin|role|staff)\w*$")


@dataclass(frozen=True)
class Administrator:
    """`expression` is true for who administers; `asks` is the table that it reads with the
    caller's own rights, whose own policies can't use it without going round in circles."""

    expression: str
    asks: Relation | None = None


def recognise(acted: Acted) -> Administrator | None:
    """How the database itself knows an administrator; tried with one, and with somebody else."""
    places = list(_role_columns(acted))
    if not places:
        return None
    add_account(acted.stage.connection, _PERSON, triggers=False)
    for table, owner, column, value in places:
        _appoint(acted, table, owner, column, value)
    for candidate in (*_by_function(acted), *_by_table(places)):
        if _holds(acted.stage, candidate, ADMIN) and not (
            _holds(acted.stage, candidate, USER) or _holds(acted.stage, candidate, OWNER)
        ):
            return candidate
    return None


Place = tuple[Table, str, Column, str]


def _role_columns(acted: Acted) -> Iterator[Place]:
    """Tables that say of a person that they administer: the person's column, the role's, how."""
    ownership = acted.scene.ownership
    for table in acted.scene.relations.tables.values():
        owners = ownership.owners.get(table.relation, frozenset())
        keyed = [name for name in owners if (name,) in (table.key, *table.unique)]
        owner = next(iter(sorted(keyed) or sorted(owners & {"user_id", "id"})), None)
        if owner is None or table.partition:
            continue
        for column in table.columns:
            if privileged(column.name) == "control" and (value := _mighty(table, column)):
                yield table, owner, column, value


def _mighty(table: Table, column: Column) -> str | None:
    if column.category == "B":
        return "true"
    if column.category not in {"S", "E"}:
        return None
    known = [value for value in candidates(table, column, "", 0) if " " not in value]
    mighty = [value for value in known if MIGHTY.search(value)]
    fixed = bool(column.labels) or any(column.name in check for _, check in table.checks)
    if not mighty:
        return None if fixed else "admin"
    return min(mighty, key=lambda value: (value.lower() != "admin", value))


def _appoint(acted: Acted, table: Table, owner: str, column: Column, value: str) -> None:
    if acted.seeder.seed(table, _PERSON) is None:
        return
    statement = SQL("update {} set {} = %(value)s where {} = %(uid)s").format(
        table.sql, Identifier(column.name), Identifier(owner)
    )
    quiet = SQL("set local session_replication_role = replica")
    usual = SQL("set local session_replication_role = origin")
    values = {"value": value, "uid": _PERSON.uid}
    try:
        once.kept(acted.stage.connection, statement, values, quiet, usual)
    except psycopg.Error:
        return


def _by_function(acted: Acted) -> Iterator[Administrator]:
    for function in acted.scene.relations.functions:
        if function.returns == "boolean" and _CHECKS.match(function.name):
            for arguments in _calls(acted, function):
                called = f"{name_of(function.schema)}.{name_of(function.name)}({arguments})"
                yield Administrator(called if function.definer else f"(select {called})")


def _calls(acted: Acted, function: Function) -> Iterator[str]:
    kinds = [kind for _, kind in function.arguments[: function.required]]
    if not kinds:
        yield ""
    elif kinds[0] == "uuid" and len(kinds) == 1:
        yield UID
    elif kinds[0] == "uuid" and len(kinds) == 2 and not kinds[1].startswith("uuid"):
        for _, _, _, value in _role_columns(acted):
            if value != "true":
                yield f"{UID}, {literal(value)}"


def _by_table(places: list[Place]) -> Iterator[Administrator]:
    for table, owner, column, value in places:
        mark = column_is(column, value)
        asked = f"select from {table_name(table)} p where p.{name_of(owner)} = {UID} and p.{mark}"
        yield Administrator(f"exists ({asked})", table.relation)


def column_is(column: Column, value: str) -> str:
    name = name_of(column.name)
    return name if column.category == "B" else f"{name} = {literal(value)}"


def _holds(stage: Stage, candidate: Administrator, visitor: Visitor) -> bool:
    try:
        with stage.visited(visitor):
            _, row = stage.run(SQL("select ") + SQL(escaped(candidate.expression)), {})
    except psycopg.Error:
        return False
    return bool(row and row[0])


def escaped(text: str) -> str:
    """Text of ours in a statement that takes values: a name may hold a %."""
    return text.replace("%", "%%")


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


_WORDS = frozenset(
    re.findall(
        r"\w+",
        """all analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create current_user default deferrable desc distinct do else end except false
    fetch for foreign from grant group having in initially intersect into lateral leading limit
    localtime not null offset on only or order placing primary references returning select
    session_user some symmetric table then to trailing true union unique user using variadic
    when where window with""",
    )
)


def name_of(name: str) -> str:
    """As it is written in a statement: quoted only where it has to be."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _WORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def table_name(table: Table) -> str:
    return f"{name_of(table.schema)}.{name_of(table.name)}"
