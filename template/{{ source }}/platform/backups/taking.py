"""Takes a backup: dump, manifest and retention, one at a time for a database."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

import psycopg

from . import archive
from .catalogue import DUMP, MANIFEST, Entry, entries, new_name
from .client_programs import (
    ClientProgram,
    connection_environment,
    dotted,
    find_program,
    running,
    server_version,
)
from .contents import Counts, connect, every_table, measure, migration_heads, snapshot
from .errors import BackupError, StageFailedError
from .keys import Recipient
from .locks import only_one
from .manifest import DatabaseFacts, FactsT, Manifest, StoredObject
from .retention import Retention, delete
from .stores import Store

_DATABASE = """
    SELECT current_database(), pg_encoding_to_char(encoding)
    FROM pg_database WHERE datname = current_database()
"""
_SIZE = "SELECT pg_database_size(current_database())"


@dataclass(frozen=True, slots=True)
class Taken(Generic[FactsT]):
    name: str
    manifest: Manifest[FactsT]


def create(
    store: Store, database_url: str, recipients: Sequence[Recipient], service: str, now: datetime
) -> Taken[DatabaseFacts]:
    """Dump, encrypt and store; the manifest last. Whatever goes wrong, no backup is left behind."""
    with connect(database_url) as connection, only_one(connection, "backup"):
        pg_dump = find_program("pg_dump", server_version(connection))
        name = new_name(now)
        with snapshot(connection) as shared:
            facts = describe(connection, pg_dump, service, now)
            dump = Dumping(connection, pg_dump, database_url, shared)
            stored = dump.into(store, name, recipients, facts)
        return keep(store, name, Manifest.of(facts, stored), lambda: still_ours(connection))


@dataclass(frozen=True, slots=True)
class Dumping:
    """A run of pg_dump on the snapshot that `connection` has exported as `shared`."""

    connection: psycopg.Connection
    pg_dump: ClientProgram
    database_url: str
    shared: str

    def into(
        self,
        store: Store,
        name: str,
        recipients: Sequence[Recipient],
        facts: DatabaseFacts,
        selection: Sequence[str] = (),
    ) -> StoredObject:
        arguments = [
            "--format=custom",
            "--compress=6",
            "--lock-wait-timeout=60000",
            f"--snapshot={self.shared}",
            *selection,
        ]
        row = self.connection.execute(_SIZE).fetchone()
        assert row is not None
        environment = connection_environment(self.database_url)
        with running(self.pg_dump, arguments, environment) as dump:
            return archive.write(
                store, name + DUMP, dump, recipients, facts.digest, expected_size=row[0]
            )


def describe(
    connection: psycopg.Connection,
    pg_dump: ClientProgram,
    service: str,
    now: datetime,
    counts: Counts = every_table,
) -> DatabaseFacts:
    """The facts of the snapshot that `connection` is in, about the tables that count."""
    row = connection.execute(_DATABASE).fetchone()
    assert row is not None
    database, encoding = row
    return DatabaseFacts(
        service=service,
        created_at=now,
        database=database,
        encoding=encoding,
        server_version=dotted(server_version(connection)),
        pg_dump_version=dotted(pg_dump.version),
        migration_heads=migration_heads(connection),
        tables=measure(connection, counts),
    )


def keep(
    store: Store,
    name: str,
    manifest: Manifest[FactsT],
    check: Callable[[], object] = lambda: None,
) -> Taken[FactsT]:
    """Make a backup of what is stored, by its manifest; if that fails, nothing of it stays."""
    try:
        check()
        store.put(name + MANIFEST, [manifest.render()])
    except BaseException:
        with suppress(BackupError):
            store.delete(name + DUMP)
        raise
    return Taken(name, manifest)


def still_ours(connection: psycopg.Connection) -> None:
    """Look whether the session, and with it the lock, outlived the dump."""
    try:
        connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise StageFailedError(
            "The connection to the database, and with it the lock, was lost during the dump. "
            "No backup was kept."
        ) from error


def prune(store: Store, retention: Retention, now: datetime, *, dry_run: bool) -> list[Entry]:
    """Delete what nothing keeps; return it."""
    found = entries(store)
    reasons = retention.reasons(found, now)
    superfluous = [entry for entry in found if not reasons[entry.name]]
    if not dry_run:
        for entry in superfluous:
            delete(store, entry)
    return superfluous
