"""Connections to PostgreSQL: a bounded pool, a reader and a transaction for features."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

import psycopg
from fastapi import Depends, Request, Response
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from .database_url import session_options
from .reading import Queries, ReadingConnection
from .settings import PlatformSettings

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_READER = "reader"


def sqlalchemy_url(database_url: str) -> str:
    return (
        make_url(database_url)
        .set(drivername="postgresql+psycopg")
        .render_as_string(hide_password=False)
    )


class Database:
    """The pools of one process.

    Features go through SQLAlchemy, by `reader` and `transaction`. `pool` hands out plain
    autocommit connections for the one query that every request makes (the session look-up) and
    for what security must remember whatever becomes of the request.
    """

    def __init__(self, settings: PlatformSettings) -> None:
        options = (
            f"-c statement_timeout={int(settings.statement_timeout * 1000)} "
            f"-c lock_timeout={int(settings.lock_timeout * 1000)} "
            f"-c idle_in_transaction_session_timeout={int(settings.request_timeout * 1000)} "
            "-c timezone=UTC"
        )
        connect = {
            "application_name": settings.service_name,
            "connect_timeout": 3,
            "options": session_options(settings.database_url, options),
        }
        # Connections wait in autocommit, as most requests want them: turning one over and rolling
        # back what never began costs as much as a small query.
        self.engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(settings.database_url),
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            # An error must not quote the values of the statement that failed (CWE-209).
            hide_parameters=True,
            connect_args=connect,
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout,
            pool_recycle=1800,
        )
        self._queries = Queries(self.engine.dialect)
        self._writing = self.engine.execution_options(isolation_level="READ COMMITTED")
        self._pool_options: dict[str, Any] = {**connect, "autocommit": True}
        self.pool: AsyncConnectionPool[psycopg.AsyncConnection] = AsyncConnectionPool(
            settings.database_url,
            connection_class=psycopg.AsyncConnection,
            kwargs=self._pool_options,
            min_size=1,
            max_size=max(2, settings.database_pool_size // 2),
            timeout=settings.database_pool_timeout,
            open=False,
        )

    def use_cursor(self, cursor_class: type[psycopg.AsyncCursor[Any]]) -> None:
        """Let the statements of both pools run through such cursors; call it before they open."""

        def use(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
            connection.driver_connection.cursor_factory = cursor_class

        event.listen(self.engine.sync_engine, "connect", use)
        self._pool_options["cursor_factory"] = cursor_class

    async def open(self) -> None:
        """Start the pools; a database that is down is the readiness probe's to report."""
        await self.pool.open(wait=False)

    async def close(self) -> None:
        await self.pool.close()
        await self.engine.dispose()

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement stands for itself."""
        connection = await self.take_reader()
        try:
            yield connection
        finally:
            # Without the task that `async with` shields a roll-back with: there is none here.
            await connection.close()

    async def take_reader(self) -> AsyncConnection:
        """A reader for somebody who closes it."""
        return await ReadingConnection(self.engine, self._queries)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose statements take effect together, or not at all."""
        async with self._writing.begin() as connection:
            yield connection


async def _reader(request: Request) -> AsyncConnection:
    reader: AsyncConnection | None = request.scope.get(_READER)
    if reader is None:
        reader = request.scope[_READER] = await request.app.state.platform.database.take_reader()
    return reader


def returning_reader(handle: Handler) -> Handler:
    """`handle`, and what its function read through goes back to the pool.

    FastAPI would see to it, were the dependency a generator: for a tenth of a small request.
    """

    async def handle_and_return(request: Request) -> Response:
        try:
            return await handle(request)
        finally:
            if reader := request.scope.pop(_READER, None):
                await reader.close()

    return handle_and_return


async def _transaction(request: Request) -> AsyncIterator[AsyncConnection]:
    async with request.app.state.platform.database.transaction() as connection:
        yield connection


Reader = Annotated[AsyncConnection, Depends(_reader)]
# The scope ends a transaction before the response leaves: what was answered is committed.
Transaction = Annotated[AsyncConnection, Depends(_transaction, scope="function")]
