"""What is in a database, as numbers that a restored copy has to reproduce."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import IsolationLevel, sql

from .errors import NotReadyError
from .manifest import TableContent

# Rows are compared as text, so everything that shapes that text is fixed. With row security off,
# a policy that would hide rows is an error instead of a smaller count.
_SESSION = {
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmlbinary": "base64",
    "row_security": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "60s",
}
_WITH_TRANSACTION_TIMEOUT = 170_000

# Partitions hold the rows of a partitioned table. An extension's tables come with the extension.
_TABLES = """
    SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname
"""

# Two sums over 64 bits of each row's SHA-256: independent of the order of the rows, sensitive to
# how often each occurs, and one pass over the table. Of SQL_ASCII the server does not know what the
# bytes mean.
_CONTENT = """
    SELECT count(*),
        coalesce(sum(('x' || substr(digest, 1, 16))::bit(64)::bigint), 0),
        coalesce(sum(('x' || substr(digest, 17, 16))::bit(64)::bigint), 0)
    FROM (
        SELECT encode(sha256(convert_to((content.*)::text,
            CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END
        )), 'hex') AS digest
        FROM ONLY {table} AS content) AS rows
"""

_OCCUPIED = """
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relkind <> 'r', 1
"""

_HEADS = "alembic_version"


def connect(url: str) -> psycopg.Connection:
    """A connection of its own, in autocommit, on which nothing times out."""
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=10,
            application_name="backup",
            client_encoding="UTF8",
        )
    except psycopg.OperationalError as error:
        raise NotReadyError(f"The database does not answer: {error}".strip()) from error
    for name, value in _SESSION.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    if connection.info.server_version >= _WITH_TRANSACTION_TIMEOUT:
        connection.execute("SET transaction_timeout = 0")
    return connection


@contextmanager
def snapshot(connection: psycopg.Connection) -> Iterator[str]:
    """One unchanging view of the database, by the name under which pg_dump can share it."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction():
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield row[0]


Counts = Callable[[str, str], bool]


def every_table(_schema: str, _table: str) -> bool:
    return True


def measure(
    connection: psycopg.Connection, counts: Counts = every_table
) -> dict[str, TableContent]:
    """Rows and checksum of every table that pg_dump would write, or of those that count."""
    tables = connection.execute(_TABLES).fetchall()
    return {
        name: _measure_table(connection, sql.Identifier(schema, table))
        for schema, table, name in tables
        if counts(schema, table)
    }


def _measure_table(connection: psycopg.Connection, table: sql.Identifier) -> TableContent:
    row = connection.execute(sql.SQL(_CONTENT).format(table=table)).fetchone()
    assert row is not None
    rows, high, low = row
    return TableContent(rows=rows, checksum=f"{int(high) % 2**64:016x}{int(low) % 2**64:016x}")


def migration_heads(connection: psycopg.Connection) -> tuple[str, ...]:
    """The revisions that the database is at; none if it was never migrated."""
    tables = [
        sql.Identifier(schema, table)
        for schema, table, _ in connection.execute(_TABLES)
        if table == _HEADS
    ]
    heads = set[str]()
    for table in tables:
        query = sql.SQL("SELECT version_num FROM {table}").format(table=table)
        heads.update(head for (head,) in connection.execute(query))
    return tuple(sorted(heads))


def occupants(connection: psycopg.Connection) -> list[str]:
    """What is in a database besides what every new one has."""
    return [name for (name,) in connection.execute(_OCCUPIED)]


def differences(expected: dict[str, TableContent], found: dict[str, TableContent]) -> list[str]:
    """One line for each table that is not as recorded."""
    lines = []
    for name in sorted(expected.keys() | found.keys()):
        was, now = expected.get(name), found.get(name)
        if was is None:
            lines.append(f"{name} is not in the manifest")
        elif now is None:
            lines.append(f"{name} is missing")
        elif was.rows != now.rows:
            lines.append(f"{name} has {now.rows} rows instead of {was.rows}")
        elif was != now:
            lines.append(f"{name} has other content in its {was.rows} rows")
    return lines
