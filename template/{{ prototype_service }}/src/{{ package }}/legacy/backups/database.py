"""The prototype's PostgreSQL, at Supabase or anywhere else."""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from ...platform.backups import restoring, taking
from ...platform.backups.catalogue import Entry, new_name
from ...platform.backups.client_programs import find_program, server_version
from ...platform.backups.contents import connect, snapshot
from ...platform.backups.databases import (
    database_name,
    empty_database,
    scratch_database,
)
from ...platform.backups.errors import NotReadyError
from ...platform.backups.keys import Identity, Recipient
from ...platform.backups.locks import only_one
from ...platform.backups.manifest import Manifest
from ...platform.backups.service_database import target
from ...platform.backups.stores import Store
from ...platform.database_url import with_name
from .selection import PrototypeFacts, select
from .surroundings import furnish, missing_roles, require_roles, roles

_KIND = Manifest[PrototypeFacts]
_CAN_LEAVE_OUT_POLICIES = (18, 0)


class PrototypeDatabase:
    name = "prototype-database"

    def __init__(self, url: str, scratch_url: str) -> None:
        self._url = url
        self._scratch_url = scratch_url

    def create(
        self, store: Store, recipients: Sequence[Recipient], service: str, now: datetime
    ) -> taking.Taken[PrototypeFacts]:
        with connect(self._url) as connection, only_one(connection, "backup"):
            pg_dump = find_program("pg_dump", server_version(connection))
            name = new_name(now)
            with snapshot(connection) as shared:
                selection = select(connection)
                facts = selection.facts(
                    taking.describe(connection, pg_dump, service, now, selection.counts)
                )
                dump = taking.Dumping(connection, pg_dump, self._url, shared)
                stored = dump.into(store, name, recipients, facts, selection.arguments)
            return taking.keep(
                store, name, Manifest.of(facts, stored), lambda: taking.still_ours(connection)
            )

    def verify(
        self, store: Store, entry: Entry, identities: Sequence[Identity] | None
    ) -> PrototypeFacts:
        return restoring.verify(store, entry, identities, _KIND).facts

    def restore(
        self,
        store: Store,
        entry: Entry,
        identities: Sequence[Identity],
        into: str | None,
        *,
        privileges: bool,
    ) -> tuple[PrototypeFacts, str]:
        """Into an empty or new database; never into the prototype's own."""
        if into is None:
            raise NotReadyError(
                "Say with --into where the prototype's database is to be restored: a new name on "
                "its server, or the URL of an empty database."
            )
        manifest = restoring.verify(store, entry, identities, _KIND)
        url = target(self._url, into)
        with empty_database(url, manifest.facts.encoding):
            with connect(url) as connection:
                require_roles(connection, manifest.facts)
                furnish(connection, manifest.facts, stand_ins=False)
            restoring.fill(store, manifest, identities, url, privileges=privileges)
        restoring.compare(manifest, url)
        return manifest.facts, database_name(url)

    def drill(
        self, store: Store, entry: Entry, identities: Sequence[Identity]
    ) -> tuple[PrototypeFacts, str]:
        manifest = restoring.verify(store, entry, identities, _KIND)
        with (
            connect(self._scratch_url) as connection,
            only_one(connection, "drill"),
            roles(connection, manifest.facts) as missing,
            scratch_database(connection, manifest.facts.encoding) as name,
        ):
            without = _without_policies(connection, missing) if missing else []
            url = with_name(self._scratch_url, name)
            with connect(url) as scratch:
                furnish(scratch, manifest.facts, stand_ins=True)
            restoring.fill(store, manifest, identities, url, privileges=False, without=without)
            restoring.compare(manifest, url)
        if missing:
            return manifest.facts, (
                "with functions and indexes. Policies were left out: the scratch server lacks "
                f"{', '.join(missing)}, and its role may not make roles"
            )
        return manifest.facts, "with their policies, functions and indexes"


def _without_policies(connection: psycopg.Connection, missing: list[str]) -> list[str]:
    """What keeps pg_restore from making policies for roles that nobody here can make."""
    if server_version(connection) < _CAN_LEAVE_OUT_POLICIES:
        raise NotReadyError(missing_roles(connection, missing))
    return ["--no-policies"]
