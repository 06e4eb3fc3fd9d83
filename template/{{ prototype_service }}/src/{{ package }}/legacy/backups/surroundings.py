"""What a restored prototype expects around it: roles that its policies name, and extensions.

Supabase has them in every project. Another server may not, and a drill runs on another server.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import structlog
from psycopg import sql

from ...platform.backups.errors import NotReadyError
from .selection import PrototypeFacts

_log = structlog.get_logger(__name__)

# By its comment a later drill knows a role that a killed one left.
_MADE_BY_A_DRILL = "made by a restore drill, and dropped at its end"

# For defaults of columns, which is what nearly all prototypes use these two for. Since PostgreSQL
# 13 the server itself can make what they make.
_STAND_INS = {
    "uuid-ossp": {
        "uuid_generate_v4() RETURNS uuid": "SELECT gen_random_uuid()",
        "uuid_generate_v1() RETURNS uuid": "SELECT gen_random_uuid()",
        "uuid_nil() RETURNS uuid": "SELECT '00000000-0000-0000-0000-000000000000'::uuid",
    },
    "pgcrypto": {
        "gen_random_uuid() RETURNS uuid": "SELECT pg_catalog.gen_random_uuid()",
        "gen_random_bytes(integer) RETURNS bytea": (
            "SELECT substring(decode(string_agg(md5(random()::text), ''), 'hex') FROM 1 FOR $1) "
            "FROM generate_series(1, $1 / 16 + 1)"
        ),
    },
}


@contextmanager
def roles(connection: psycopg.Connection, facts: PrototypeFacts) -> Iterator[list[str]]:
    """See that the roles exist while the block lasts; yields those that could not be made.

    Nobody can log in as one of them.
    """
    missing = _missing(connection, facts)
    try:
        with suppress(psycopg.errors.InsufficientPrivilege):
            for name in missing:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
                comment = sql.SQL("COMMENT ON ROLE {} IS {}")
                connection.execute(
                    comment.format(sql.Identifier(name), sql.Literal(_MADE_BY_A_DRILL))
                )
        yield _missing(connection, facts)
    finally:
        for name in _left(connection):
            # A drill of another service on this server may be using it.
            with suppress(psycopg.errors.DependentObjectsStillExist):
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def require_roles(connection: psycopg.Connection, facts: PrototypeFacts) -> None:
    """For a restore that is to stay: its roles are for a person to make."""
    if missing := _missing(connection, facts):
        raise NotReadyError(missing_roles(connection, missing))


def furnish(connection: psycopg.Connection, facts: PrototypeFacts, *, stand_ins: bool) -> None:
    """Make an empty database ready for pg_restore.

    Raises:
        NotReadyError: the server lacks an extension, and nothing can stand in for it.
    """
    if "public" in facts.schemas:
        # Of a chosen schema pg_dump writes the creation too.
        connection.execute("DROP SCHEMA public")
    available = _available(connection) if facts.extensions else set()
    for name, schema in facts.extensions.items():
        if name in available:
            if facts.schemas and schema not in facts.schemas:
                _create(connection, name, schema)
        elif stand_ins and name in _STAND_INS and schema not in facts.schemas:
            _stand_in(connection, name, schema)
        else:
            raise NotReadyError(
                f"The prototype's tables use the extension {name}, which this server lacks. "
                "Install it there, or give a server that has it"
                + (" with BACKUP_SCRATCH_URL." if stand_ins else ".")
            )


def _missing(connection: psycopg.Connection, facts: PrototypeFacts) -> list[str]:
    there = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    return [name for name in facts.roles if name not in there]


def missing_roles(connection: psycopg.Connection, missing: list[str]) -> str:
    statements = " ".join(
        sql.SQL("CREATE ROLE {} NOLOGIN;").format(sql.Identifier(name)).as_string(connection)
        for name in missing
    )
    return (
        f"The prototype's policies name roles that this server lacks: {', '.join(missing)}. Run "
        f"this there, as somebody who may: {statements} Or give a server of your own with "
        "BACKUP_SCRATCH_URL."
    )


def _left(connection: psycopg.Connection) -> list[str]:
    found = connection.execute(
        "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') = %s",
        (_MADE_BY_A_DRILL,),
    )
    return [name for (name,) in found]


def _available(connection: psycopg.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM pg_available_extensions")}


def _create(connection: psycopg.Connection, name: str, schema: str) -> None:
    _create_schema(connection, schema)
    statement = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {} CASCADE")
    try:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(schema)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotReadyError(
            f"The prototype's tables use the extension {name}, which the role "
            f"{connection.info.user} may not create. Give a server where it may with "
            "BACKUP_SCRATCH_URL, or a role that may."
        ) from error


def _stand_in(connection: psycopg.Connection, name: str, schema: str) -> None:
    _create_schema(connection, schema)
    for signature, body in _STAND_INS[name].items():
        statement = f"CREATE FUNCTION {{}}.{signature} LANGUAGE sql AS {{}}"
        connection.execute(sql.SQL(statement).format(sql.Identifier(schema), sql.Literal(body)))
    _log.info("backup_drill_stand_in", extension=name, reason="this server lacks it")


def _create_schema(connection: psycopg.Connection, schema: str) -> None:
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
