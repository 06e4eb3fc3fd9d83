"""Rows that belong to somebody else: satisfying constraints, in every table that takes them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Placeholder

from . import once
from .ownership import Ownership
from .relations import Column, Reference, Relation, Relations, Table
from .sensitivity import privileged, sensitive
from .values import candidates, mentions

TRIES = 12
_ACTIVE = re.compile(r"(is_)?(active|ativ[oa]|activ[oa]|enabled)", re.IGNORECASE)
"""Unlike `public` or `published`, it does not say that everybody may see it."""
# No triggers, and no waiting for a parent's row.
_QUIET = SQL("set local session_replication_role = replica")
_AS_USUAL = SQL("set local session_replication_role = origin")


@dataclass(frozen=True)
class Person:
    """Somebody who has an account. `mark` is in every text that is seeded for them."""

    uid: str
    mark: str
    tenant: str = "first"

    @property
    def email(self) -> str:
        return f"{self.mark}@example.test"


VICTIM = Person("11111111-1111-4111-8111-111111111111", "victimone")
SPARE = Person("22222222-2222-4222-8222-222222222222", "victimtwo")
"""Another victim, whose rows nothing refers to: they can be deleted."""
STRANGER = Person("33333333-3333-4333-8333-333333333333", "stranger", tenant="")
MEMBER = Person("44444444-4444-4444-8444-444444444444", "member", tenant="second")


@dataclass(frozen=True)
class Row:
    """A seeded row. `key` are the columns and values that single it out."""

    table: Table
    person: Person
    values: Mapping[str, Any]
    key: tuple[str, ...]

    @property
    def condition(self) -> Composed:
        """What PostgREST's filters would say: columns, for which SELECT is needed."""
        parts = [
            SQL("{} = {}").format(Identifier(name), Placeholder(f"key_{n}"))
            for n, name in enumerate(self.key)
        ]
        return SQL(" and ").join(parts) if parts else SQL("true").format()

    @property
    def parameters(self) -> dict[str, Any]:
        return {f"key_{n}": text(self.values[name]) for n, name in enumerate(self.key)}


@dataclass
class Seeded:
    rows: dict[tuple[Relation, Person], Row] = field(default_factory=dict)
    unseeded: dict[Relation, str] = field(default_factory=dict)
    """Why no row could be put there."""

    def row(self, relation: Relation, person: Person) -> Row | None:
        return self.rows.get((relation, person))


class Seeder:
    """Puts rows into the tables of one database, in the caller's transaction."""

    def __init__(
        self, connection: Connection[Any], relations: Relations, ownership: Ownership
    ) -> None:
        self.connection = connection
        self.relations = relations
        self.ownership = ownership
        self.seeded = Seeded()
        self.counter = 1

    def seed_all(self, *people: Person) -> Seeded:
        """Rows for each person in every table, parents first."""
        for table in ordered(self.relations.tables.values()):
            for person in people:
                self.seed(table, person)
        return self.seeded

    def seed(self, table: Table, person: Person) -> Row | None:
        values, why = self.insert(table, person)
        if values is None:
            if not any(relation == table.relation for relation, _ in self.seeded.rows):
                self.seeded.unseeded[table.relation] = why
            return None
        row = Row(table, person, values, _key(table, values))
        self.seeded.rows[table.relation, person] = row
        self.seeded.unseeded.pop(table.relation, None)
        return row

    def insert(self, table: Table, person: Person) -> tuple[dict[str, Any] | None, str]:
        """Insert a row, mending what the database complains about; the row, or why not."""
        return self.put(Draft(self, table, person))

    def put(self, draft: "Draft") -> tuple[dict[str, Any] | None, str]:
        table, why = draft.table, ""
        for _ in range(TRIES):
            try:
                statement = SQL("{} returning to_jsonb({}.*)").format(
                    insertion(table, draft.values), Identifier(table.name)
                )
                _, found = once.kept(
                    self.connection, statement, draft.parameters, _QUIET, _AS_USUAL
                )
                return (found[0] if found else {}), ""
            except psycopg.Error as error:
                why = str(error).partition("\n")[0]
                if not draft.mend(error):
                    break
        return None, why


def insertion(table: Table, values: Mapping[str, Any]) -> Composed:
    if not values:
        return SQL("insert into {} default values").format(table.sql)
    return SQL("insert into {} ({}) values ({})").format(
        table.sql,
        SQL(", ").join(map(Identifier, values)),
        SQL(", ").join(Placeholder(f"value_{n}") for n in range(len(values))),
    )


class Draft:
    """A row to be, and what to change in it when the database refuses it."""

    def __init__(self, seeder: Seeder, table: Table, person: Person) -> None:
        seeder.counter += 1
        self.seeder = seeder
        self.table = table
        self.person = person
        self.number = seeder.counter
        self.turns: dict[str, int] = {}
        self.values: dict[str, str | None] = {}
        for column in table.columns:
            if not column.generated and (value := self._first(column)) is not None:
                self.values[column.name] = value

    @property
    def parameters(self) -> dict[str, Any]:
        return {f"value_{n}": value for n, value in enumerate(self.values.values())}

    def _first(self, column: Column) -> str | None:
        if (linked := self._linked(column)) is not None:
            return linked
        if self._begins_a_tree(column):
            return self._candidate(column)
        if column.has_default:
            return None
        if self._in_use(column):
            return "true"
        telling = privileged(column.name) is None and sensitive([column.name])
        told = (*self.table.key, *self.table.parted_by)
        if column.not_null or column.name in told or (telling and column.base != "uuid"):
            return self._candidate(column)
        return None

    def _in_use(self, column: Column) -> bool:
        """Whether policies ask for rows that are in use: what is out of use shows nothing."""
        return (
            column.category == "B"
            and _ACTIVE.fullmatch(column.name) is not None
            and any(mentions(policy.using, column.name) for policy in self.table.policies)
        )

    def _linked(self, column: Column) -> str | None:
        """The person's own identity, or a row that the person has elsewhere."""
        if self.seeder.ownership.identifies(self.table, column.name):
            return self.person.uid
        if self.seeder.ownership.names(self.table, column.name):
            return self.person.email
        reference = self.table.reference(column.name)
        if reference is None:
            return None
        if reference.target == self.table.relation:
            return self._of_itself(column, reference)
        people = (VICTIM, self.person, SPARE) if self._shares(column) else (self.person, VICTIM)
        if self.person is MEMBER and not column.not_null:
            people = (
                MEMBER,
                MEMBER,
            )  # two organisations that share a group may be meant to see each other
        at = reference.columns.index(column.name)
        for person in people:
            if (parent := self.seeder.seeded.row(reference.target, person)) is not None:
                return text(parent.values.get(reference.target_columns[at]))
        return None

    def _of_itself(self, column: Column, reference: Reference) -> str | None:
        """The first row of a tree whose every row has a parent is its own."""
        at = self.table.column(reference.target_columns[reference.columns.index(column.name)])
        if not column.not_null or at is None or at.generated or at is column:
            return None
        return self._linked(at) or self._candidate(at)

    def _begins_a_tree(self, column: Column) -> bool:
        return any(
            column.name in key.target_columns
            and key.target == self.table.relation
            and all(one.not_null for one in self.table.columns if one.name in key.columns)
            for key in self.table.references
        )

    def below(self, person: Person) -> tuple[str, ...]:
        """The columns by which the row hangs on rows of the person's."""
        return tuple(
            key.columns[0]
            for key in self.table.references
            if len(key.columns) == 1
            and not self.seeder.ownership.identifies(self.table, key.columns[0])
            and (parent := self.seeder.seeded.row(key.target, person)) is not None
            and (value := self.values.get(key.columns[0])) is not None
            and value == text(parent.values.get(key.target_columns[0]))
        )

    def _shares(self, column: Column) -> bool:
        """Whether the spare victim's row hangs on the first one's parents, leaving their own free
        to be deleted."""
        unique = any(column.name in columns for columns in (*self.table.unique, self.table.key))
        return self.person is SPARE and not unique

    def _candidate(self, column: Column) -> str:
        found = candidates(self.table, column, self.person.mark, self.number)
        return found[self.turns.get(column.name, 0) % len(found)]

    def take_form(self, row: Row) -> None:
        """Use what the checks accepted in a row that is there already."""
        unique = {name for columns in (*self.table.unique, self.table.key) for name in columns}
        for column in self.table.columns:
            name = column.name
            given = row.values.get(name)
            left_out = column.generated or (column.has_default and name not in self.values)
            plain = given is not None and not isinstance(given, (dict, list))
            if plain and not left_out and name not in unique and not self._is_link(name):
                self.values[name] = text(given)

    def mend(self, error: psycopg.Error) -> bool:
        """Change what was complained about; False if nothing is left to try."""
        detail = error.diag
        if error.sqlstate == "23502" and detail.column_name:
            column = self.table.column(detail.column_name)
            if column is not None:
                self.values[column.name] = self._linked(column) or self._candidate(column)
            return column is not None
        if error.sqlstate == "23514":
            name = detail.constraint_name
            return self._turn(self._mentioned(name) if name else self.table.parted_by)
        if error.sqlstate == "23505" and detail.constraint_name:
            self.number += 7
            names = re.findall(r"[\w]+", (detail.message_detail or "").partition("=")[0])
            return self._renew(names)
        return self._simplify()

    def _mentioned(self, constraint: str) -> list[str]:
        checks = [text for name, text in self.table.checks if name == constraint]
        return [
            column.name
            for column in self.table.columns
            if not column.generated and any(mentions(check, column.name) for check in checks)
        ]

    def _turn(self, names: Iterable[str]) -> bool:
        """The next candidate for the column that was turned least."""
        free = [name for name in names if not self._is_link(name)]
        if not free:
            return False
        name = min(free, key=lambda name: self.turns.get(name, -1))
        column = self.table.column(name)
        assert column is not None
        self.turns[name] = self.turns.get(name, -1) + 1
        self.values[name] = self._candidate(column)
        return True

    def _renew(self, names: Iterable[str]) -> bool:
        renewed = False
        for name in names:
            column = self.table.column(name)
            if column is not None and not column.generated and not self._is_link(name):
                self.turns[name] = self.turns.get(name, 0) + 1
                self.values[name] = self._candidate(column)
                renewed = True
        return renewed

    def _is_link(self, name: str) -> bool:
        column = self.table.column(name)
        return column is None or self._linked(column) is not None

    def _simplify(self) -> bool:
        """Leave out what nobody asked for: one of the values may have the wrong form."""
        optional = [
            column.name
            for column in self.table.columns
            if column.name in self.values and not column.not_null and not self._is_link(column.name)
        ]
        for name in optional:
            del self.values[name]
        return bool(optional)


def text(value: Any) -> str | None:
    """A JSON value as PostgreSQL reads it back."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _key(table: Table, values: Mapping[str, Any]) -> tuple[str, ...]:
    for columns in (table.key, *table.unique):
        if columns and all(values.get(name) is not None for name in columns):
            return tuple(columns)
    telling = [name for name, value in values.items() if isinstance(value, (str, int))]
    return tuple(telling[:4])


def ordered(tables: Iterable[Table]) -> list[Table]:
    """Parents before children; where keys go round, the one with the fewest missing parents."""
    left = {table.relation: table for table in tables if not table.partition}
    result: list[Table] = []
    while left:

        def missing(table: Table) -> tuple[int, int]:
            parents = {key.target for key in table.references} - {table.relation}
            return (len(parents & left.keys()), len(parents))

        waiting = sorted(left.values(), key=missing)
        free = [table for table in waiting if missing(table)[0] == 0] or waiting[:1]
        for table in free:
            result.append(table)
            del left[table.relation]
    return result
