"""A scratch PostgreSQL for SQL that we do not trust: no superuser, no files, no network.

Each replay gets a database called `postgres`, as migrations name it, cloned from a template that
holds the shim; afterwards it is renamed, and in the end dropped with the roles it made.
"""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from ...postgres import PostgresServer, temporary_server
from . import shim

SUPERUSER = "scratch_superuser"
TEMPLATE = "scratch_template"
MAINTENANCE = "scratch_maintenance"
NEEDED_VERSION = 18
MOST_MEMORY = 3 * 1024**3
SHIM = Path(__file__).parent / "shim"
RECORDER = SHIM / "recorder.sql"
EVENT_TRIGGERS = SHIM / "event_triggers.sql"

_LIMITS = {
    "jit": "off",
    "temp_file_limit": "'256MB'",
    "max_parallel_workers_per_gather": "0",
    "default_transaction_isolation": "'read committed'",
}


class TooOld(Exception):
    """The server found here has no `extension_control_path`."""


class Scratch:
    """A running server with the template made."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._roles: frozenset[str] = frozenset()

    @property
    def data(self) -> Path:
        return (self.server.home / "data").resolve()

    @property
    def pid(self) -> int | None:
        return self.server.pid

    def url(self, user: str, database: str) -> str:
        # Event triggers of a migration must never run with the superuser's rights.
        options = (
            quote("-c event_triggers=off -c search_path=pg_catalog") if user == SUPERUSER else ""
        )
        tail = f"&options={options}" if options else ""
        return (
            f"postgresql://{user}@/{quote(database)}?host={quote(str(self.server.sockets))}"
            f"&port={self.server.port}{tail}"
        )

    def admin(self, database: str = MAINTENANCE) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.url(SUPERUSER, database), autocommit=True)

    def prepare(self) -> None:
        """Rename the first superuser and database away, and make the template."""
        with psycopg.connect(self.server.admin_url, autocommit=True) as connection:
            if connection.info.server_version // 10000 < NEEDED_VERSION:
                raise TooOld
            connection.execute(f"create role {SUPERUSER} superuser login")
            connection.execute(f"create database {MAINTENANCE}")
        self._write_extensions()
        with self.admin() as connection:
            connection.execute(f"alter role postgres rename to {SUPERUSER}_0")
            connection.execute("alter database postgres rename to scratch_first")
            connection.execute(f"create database {TEMPLATE}")
        with self.admin(TEMPLATE) as connection:
            connection.execute("set search_path = public")
            connection.execute("set check_function_bodies = off")
            # Without parameters psycopg sends it whole, over the simple protocol.
            connection.execute(shim.supabase_sql().encode())
            connection.execute(RECORDER.read_bytes())
            connection.execute(EVENT_TRIGGERS.read_bytes())
            self._roles = frozenset(_roles(connection))
        if self.pid is not None:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                resource.prlimit(self.pid, resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))

    def _write_extensions(self) -> None:
        folder = self.data / "shim"
        installed = self.server.binaries.path("postgres").parent.parent / "share"
        own = next((path.parent for path in installed.rglob("plpgsql.control")), installed)
        shim.write_extensions(folder / "extension", own)
        for path in (folder, folder / "extension", *(folder / "extension").iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        with self.admin() as connection:
            connection.execute(f"alter system set extension_control_path = '{folder}:$system'")
            connection.execute("select pg_reload_conf()")

    @contextlib.contextmanager
    def database(self, supabase: bool = True) -> Iterator[str]:
        """A fresh database, called `postgres` until the first statement of `settle`."""
        with self.admin() as connection:
            connection.execute(f"create database postgres template {TEMPLATE} owner postgres")
            connection.execute(
                "alter database postgres set search_path = "
                + ("'$user', public, extensions" if supabase else "'$user', public")
            )
            for name, value in _LIMITS.items():
                connection.execute(f"alter database postgres set {name} = {value}".encode())
        try:
            yield "postgres"
        finally:
            self._drop("postgres")

    def _drop(self, database: str) -> None:
        with contextlib.suppress(psycopg.Error), self.admin() as connection:
            connection.execute(f"drop database {database} with (force)")
            for role in set(_roles(connection)) - self._roles:
                with contextlib.suppress(psycopg.Error):
                    connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def _roles(connection: "psycopg.Connection[tuple[object, ...]]") -> list[str]:
    rows = connection.execute("select rolname::text from pg_catalog.pg_roles").fetchall()
    return [str(row[0]) for row in rows]


@contextlib.contextmanager
def scratch_server() -> Iterator[Scratch]:
    """A throwaway server with the template.

    Raises:
        PostgresError: there is no PostgreSQL, or it does not start.
        TooOld: it is older than 18.
    """
    with temporary_server() as server:
        scratch = Scratch(server)
        scratch.prepare()
        yield scratch
