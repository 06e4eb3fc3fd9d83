"""The prototype's own queries, run as the person who may rightfully make each of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

from ..guards.database.arguments import argument, invocation
from ..guards.database.examine import Acted
from ..guards.database.relations import Function, Table
from ..guards.database.seeding import SPARE, VICTIM, Draft, Row, insertion, text
from ..guards.database.sensitivity import Purpose, purpose
from ..guards.database.stranger import ANON, Visitor
from .people import ADMIN, OWNER, Administrator
from .queries import Queries, Query

# What PostgreSQL asks only once the policies have let a row through.
_BEYOND = {"23505", "23514", "23502", "23503", "23001", "23P01", "22P02"}
_HANDLE = re.compile(
    r"slug|handle|user_?name|token|code|share|public|subdomain|link|email", re.IGNORECASE
)
_OPEN = {Purpose.CATALOGUE, Purpose.BUSINESS}


@dataclass(frozen=True)
class Answer:
    """How many rows it got at, or why it was refused."""

    rows: int = 0
    refused: str = ""

    def keeps(self, before: "Answer") -> bool:
        """Whether nothing that was allowed before is lost."""
        if before.refused or not before.rows:
            return True
        return not self.refused and self.rows >= before.rows


@dataclass(frozen=True)
class Lost:
    """A query that a proposal takes something from."""

    query: Query
    visitor: str
    before: Answer
    after: Answer

    def __str__(self) -> str:
        got = self.after.refused or f"gets {self.after.rows} of {self.before.rows} rows"
        return f"{self.query} as {self.visitor}: {got}"


class Rightful:
    """Runs queries against the rows that are there; nothing they do stays."""

    def __init__(self, acted: Acted, queries: Queries, admin: Administrator | None) -> None:
        self.acted = acted
        self.queries = queries
        self.admin = admin
        scene = acted.scene
        self._tables = {table.name: table for table in scene.relations.tables.values()}
        self._views = {view.name: view for view in scene.relations.views}
        self._functions = {one.name: one for one in scene.relations.functions}

    def known(self, query: Query) -> bool:
        """Whether the migrations make what it asks for."""
        if query.operation == "rpc":
            return query.table in self._functions
        return query.table in self._tables or query.table in self._views

    def visitors(self, query: Query) -> tuple[Visitor, ...]:
        """Who may rightfully make it. Without a log-in of the database's own all are anon."""
        if not self.queries.signs_in(query):
            return (ANON,)
        if query.admin and self.admin is not None:
            return (ADMIN,)
        if self._without_account(query):
            return (OWNER, ANON)
        return (OWNER,)

    def _without_account(self, query: Query) -> bool:
        table = self._tables.get(query.table)
        if query.operation == "rpc":
            return not query.signed_in
        if table is None:
            return False
        kind = purpose(table.name)
        if query.operation == "select":
            return kind in _OPEN and not query.own
        if query.operation == "insert":
            owners = self.acted.scene.ownership.owners.get(table.relation, frozenset())
            return kind is Purpose.INTAKE or any(query.sent.guest(name) for name in owners)
        return False

    def run(self, query: Query, visitor: Visitor) -> Answer:
        """What the visitor gets by it."""
        stage = self.acted.stage
        most = 0
        try:
            with stage.visited(visitor):
                for statement, values in self._statements(query, visitor):
                    count, _ = stage.run(statement, values)
                    most += max(count, 0)
        except psycopg.Error as error:
            if error.sqlstate in _BEYOND or (query.operation == "rpc" and _ran(error)):
                return Answer(most + 1)
            return Answer(refused=str(error).partition("\n")[0][:200])
        return Answer(most)

    def _statements(
        self, query: Query, visitor: Visitor
    ) -> Iterator[tuple[Composed, dict[str, str | None]]]:
        table, view = self._tables.get(query.table), self._views.get(query.table)
        if query.operation == "rpc":
            yield self._call(self._functions[query.table])
        elif table is not None:
            yield from self._of_table(table, query, visitor)
        elif view is not None:
            yield SQL("select * from {}").format(view.sql), {}

    def _call(self, function: Function) -> tuple[Composed, dict[str, str | None]]:
        given = [argument(self.acted.scene, name, kind) for name, kind in function.arguments]
        return invocation(function), {f"a{n}": value for n, value in enumerate(given)}

    def _of_table(
        self, table: Table, query: Query, visitor: Visitor
    ) -> Iterator[tuple[Composed, dict[str, str | None]]]:
        if query.operation in {"insert", "upsert"}:
            yield self._insert(table, query, visitor)
        if query.operation == "insert":
            return
        where, values = self._condition(table, query, visitor)
        if query.operation == "select":
            yield (
                SQL("select {} from {} where {}").format(_columns(table, query), table.sql, where),
                values,
            )
        elif query.operation == "delete":
            yield SQL("delete from {} where {}").format(table.sql, where), values
        elif changes := self._changes(table, query):
            yield SQL("update {} set {} where {}").format(table.sql, changes, where), values

    def _condition(
        self, table: Table, query: Query, visitor: Visitor
    ) -> tuple[Composed, dict[str, str | None]]:
        parts: list[Composable] = []
        values: dict[str, str | None] = {}
        for name in sorted(query.own):
            column = table.column(name)
            if column is None or visitor.person is None:
                continue
            email = self.acted.scene.ownership.names(table, name)
            values[f"own_{len(values)}"] = visitor.person.email if email else visitor.person.uid
            parts.append(_equal(name, f"own_{len(values) - 1}"))
        row = self._row(table, query)
        if query.embedded and query.filters and row is not None:
            # What belongs to the row that was asked for.
            return row.condition, row.parameters
        for name in dict.fromkeys(query.filters):
            if row is not None and self._singles_out(table, query, name):
                values[f"eq_{len(values)}"] = text(row.values.get(name))
                parts.append(_equal(name, f"eq_{len(values) - 1}"))
        return SQL(" and ").join(parts) if parts else SQL("{}").format(SQL("true")), values

    def _singles_out(self, table: Table, query: Query, name: str) -> bool:
        """Whether the filter names a row. One that names other people by their id names all that
        there may be: the caller's own row would prove nothing."""
        if table.column(name) is None:
            return False
        if self.acted.scene.ownership.identifies(table, name):
            return False
        unique = (name,) in (table.key, *table.unique)
        return unique or table.reference(name) is not None

    def _row(self, table: Table, query: Query) -> Row | None:
        """Whose row is asked for: one's own, unless it is looked up by what is given away."""
        handles = [name for name in query.filters if _HANDLE.search(name)]
        person = SPARE if handles and not query.own else VICTIM
        seeded = self.acted.scene.seeded
        return seeded.row(table.relation, person) or seeded.row(table.relation, VICTIM)

    def _changes(self, table: Table, query: Query) -> Composed | None:
        names = [name for name in query.sent.keys if table.column(name)]
        if not names:
            owners = self.acted.scene.ownership.owners.get(table.relation, frozenset())
            names = [
                column.name
                for column in table.columns
                if not column.generated and column.name not in {*table.key, *owners}
            ]
        kept = [Identifier(name) for name in sorted(names)]
        if not kept:
            return None
        return SQL(", ").join(SQL("{} = {}").format(name, name) for name in kept)

    def _insert(
        self, table: Table, query: Query, visitor: Visitor
    ) -> tuple[Composed, dict[str, str | None]]:
        draft = Draft(self.acted.seeder, table, visitor.person or VICTIM)
        seeded = self.acted.scene.seeded.row(table.relation, VICTIM)
        if seeded is not None:
            draft.take_form(seeded)
        if query.sent.whole:
            for name in set(draft.values) - query.sent.keys:
                del draft.values[name]
        if visitor.person is None:
            for name in self.acted.scene.ownership.owners.get(table.relation, ()):
                draft.values.pop(name, None)
        statement = insertion(table, draft.values)
        if query.returning:
            statement = SQL("{} returning *").format(statement)
        return statement, draft.parameters


def _ran(error: psycopg.Error) -> bool:
    """Whether a function was entered: made-up arguments may still displease it."""
    return not str(error).startswith("permission denied for function")


def _equal(name: str, value: str) -> Composed:
    return SQL("{}::text = {}").format(Identifier(name), Placeholder(value))


def _columns(table: Table, query: Query) -> Composable:
    names = [name for name in query.columns if table.column(name)]
    return SQL(", ").join(map(Identifier, names)) if names else SQL("*")
