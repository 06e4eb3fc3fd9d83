"""Statements that go to the server together, behind a savepoint of their own."""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg import ClientCursor, Connection
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Composable, Composed, Placeholder

_SAVE = SQL("savepoint attempt")
_UNDO = SQL("rollback to savepoint attempt")
_KEEP = SQL("release savepoint attempt")
_LEAVE = SQL("rollback to savepoint attempt; release savepoint attempt")
Answer = tuple[int, tuple[Any, ...] | None]


def beside_values(statement: Composable) -> Composed:
    """The statement for a call with values, in which a name's own % is no placeholder."""
    return Composed(list(_parts(statement)))


def _parts(statement: Composable) -> Iterator[Composable]:
    if isinstance(statement, Composed):
        for part in statement:
            yield from _parts(part)
    elif isinstance(statement, (SQL, Placeholder)):
        yield statement
    else:
        yield SQL(statement.as_string(None).replace("%", "%%"))


def send(connection: Connection[Any], statement: SQL | Composed, values: Mapping[str, Any]) -> None:
    """Several statements whose answers nobody needs."""
    with ClientCursor(connection) as cursor:
        cursor.execute(beside_values(statement), values)


def undone(connection: Connection[Any], statement: Composable, values: Mapping[str, Any]) -> Answer:
    """How many rows the statement touched, and the first that it gave; nothing of it stays."""
    return _answer(connection, [statement, _UNDO, _KEEP], values, 0)


def kept(
    connection: Connection[Any],
    statement: Composable,
    values: Mapping[str, Any],
    before: Composable,
    after: Composable,
) -> Answer:
    """The same for what shall stay unless it fails, between two settings."""
    return _answer(connection, [before, statement, after, _KEEP], values, 1)


def _answer(
    connection: Connection[Any], parts: list[Composable], values: Mapping[str, Any], at: int
) -> Answer:
    with ClientCursor(connection) as cursor:
        # By itself: of a message that can't be parsed nothing is done, the savepoint neither.
        cursor.execute(_SAVE)
        try:
            cursor.execute(beside_values(SQL(";\n").join(parts)), values)
        except psycopg.Error:
            # Nothing was sent where the values did not fit the statement.
            if connection.info.transaction_status is TransactionStatus.INERROR:
                cursor.execute(_LEAVE)
            else:
                cursor.execute(_KEEP)
            raise
        for _ in range(at):
            cursor.nextset()
        return cursor.rowcount, cursor.fetchone() if cursor.description else None
