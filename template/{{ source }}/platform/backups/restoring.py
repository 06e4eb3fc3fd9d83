"""Checks a backup whole, restores it into an empty database, and compares before it says so."""

import json
from collections.abc import Sequence
from datetime import datetime

import psycopg
from psycopg.conninfo import make_conninfo

from . import archive
from .catalogue import RECEIPT, Entry, load_manifest
from .client_programs import (
    ClientProgram,
    Version,
    connection_environment,
    dotted,
    find_program,
    parse_version,
    running,
    server_version,
)
from .contents import connect, differences, measure, migration_heads, snapshot
from .databases import database_name, empty_database
from .errors import (
    ContentDiffersError,
    NotReadyError,
    RestoreFailedError,
    UnreadableDumpError,
)
from .keys import Identity
from .manifest import DatabaseFacts, DatabaseFactsT, Manifest
from .stores import Store


def verify(
    store: Store,
    entry: Entry,
    identities: Sequence[Identity] | None,
    kind: type[Manifest[DatabaseFactsT]],
) -> Manifest[DatabaseFactsT]:
    """Check manifest and bytes; with a key also that it decrypts and that pg_restore reads it.

    Raises:
        DamagedError: the kind of damage.
    """
    manifest = load_manifest(store, entry, kind)
    if identities is None:
        archive.check_bytes(store, manifest)
        return manifest
    written_by = parse_version(manifest.facts.pg_dump_version)
    program = find_program("pg_restore", parse_version(manifest.facts.server_version), written_by)
    with running(program, ["--file=/dev/null"], {}, feeds=True) as reading:
        if complaint := archive.read(store, manifest, identities, reading):
            raise UnreadableDumpError(f"{entry.name} is no dump that can be read: {complaint}")
    return manifest


def keep_receipt(store: Store, entry: Entry, how: str, now: datetime) -> None:
    """Note that the backup was found good; retention never deletes the newest such one."""
    receipt = {"verified_at": now.isoformat(timespec="seconds"), "by": how}
    store.put(entry.name + RECEIPT, [json.dumps(receipt).encode() + b"\n"])


def restore(
    store: Store, entry: Entry, identities: Sequence[Identity], url: str, *, privileges: bool
) -> Manifest[DatabaseFacts]:
    """Restore into the empty or not yet existing database of `url`, in one transaction.

    Raises:
        ContentDiffersError: it was restored, but is not what the manifest recorded.
    """
    manifest = verify(store, entry, identities, Manifest[DatabaseFacts])
    with empty_database(url, manifest.facts.encoding):
        fill(store, manifest, identities, url, privileges=privileges)
    compare(manifest, url)
    return manifest


def fill(
    store: Store,
    manifest: Manifest[DatabaseFactsT],
    identities: Sequence[Identity],
    url: str,
    *,
    privileges: bool,
    without: Sequence[str] = (),
) -> None:
    """Run pg_restore; it commits everything, or nothing."""
    with connect(url) as connection:
        program = _pg_restore_for(server_version(connection), manifest)
    arguments = [
        "--exit-on-error",
        "--single-transaction",
        "--no-owner",
        *([] if privileges else ["--no-privileges"]),
        *without,
        f"--dbname={make_conninfo(dbname=database_name(url))}",
    ]
    with running(program, arguments, connection_environment(url), feeds=True) as restoring:
        if complaint := archive.read(store, manifest, identities, restoring):
            raise RestoreFailedError(f"{complaint}. Nothing of it was kept.")


def compare(manifest: Manifest[DatabaseFactsT], url: str) -> None:
    """Hold every table and the migration heads against the manifest."""
    with connect(url) as connection:
        with snapshot(connection):
            found = differences(manifest.facts.tables, measure(connection))
            heads = migration_heads(connection)
        if heads != manifest.facts.migration_heads:
            found.append(f"migrated to {heads}, not {manifest.facts.migration_heads}")
        if found:
            raise ContentDiffersError(
                f"{database_name(url)} was restored, but it is not what was backed up: "
                + "; ".join(found)
            )
        _analyze(connection)


def _analyze(connection: psycopg.Connection) -> None:
    """Statistics are not part of a dump, and without them the first queries are slow."""
    connection.read_only = False
    connection.execute("ANALYZE")


def _pg_restore_for(server: Version, manifest: Manifest[DatabaseFactsT]) -> ClientProgram:
    written_by = parse_version(manifest.facts.pg_dump_version)
    if server[0] < written_by[0]:
        raise NotReadyError(
            f"The backup is of PostgreSQL {dotted(written_by)}, this server is {dotted(server)}. "
            f"Restore into PostgreSQL {written_by[0]} or newer."
        )
    return find_program("pg_restore", server, written_by)
