"""The access matrix: every table and operation, tried by people who should get nowhere.

Each attempt runs as PostgREST would run it (the role and the claims of a token set for the
transaction) in a savepoint that is rolled back.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal, Placeholder

from . import once
from .attempts import Attempt, Outcome, refused, unseen
from .ownership import Ownership
from .relations import Column, Relation, Relations, Table
from .seeding import MEMBER, SPARE, STRANGER, VICTIM, Draft, Person, Row, Seeder, insertion
from .sensitivity import holds
from .shown import states

OWNER = "postgres"
ATTEMPT_MILLISECONDS = 1500
COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True)
class Visitor:
    """A way to come in: `role` and, for who signed in, the person."""

    name: str
    role: str
    person: Person | None = None

    @property
    def claims(self) -> dict[str, Any]:
        if self.person is None:
            return {"role": self.role}
        return {
            "sub": self.person.uid,
            "role": self.role,
            "aud": "authenticated",
            "email": self.person.email,
            "aal": "aal1",
            "is_anonymous": False,
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": {},
        }


ANON = Visitor("anon", "anon")
USER = Visitor("user", "authenticated", STRANGER)
OTHER = Visitor("member", "authenticated", MEMBER)

Cells = dict[str, Attempt]


@dataclass
class Matrix:
    """What each visitor could do, by table and command."""

    cells: dict[Relation, dict[str, Cells]] = field(default_factory=dict)
    spent: bool = False

    def attempt(self, table: Table, visitor: Visitor, command: str) -> Attempt:
        cells = self.cells.get(table.relation, {}).get(visitor.name, {})
        return cells.get(command, Attempt(Outcome.UNCHECKED))


_ENTERED = SQL(
    "select set_config('request.jwt.claims', %(claims)s, true),"
    " set_config('request.jwt.claim.sub', %(sub)s, true),"
    " set_config('request.jwt.claim.role', %(role)s, true),"
    " set_config('request.jwt.claim.email', %(email)s, true),"
    " set_config('request.method', 'GET', true)"
)
_LEFT = SQL(
    "select set_config('request.jwt.claims', '', true),"
    " set_config('request.jwt.claim.sub', '', true)"
)


class Stage:
    """One connection on which visitors come and go; nothing they do stays."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection

    @contextmanager
    def visited(self, visitor: Visitor) -> Iterator[None]:
        """Everything in the block runs as the visitor and is undone."""
        with self.undone():
            self._enter(visitor)
            yield

    @contextmanager
    def staying(self, visitor: Visitor) -> Iterator[None]:
        """What the block does as the visitor stays, for the owner to look at."""
        self._enter(visitor)
        yield
        once.send(
            self.connection, SQL("set local role {}; {}").format(Identifier(OWNER), _LEFT), {}
        )

    def become_owner(self) -> None:
        self.connection.execute(SQL("set local role {}").format(Identifier(OWNER)))

    def _enter(self, visitor: Visitor) -> None:
        claims = visitor.claims
        statement = SQL("{}; set local role {}; set local statement_timeout = {}").format(
            _ENTERED, Identifier(visitor.role), Literal(ATTEMPT_MILLISECONDS)
        )
        values = {
            "claims": json.dumps(claims),
            "sub": claims.get("sub", ""),
            "role": visitor.role,
            "email": claims.get("email", ""),
        }
        once.send(self.connection, statement, values)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """The block's changes are rolled back, its settings, too."""
        with self.connection.transaction(force_rollback=True):
            yield

    def run(self, statement: SQL | Composed, parameters: Mapping[str, Any]) -> tuple[int, Any]:
        """How many rows the statement touched, and the first that it gave; undone at once."""
        return once.undone(self.connection, statement, parameters)


class Attacker:
    """Tries each table as each visitor, for as long as the budget lasts."""

    def __init__(
        self, stage: Stage, relations: Relations, ownership: Ownership, seeder: Seeder
    ) -> None:
        self.stage = stage
        self.relations = relations
        self.ownership = ownership
        self.seeder = seeder
        self._grants: dict[tuple[str, int, str], tuple[str, ...]] = {}

    def attack(
        self, visitors: tuple[Visitor, ...], seconds: float, only: Iterable[Table] | None = None
    ) -> Matrix:
        matrix = Matrix()
        tables = list(self.relations.tables.values() if only is None else only)
        until = monotonic() + seconds
        for visitor in visitors:
            self._read_grants(visitor.role, [table.oid for table in tables])
            with self.stage.visited(visitor):
                for table in tables:
                    if monotonic() > until:
                        matrix.spent = True
                        break
                    cells = matrix.cells.setdefault(table.relation, {})
                    cells[visitor.name] = self.try_table(table, visitor)
        return matrix

    def try_table(self, table: Table, visitor: Visitor) -> Cells:
        row = self.seeder.seeded.row(table.relation, VICTIM)
        spare = self.seeder.seeded.row(table.relation, SPARE)
        if row is None:
            why = self.seeder.seeded.unseeded.get(table.relation, "")
            cells = dict.fromkeys(COMMANDS, Attempt(Outcome.UNCHECKED, why=why))
            return cells if table.row_security else cells | self._read_empty(table, visitor)
        return {
            "SELECT": self.select(table, row, visitor, look_in_states=True),
            "INSERT": self.insert(table, visitor),
            "UPDATE": self.update(table, row, visitor),
            "DELETE": self.delete(spare or row),
        }

    def select(
        self, table: Table, row: Row, visitor: Visitor, look_in_states: bool = False
    ) -> Attempt:
        names = self._granted(table, "SELECT", visitor)
        if not names:
            return Attempt(Outcome.NO_GRANT)
        statement = SQL("select {} from {} where {}").format(
            SQL(", ").join(map(Identifier, names)), table.sql, row.condition
        )
        try:
            count, _ = self.stage.run(statement, row.parameters)
        except psycopg.Error as error:
            return refused(error)
        if not count and look_in_states:
            return self._select_in_state(table, row, visitor)
        return Attempt(Outcome.ALLOWED, count, columns=names) if count else unseen()

    def _read_empty(self, table: Table, visitor: Visitor) -> Cells:
        """Without row-level security whoever may ask at all is shown every row that there is."""
        names = self._granted(table, "SELECT", visitor)
        if not names:
            return {"SELECT": Attempt(Outcome.NO_GRANT)}
        try:
            self.stage.run(SQL("select from {} where false").format(table.sql), {})
        except psycopg.Error as error:
            return {"SELECT": refused(error)}
        return {"SELECT": Attempt(Outcome.ALLOWED, columns=names)}

    def _select_in_state(self, table: Table, row: Row, visitor: Visitor) -> Attempt:
        """The same row where a policy shows everybody what is in a certain state."""
        for state in states(table, visitor.role, self._granted(table, "SELECT", visitor)):
            values = {f"state_{n}": value for n, value in enumerate(state.values())}
            changes = SQL(", ").join(
                SQL("{} = {}").format(Identifier(name), Placeholder(f"state_{n}"))
                for n, name in enumerate(state)
            )
            change = SQL("update {} set {} where {}").format(table.sql, changes, row.condition)
            try:
                with self.stage.undone():
                    self._as_owner(change, {**values, **row.parameters})
                    with self.stage.visited(visitor):
                        seen = self.select(table, row, visitor)
            except psycopg.Error:
                continue
            if seen.allowed:
                return seen
        return unseen()

    def _as_owner(self, statement: Composed, values: Mapping[str, Any]) -> None:
        """Quietly: no trigger is set off, and no key looked after."""
        self.stage.become_owner()
        self.stage.connection.execute("set local session_replication_role = replica")
        self.stage.connection.execute(once.beside_values(statement), values)
        self.stage.connection.execute("set local session_replication_role = origin")

    def insert(self, table: Table, visitor: Visitor) -> Attempt:
        granted = set(self._granted(table, "INSERT", visitor))
        if not granted:
            return Attempt(Outcome.NO_GRANT)
        theirs = self._insert_for(table, VICTIM, granted, visitor)
        if theirs.allowed or visitor.person is None or not self.ownership.owned(table):
            return theirs
        mine = self._insert_for(table, visitor.person, granted, visitor)
        return replace(mine, outcome=Outcome.OWN, own=True) if mine.allowed else theirs

    def _insert_for(
        self, table: Table, person: Person, granted: set[str], visitor: Visitor
    ) -> Attempt:
        draft = Draft(self.seeder, table, person)
        seeded = self.seeder.seeded.row(table.relation, VICTIM)
        if seeded is not None:
            draft.take_form(seeded)
        for name in [name for name in draft.values if name not in granted]:
            del draft.values[name]
        last = Attempt(Outcome.UNCHECKED)
        for _ in range(6):
            try:
                count, _ = self.stage.run(insertion(table, draft.values), draft.parameters)
                if not count:
                    return Attempt(Outcome.GUARDED, why="nothing was stored, and nobody was told")
                return Attempt(Outcome.ALLOWED, count, below=draft.below(VICTIM))
            except psycopg.Error as error:
                # A constraint is looked at only after policies have let the row through, but
                # what was not stored was not stored: change the row and try again.
                last = refused(error)
                if error.sqlstate not in {"23505", "23514", "23502"}:
                    break
                if not draft.mend(error):
                    return self._insert_instead(draft, seeded, visitor)
        return last

    def _insert_instead(self, draft: Draft, seeded: Row | None, visitor: Visitor) -> Attempt:
        """The same row when the seeded one is not in its way."""
        if seeded is None:
            return Attempt(Outcome.UNCHECKED)
        try:
            with self.stage.undone():
                removal = SQL("delete from {} where {}").format(seeded.table.sql, seeded.condition)
                self._as_owner(removal, seeded.parameters)
                with self.stage.visited(visitor):
                    statement = insertion(draft.table, draft.values)
                    count, _ = self.stage.run(statement, draft.parameters)
                    return Attempt(Outcome.ALLOWED, count)
        except psycopg.Error as error:
            return refused(error)

    def update(self, table: Table, row: Row, visitor: Visitor) -> Attempt:
        names = [
            name
            for name in self._granted(table, "UPDATE", visitor)
            if name not in row.key and not self.ownership.identifies(table, name)
        ]
        columns = [column for column in table.columns if column.name in names]
        if not columns:
            return self._update_nothing(table, row, visitor)
        last = Attempt(Outcome.POLICY)
        for column in sorted(columns, key=lambda column: _change_order(table, column))[:3]:
            try:
                count, _ = self.stage.run(_change(table, column, row), row.parameters)
            except psycopg.Error as error:
                last = refused(error)
                if last.outcome not in {Outcome.ERROR, Outcome.GUARDED}:
                    return last
            else:
                if count:
                    return Attempt(Outcome.ALLOWED, count, columns=(column.name,))
                return unseen()
        return last

    def _update_nothing(self, table: Table, row: Row, visitor: Visitor) -> Attempt:
        """Where all there is to change tells whose or which row it is: to what it was."""
        names = self._granted(table, "UPDATE", visitor)
        if not names:
            return Attempt(Outcome.NO_GRANT)
        statement = SQL("update {} set {} = {} where {}").format(
            table.sql, Identifier(names[0]), Identifier(names[0]), row.condition
        )
        try:
            count, _ = self.stage.run(statement, row.parameters)
        except psycopg.Error as error:
            return refused(error)
        return Attempt(Outcome.ALLOWED, count, columns=names[:1]) if count else unseen()

    def delete(self, row: Row) -> Attempt:
        statement = SQL("delete from {} where {}").format(row.table.sql, row.condition)
        try:
            count, _ = self.stage.run(statement, row.parameters)
        except psycopg.Error as error:
            if error.sqlstate in {"23503", "23001"}:
                return Attempt(Outcome.ERROR, why="only the rows that refer to it hold it")
            return refused(error)
        return Attempt(Outcome.ALLOWED, count) if count else unseen()

    def _granted(self, table: Table, command: str, visitor: Visitor) -> tuple[str, ...]:
        """The columns that the role may use, in order."""
        return self._grants.get((visitor.role, table.oid, command), ())

    def _read_grants(self, role: str, oids: list[int]) -> None:
        found = self.stage.connection.execute(_GRANTED, {"role": role, "tables": oids})
        for table, command, columns in found.fetchall():
            self._grants[role, table, command] = tuple(columns)


_GRANTED = """
select attrelid::int8, command, array_agg(attname::text order by attnum)
from pg_catalog.pg_attribute, unnest('{SELECT,INSERT,UPDATE}'::text[]) command
where attrelid = any(%(tables)s::oid[]) and attnum > 0 and not attisdropped
    and attgenerated = '' and has_column_privilege(%(role)s, attrelid, attnum, command)
group by 1, 2
"""


def _change_order(table: Table, column: Column) -> tuple[int, int]:
    """What can be changed with the least risk of a check, what tells most first."""
    checked = any(column.name in text for _, text in table.checks)
    free = column.category in {"S", "N", "B", "D"} and table.reference(column.name) is None
    unique = any(column.name in columns for columns in table.unique)
    return (2 * checked + 2 * unique + 4 * (not free), 0 if holds(column.name) else 1)


def _change(table: Table, column: Column, row: Row) -> Composed:
    name = Identifier(column.name)
    value: Composable = name
    if column.category == "B":
        value = SQL("not coalesce({}, false)").format(name)
    elif column.category == "S" and (column.length or 99) > 20:
        value = SQL("'changed'")
    elif column.category == "N":
        value = SQL("coalesce({}, 0) + 1").format(name)
    return SQL("update {} set {} = {} where {}").format(table.sql, name, value, row.condition)


def facts(matrix: Matrix, table: Table) -> dict[str, Any]:
    """The table's row of the picture."""
    return {
        visitor: {
            command.lower(): {
                "outcome": attempt.outcome.value,
                **({"rows": attempt.rows} if attempt.rows else {}),
                **({"why": attempt.why[:300]} if attempt.why else {}),
            }
            for command, attempt in cells.items()
        }
        for visitor, cells in matrix.cells.get(table.relation, {}).items()
    }
