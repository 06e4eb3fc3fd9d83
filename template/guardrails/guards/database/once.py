"""Statements that go to the server in one message, behind a savepoint of their own."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import ClientCursor, Connection
from psycopg.sql import SQL, Composable, Composed

_SAVE = SQL("savepoint attempt")
_UNDO = SQL("rollback to savepoint attempt")
_KEEP = SQL("release savepoint attempt")
_LEAVE = SQL("rollback to savepoint attempt; release savepoint attempt")
Answer = tuple[int, tuple[Any, ...] | None]


def send(connection: Connection[Any], statement: SQL | Composed, values: Mapping[str, Any]) -> None:
    """Several statements whose answers nobody needs."""
    with ClientCursor(connection) as cursor:
        cursor.execute(statement, values)


def undone(connection: Connection[Any], statement: Composable, values: Mapping[str, Any]) -> Answer:
    """How many rows the statement touched, and the first that it gave; nothing of it stays."""
    return _answer(connection, [_SAVE, statement, _UNDO, _KEEP], values, 1)


def kept(
    connection: Connection[Any],
    statement: Composable,
    values: Mapping[str, Any],
    before: Composable,
    after: Composable,
) -> Answer:
    """The same for what shall stay unless it fails, between two settings."""
    return _answer(connection, [_SAVE, before, statement, after, _KEEP], values, 2)


def _answer(
    connection: Connection[Any], parts: list[Composable], values: Mapping[str, Any], at: int
) -> Answer:
    with ClientCursor(connection) as cursor:
        try:
            cursor.execute(SQL(";\n").join(parts), values)
        except psycopg.Error:
            if not connection.closed:
                cursor.execute(_LEAVE)
            raise
        for _ in range(at):
            cursor.nextset()
        return cursor.rowcount, cursor.fetchone() if cursor.description else None
