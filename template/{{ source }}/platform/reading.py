"""Queries that SQLAlchemy writes and the driver runs.

Through SQLAlchemy's asynchronous layer a small query takes three times as long.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Label, Select
from sqlalchemy.engine import Connection, Dialect, IteratorResult, Result
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_SEEN: Final = object()


class Query:
    """A compiled SELECT: its text, how its parameters go in, and how its rows come out."""

    def __init__(self, compiled: Any, columns: Sequence[Mapping[str, Any]]) -> None:
        self.sql = str(compiled)
        self._compiled = compiled
        self._columns = columns
        self._dialect: Dialect = compiled.dialect
        self._writers = [
            (name, write)
            for parameter, name in compiled.bind_names.items()
            if (write := parameter.type.dialect_impl(self._dialect).bind_processor(self._dialect))
        ]
        self._readers: list[tuple[int, Callable[[Any], Any]]] = []
        self._metadata: SimpleResultMetaData | None = None

    def bind(self, parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """None when they don't fit: SQLAlchemy knows best how to say so."""
        try:
            bound: dict[str, Any] = self._compiled.construct_params(parameters)
            for name, write in self._writers:
                bound[name] = write(bound[name])
        except Exception:
            return None
        return bound

    def result(self, cursor: psycopg.AsyncCursor[Any], rows: Sequence[Any]) -> Result[Any]:
        metadata = self._metadata or self._learn(cursor.description or ())
        if self._readers:
            rows = [self._read(row) for row in rows]
        return IteratorResult(metadata, iter(rows))

    def _learn(self, described: Sequence[psycopg.Column]) -> SimpleResultMetaData:
        """The first answer tells the names and types that PostgreSQL gave the columns."""
        for place, (column, answer) in enumerate(zip(self._columns, described, strict=True)):
            kind = column["type"].dialect_impl(self._dialect)
            if read := kind.result_processor(self._dialect, answer.type_code):
                self._readers.append((place, read))
        self._metadata = SimpleResultMetaData(
            [answer.name for answer in described],
            [_also_known_as(column["expr"]) for column in self._columns],
        )
        return self._metadata

    def _read(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for place, read in self._readers:
            values[place] = read(values[place])
        return tuple(values)


def _also_known_as(column: Any) -> tuple[Any, ...]:
    """What a row's value can be asked for by, beside its name."""
    return (column, column.element) if isinstance(column, Label) else (column,)


class Queries:
    """The queries that were compiled, each for as long as its statement lives.

    A statement that is seen again was built once, to be used often: that pays for compiling it.
    SQLAlchemy's own cache serves one that is built anew for every request.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: WeakKeyDictionary[Select[Any], Any] = WeakKeyDictionary()

    def of(self, statement: object) -> Query | None:
        """None for what SQLAlchemy had better run itself."""
        if not isinstance(statement, Select):
            return None
        query = self._known.get(statement)
        if query is None:
            self._known[statement] = _SEEN
        elif query is _SEEN:
            query = self._known[statement] = self._compile(statement) or False
        return query if isinstance(query, Query) else None

    def _compile(self, statement: Select[Any]) -> Query | None:
        columns: Sequence[Mapping[str, Any]] = statement.column_descriptions
        ambiguous = len({column["name"] for column in columns}) < len(columns)
        if ambiguous or statement.get_execution_options() or "entity" in columns[0]:
            return None
        compiled: Any = statement.compile(dialect=self._dialect)
        return Query(compiled, columns) if _has_one_text(compiled) else None


def _has_one_text(compiled: Any) -> bool:
    """Whether the text is the same whatever the parameters are; an IN grows with its list."""
    return not (
        compiled.post_compile_params
        or compiled.literal_execute_params
        or compiled.escaped_bind_names
    )


class ReadingConnection(AsyncConnection):
    """A connection whose plain queries go straight to the driver, and all else the usual way.

    Statements, parameters, types, rows and errors are SQLAlchemy's. Its events see only what goes
    the usual way; traces and metrics follow the driver's cursor, which sees everything.
    """

    __slots__ = ("_queries",)

    def __init__(self, engine: AsyncEngine, queries: Queries) -> None:
        super().__init__(engine)
        self._queries = queries

    async def execute(
        self, statement: Any, parameters: Any = None, *, execution_options: Any = None
    ) -> Any:
        connection: Any = self.sync_connection
        query = None
        if not execution_options and isinstance(parameters, dict | None) and _is_plain(connection):
            query = self._queries.of(statement)
        values = query.bind(parameters) if query else None
        if query is None or values is None:
            return await super().execute(statement, parameters, execution_options=execution_options)
        driver: psycopg.AsyncConnection = connection.connection.driver_connection
        try:
            cursor = await driver.execute(query.sql, values)
            rows = await cursor.fetchall()
        except asyncio.CancelledError:
            await self.invalidate()
            raise
        except psycopg.Error as error:
            if driver.closed:
                # This fails again, at once, and SQLAlchemy sees to the rest of its pool.
                return await super().execute(statement, parameters)
            raise DBAPIError.instance(
                query.sql, values, error, psycopg.Error, hide_parameters=True
            ) from error
        return query.result(cursor, rows)


def _is_plain(connection: Connection | None) -> bool:
    return not (
        connection is None
        or connection.closed
        or connection.invalidated
        or connection.get_execution_options()
    )
