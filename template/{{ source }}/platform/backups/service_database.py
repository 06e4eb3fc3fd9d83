"""The service's own database, as what is backed up in every service."""

from collections.abc import Sequence
from datetime import datetime

from ..database_url import checked, with_name
from ..service import Service
from . import restoring, taking
from .catalogue import Entry
from .databases import database_name
from .datasets import SERVICE
from .drills import drill
from .errors import NotReadyError
from .keys import Identity, Recipient
from .manifest import DatabaseFacts, Manifest
from .stores import Store

# PostgreSQL cuts what is longer, and says nothing.
_LONGEST_NAME = 63


class ServiceDatabase:
    name = SERVICE

    def __init__(self, service: Service) -> None:
        self._service = service
        self._url = service.platform.settings.database_url

    def create(
        self, store: Store, recipients: Sequence[Recipient], service: str, now: datetime
    ) -> taking.Taken[DatabaseFacts]:
        return taking.create(store, self._url, recipients, service, now)

    def verify(
        self, store: Store, entry: Entry, identities: Sequence[Identity] | None
    ) -> DatabaseFacts:
        return restoring.verify(store, entry, identities, Manifest[DatabaseFacts]).facts

    def restore(
        self,
        store: Store,
        entry: Entry,
        identities: Sequence[Identity],
        into: str | None,
        *,
        privileges: bool,
    ) -> tuple[DatabaseFacts, str]:
        url = target(self._url, into)
        manifest = restoring.restore(store, entry, identities, url, privileges=privileges)
        return manifest.facts, database_name(url)

    def drill(
        self, store: Store, entry: Entry, identities: Sequence[Identity]
    ) -> tuple[DatabaseFacts, str]:
        manifest = drill(self._service, store, entry, identities)
        return manifest.facts, "and the service is ready on them"


def target(database_url: str, into: str | None) -> str:
    """The database that `--into` names, on this server or by a URL of its own."""
    if into is None:
        return database_url
    try:
        url = checked(into if "://" in into else with_name(database_url, into))
        fits = len(database_name(url).encode()) <= _LONGEST_NAME
    except ValueError as error:
        raise NotReadyError(
            f"What --into names {error}. For this server a name alone does."
        ) from None
    if not fits:
        raise NotReadyError("--into takes a database's name of up to 63 bytes.")
    return url
