"""Spans and durations for SQL statements, and gauges for the pools they wait for."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import psycopg
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, get_current_span
from psycopg.abc import Params
from psycopg.rows import Row
from psycopg.sql import Composable
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from .durations import Durations

_LITERALS: Final = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
_TARGET: Final = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+(?:ONLY\s+)?([\w.\"]+)", re.IGNORECASE)
_MAX_STATEMENT: Final = 4096
_SYSTEM: Final = "postgresql"


@dataclass(frozen=True, slots=True)
class Statement:
    """What may be told of a statement: its text without values, and a short name."""

    text: str
    operation: str
    summary: str


@lru_cache(maxsize=512)
def describe(sql: str) -> Statement:
    operation = (sql.split(maxsplit=1) or ["SQL"])[0].upper()
    target = _TARGET.search(sql)
    summary = f"{operation} {target[1]}".replace('"', "") if target else operation
    return Statement(_LITERALS.sub("?", sql)[:_MAX_STATEMENT], operation, summary)


@dataclass(slots=True)
class _Running:
    statement: Statement
    began: float
    span: Span | None


class Statements:
    """Follows statements: a span inside a recorded trace, a duration always."""

    def __init__(self, tracer: Tracer, database: str) -> None:
        self._tracer = tracer
        self._database = database
        self.durations = Durations(
            "db.client.operation.duration",
            "Duration of database client operations.",
            ("db.system.name", "db.operation.name", "error.type"),
            (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0),
        )

    def begin(self, sql: str) -> _Running:
        statement = describe(sql)
        span = None
        if get_current_span().is_recording():
            span = self._tracer.start_span(
                statement.summary,
                kind=SpanKind.CLIENT,
                attributes={
                    "db.system.name": _SYSTEM,
                    "db.namespace": self._database,
                    "db.operation.name": statement.operation,
                    "db.query.summary": statement.summary,
                    "db.query.text": statement.text,
                },
            )
        return _Running(statement, time.perf_counter(), span)

    def end(self, running: _Running, error: BaseException | None = None) -> None:
        seconds = time.perf_counter() - running.began
        # The kind of error only: PostgreSQL's message may quote a row's values.
        kind: str | None = None
        if error is not None:
            kind = getattr(error, "sqlstate", None) or type(error).__name__
        self.durations.record((_SYSTEM, running.statement.operation, kind), seconds)
        if running.span is not None:
            if kind is not None:
                running.span.set_attribute("error.type", kind)
                running.span.set_status(StatusCode.ERROR)
            running.span.end()

    def cursor_class(self) -> type[psycopg.AsyncCursor[Row]]:
        """The cursor of connections whose statements are followed."""
        statements = self

        class FollowedCursor(psycopg.AsyncCursor[Row]):
            async def execute(
                self, query: Any, params: Params | None = None, **options: Any
            ) -> "FollowedCursor":
                running = statements.begin(_text(query))
                try:
                    await super().execute(query, params, **options)
                except BaseException as error:
                    statements.end(running, error)
                    raise
                statements.end(running)
                return self

            async def executemany(
                self, query: Any, params_seq: Iterable[Params], **options: Any
            ) -> None:
                running = statements.begin(_text(query))
                try:
                    await super().executemany(query, params_seq, **options)
                except BaseException as error:
                    statements.end(running, error)
                    raise
                statements.end(running)

        return FollowedCursor


def _text(query: Any) -> str:
    """The text of any of psycopg's kinds of query, t-strings excepted: those hold values."""
    match query:
        case str():
            return query
        case bytes():
            return query.decode()
        case Composable():
            return query.as_string()
        case _:
            return "SQL"


def watch_pools(meter: Meter, engine: AsyncEngine, pool: AsyncConnectionPool[Any]) -> None:
    """Gauges: connections used and idle, the most there may be, and who waits for one."""

    def counts() -> Iterable[tuple[str, int, int, int]]:
        if isinstance(queue := engine.pool, QueuePool):
            yield "sqlalchemy", queue.checkedout(), queue.checkedin(), queue.size()
        stats = pool.get_stats()
        idle = stats.get("pool_available", 0)
        yield "psycopg", stats.get("pool_size", 0) - idle, idle, pool.max_size

    def connections(_: CallbackOptions) -> Iterable[Observation]:
        for name, used, idle, _most in counts():
            named = {"db.client.connection.pool.name": name}
            yield Observation(used, named | {"db.client.connection.state": "used"})
            yield Observation(idle, named | {"db.client.connection.state": "idle"})

    def limits(_: CallbackOptions) -> Iterable[Observation]:
        for name, _used, _idle, most in counts():
            yield Observation(most, {"db.client.connection.pool.name": name})

    def waiting(_: CallbackOptions) -> Iterable[Observation]:
        waiting = pool.get_stats().get("requests_waiting", 0)
        yield Observation(waiting, {"db.client.connection.pool.name": "psycopg"})

    unit = "{connection}"
    meter.create_observable_up_down_counter(
        "db.client.connection.count", [connections], unit, "Connections by state."
    )
    meter.create_observable_up_down_counter(
        "db.client.connection.max", [limits], unit, "The most connections allowed."
    )
    meter.create_observable_up_down_counter(
        "db.client.connection.pending_requests", [waiting], "{request}", "Waiting for one."
    )
