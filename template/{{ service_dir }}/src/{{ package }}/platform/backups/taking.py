"""Takes a backup: dump, manifest and retention, one at a time for a database."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

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
from .contents import connect, measure, migration_heads, snapshot
from .errors import BackupError, StageFailedError
from .keys import Recipient
from .locks import only_one
from .manifest import Facts, Manifest
from .retention import Retention, delete
from .stores import Store

_DATABASE = """
    SELECT current_database(), pg_encoding_to_char(encoding), pg_database_size(oid)
    FROM pg_database WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Taken:
    name: str
    manifest: Manifest


def create(
    store: Store, database_url: str, recipients: Sequence[Recipient], service: str, now: datetime
) -> Taken:
    """Dump, encrypt and store; the manifest last. Whatever goes wrong, no backup is left behind."""
    with connect(database_url) as connection, only_one(connection, "backup"):
        pg_dump = find_program("pg_dump", server_version(connection))
        name = new_name(now)
        with snapshot(connection) as shared:
            facts, size = _facts(connection, pg_dump, service, now)
            with running(
                pg_dump,
                ["--format=custom", "--compress=6", "--lock-wait-timeout=60000",
                 f"--snapshot={shared}"],
                connection_environment(database_url),
            ) as dump:  # fmt: skip
                stored = archive.write(
                    store, name + DUMP, dump, recipients, facts.digest(), expected_size=size
                )
        manifest = Manifest.of(facts, stored)
        try:
            _still_ours(connection)
            store.put(name + MANIFEST, [manifest.render()])
        except BaseException:
            with suppress(BackupError):
                store.delete(name + DUMP)
            raise
    return Taken(name, manifest)


def prune(store: Store, retention: Retention, now: datetime, *, dry_run: bool) -> list[Entry]:
    """Delete what nothing keeps; return it."""
    found = entries(store)
    reasons = retention.reasons(found, now)
    superfluous = [entry for entry in found if not reasons[entry.name]]
    if not dry_run:
        for entry in superfluous:
            delete(store, entry)
    return superfluous


def _facts(
    connection: psycopg.Connection, pg_dump: ClientProgram, service: str, now: datetime
) -> tuple[Facts, int]:
    row = connection.execute(_DATABASE).fetchone()
    assert row is not None
    database, encoding, size = row
    facts = Facts(
        service=service,
        created_at=now,
        database=database,
        encoding=encoding,
        server_version=dotted(server_version(connection)),
        pg_dump_version=dotted(pg_dump.version),
        migration_heads=migration_heads(connection),
        tables=measure(connection),
    )
    return facts, size


def _still_ours(connection: psycopg.Connection) -> None:
    try:
        connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise StageFailedError(
            "The connection to the database, and with it the lock, was lost during the dump. "
            "No backup was kept."
        ) from error
