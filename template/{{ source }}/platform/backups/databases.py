"""Databases to restore into: found empty, or created and taken away again."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from secrets import token_hex

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from ..database_url import with_name
from .contents import connect, occupants
from .errors import NotReadyError, TargetNotEmptyError

# Databases from which another one can be created and dropped.
_MAINTENANCE = ("postgres", "template1")


def database_name(url: str) -> str:
    return make_url(url).database or ""


@contextmanager
def empty_database(url: str, encoding: str) -> Iterator[None]:
    """Provide the database of this URL, empty; take it away again if the block fails.

    Only what was created here is ever dropped.
    """
    if _exists(url):
        _refuse_occupied(url)
        yield
        return
    name = database_name(url)
    with _maintenance(url) as connection:
        _create(connection, name, encoding)
    try:
        yield
    except BaseException:
        with suppress(psycopg.Error, NotReadyError), _maintenance(url) as connection:
            _drop(connection, name)
        raise


def scratch_prefix(locked: str) -> str:
    """What only the scratch databases begin with that were made under this database's lock."""
    return f"restore_drill_{sha256(locked.encode()).hexdigest()[:8]}_"


@contextmanager
def scratch_database(connection: psycopg.Connection, encoding: str) -> Iterator[str]:
    """A database for one drill. The caller holds the connection's lock of drills."""
    prefix = scratch_prefix(connection.info.dbname)
    # No other such drill runs, so what has this name was left by one that was killed.
    left = connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (prefix,)
    ).fetchall()
    for (name,) in left:
        _drop(connection, name)
    name = prefix + token_hex(4)
    _create(connection, name, encoding)
    try:
        yield name
    finally:
        _drop(connection, name)


def _exists(url: str) -> bool:
    name = database_name(url)
    with _maintenance(url) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
        return found.fetchone() is not None


@contextmanager
def _maintenance(url: str) -> Iterator[psycopg.Connection]:
    """A connection to the server, preferably to none that is to be dropped."""
    failure: NotReadyError | None = None
    for name in (*_MAINTENANCE, database_name(url)):
        try:
            connection = connect(with_name(url, name))
        except NotReadyError as error:
            failure = failure or error
            continue
        with connection:
            yield connection
        return
    assert failure is not None
    raise failure


def _refuse_occupied(url: str) -> None:
    with connect(url) as connection:
        found = occupants(connection)
    if not found:
        return
    name = database_name(url)
    shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    raise TargetNotEmptyError(
        f"The database {name} is not empty ({shown}), and nothing here is ever dropped or mixed. "
        f"Restore beside it with --into {name}_restored, look at it, then swap the two names: "
        "docs/operations/backups.md shows how."
    )


def _create(connection: psycopg.Connection, name: str, encoding: str) -> None:
    create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {}").format(
        sql.Identifier(name), sql.Literal(encoding)
    )
    try:
        try:
            connection.execute(create)
        except psycopg.errors.WrongObjectType:
            # The server's locale is for another encoding; this one is for all of them.
            connection.execute(create + sql.SQL(" LOCALE 'C'"))
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotReadyError(
            f"The role {connection.info.user} may not create the database {name}. Grant it "
            "CREATEDB, create the database yourself and name it with --into, or for drills set "
            "BACKUP_SCRATCH_URL to a server where it may."
        ) from error


def _drop(connection: psycopg.Connection, name: str) -> None:
    drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    try:
        connection.execute(drop + sql.SQL(" WITH (FORCE)"))
    except psycopg.errors.InsufficientPrivilege:
        # Autovacuum is at work, which only a superuser may end; without FORCE it is made to leave.
        connection.execute(drop)
