"""Brings the database to the newest revisions: once, however many replicas ask for it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path

import structlog
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from .database import sqlalchemy_url
from .database_url import session_options
from .settings import PlatformSettings

# Two processes migrate the same database if they hold the same number.
ADVISORY_LOCK = 0x6D696772617465
PATIENCE = 600.0
ATTEMPTS = 6

LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED = "55P03", "40P01"

_log = structlog.get_logger(__name__)


class MigrationBlocked(Exception):
    """Somebody else kept what the migration needs; it gave up and what it began is undone."""


def configuration() -> Config:
    """Alembic's configuration: $ALEMBIC_CONFIG, beside `src`, or in the working directory."""
    if named := os.environ.get("ALEMBIC_CONFIG"):
        return Config(named)
    checkout = Path(__file__).parents[3] / "alembic.ini"
    return Config(checkout if checkout.exists() else Path("alembic.ini").resolve())


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(configuration())


def expected_heads() -> frozenset[str]:
    """What a fully migrated database records; a revision that another depends on is implied."""
    return frozenset(_scripts().get_heads(consider_depends_on=True))


async def current_heads(connection: AsyncConnection) -> frozenset[str]:
    """What this database records."""
    if await connection.scalar(text("select to_regclass('alembic_version') is null")):
        return frozenset()
    return frozenset(await connection.scalars(text("select version_num from alembic_version")))


async def missing_heads(connection: AsyncConnection) -> frozenset[str]:
    """What this code needs and the database lacks.

    Nothing, if a newer release has migrated it: while that rolls out, or after it was rolled back,
    this code must go on serving.
    """
    current = await current_heads(connection)
    known = {script.revision for script in _scripts().walk_revisions()}
    return frozenset() if current - known else expected_heads() - current


@asynccontextmanager
async def connected(settings: PlatformSettings) -> AsyncIterator[AsyncConnection]:
    """A connection that waits for a lock no longer than a request can, and works without limit.

    A statement that queues for a lock blocks all that queue behind it: that is the outage.
    """
    options = f"-c lock_timeout={int(settings.lock_timeout * 1000)} -c timezone=UTC"
    engine = create_async_engine(
        sqlalchemy_url(settings.database_url),
        connect_args={
            "application_name": f"{settings.service_name} migrations",
            "connect_timeout": 10,
            "options": session_options(settings.database_url, options),
        },
        poolclass=NullPool,
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


@contextmanager
def concurrently() -> Iterator[None]:
    """For `create index concurrently` in a revision: outside of a transaction, waiting its turn.

    Such a statement lets others read and write while it waits, so no time limit is needed; one
    would leave an invalid index behind.
    """
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = 0")
        yield
        op.execute("reset lock_timeout")


def upgrade(settings: PlatformSettings) -> None:
    """Apply what is missing.

    Raises:
        MigrationBlocked: a lock could not be had in several attempts.
    """
    asyncio.run(_upgrade(settings))


async def _upgrade(settings: PlatformSettings) -> None:
    # A lock of the session: a connection pooler in transaction mode would lose it, so migrations
    # need a direct connection.
    async with connected(settings) as connection:
        if not await _lock_or_find_it_done(connection):
            return
        before = await current_heads(connection)
        for attempt in range(1, ATTEMPTS + 1):
            await connection.commit()
            try:
                await connection.run_sync(_to_heads)
            except DBAPIError as error:
                await connection.rollback()
                if not _is_lock_conflict(error):
                    raise
                _log.warning("migration_blocked", attempt=attempt, of=ATTEMPTS)
                if attempt == ATTEMPTS:
                    raise MigrationBlocked(_blocked(settings)) from error
                await asyncio.sleep(settings.lock_timeout * attempt / 2)
            else:
                after = await current_heads(connection)
                _log.info("migrated", before=sorted(before), after=sorted(after))
                return


async def _lock_or_find_it_done(connection: AsyncConnection) -> bool:
    """Take the lock, unless somebody else does the work meanwhile.

    It asks again and again rather than wait inside the database: a waiting statement holds a
    snapshot, for which `create index concurrently` would wait in turn.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE
    attempt = text("select pg_try_advisory_lock(:key)").bindparams(key=ADVISORY_LOCK)
    while True:
        locked = (await connection.execute(attempt)).scalar_one()
        missing = await missing_heads(connection)
        await connection.commit()
        if not missing:
            return False
        if locked:
            return True
        if asyncio.get_running_loop().time() > deadline:
            raise MigrationBlocked(
                f"Another process has been migrating this database for {PATIENCE:.0f} s. If it "
                "hangs, end it; then migrate again."
            )
        await asyncio.sleep(0.25)


def _to_heads(connection: Connection) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")


def _is_lock_conflict(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in {LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED}


def _blocked(settings: PlatformSettings) -> str:
    return (
        f"The migration could not lock a table within {settings.lock_timeout:g} s, {ATTEMPTS} "
        "times. It gave up rather than make requests queue behind it; revisions already finished "
        "stay. See pg_stat_activity for the long transaction that holds the lock, end it or wait "
        "for it, then migrate again."
    )
