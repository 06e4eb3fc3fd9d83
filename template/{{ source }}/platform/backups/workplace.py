"""What the commands work with: datasets, stores and keys, and the defaults that development has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import typer

from ..service import Service
from ..settings import PlatformSettings
from . import restoring
from .catalogue import DUMP, MANIFEST, Entry, entries, find
from .datasets import SERVICE, Dataset
from .errors import BackupError, EmptiedError, NoBackupError, NotReadyError, StoreError
from .keys import (
    DEVELOPMENT_IDENTITY,
    Identity,
    Recipient,
    development_recipient,
    parse_recipients,
    read_identities,
)
from .manifest import Facts
from .retention import Retention
from .service_database import ServiceDatabase
from .stores import Store, open_store
from .taking import Taken

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A dataset, and the folder of the store that holds its backups."""

    dataset: Dataset
    store: Store

    @property
    def name(self) -> str:
        return self.dataset.name

    def refuse_emptied(self, taken: Taken[Any]) -> None:
        """Take a backup back that has no data where the one before had some.

        Most likely another place was read than is meant, and in time retention would leave
        nothing but backups of that one.

        Raises:
            EmptiedError: so it is.
        """
        if taken.manifest.facts.records or (before := self._before(taken.name)) is None:
            return
        name, facts = before
        for part in (MANIFEST, DUMP):
            self.store.delete(taken.name + part)
        had = " and ".join(f"{count} {what}" for what, count in facts.counts.items())
        raise EmptiedError(
            f"There is no data, and {name} had {had}. No backup was kept. Look whether the "
            "settings name the right place, such as DATABASE_URL. If it was emptied on purpose: "
            "--allow-empty."
        )

    def _before(self, name: str) -> tuple[str, Facts] | None:
        """The newest backup besides that one, if it can be read and has data."""
        try:
            found = entries(self.store)
            entry = next(one for one in found if one.complete and one.name != name)
            facts = self.dataset.verify(self.store, entry, None)
        except (BackupError, StopIteration):
            return None
        return (entry.name, facts) if facts.records else None


@dataclass(frozen=True, slots=True)
class Workplace:
    service: Service

    @classmethod
    def of(cls, context: typer.Context) -> "Workplace":
        service = context.obj
        assert isinstance(service, Service)
        return cls(service)

    @property
    def settings(self) -> PlatformSettings:
        return self.service.platform.settings

    def shelves(self, of: str | None = None) -> list[Shelf]:
        """All that is backed up, the service's own database first; or what `--of` names."""
        settings = self.settings
        named: list[Dataset] = [
            dataset
            for feature in self.service.features
            if feature.datasets is not None
            for dataset in feature.datasets(settings)
        ]
        store = settings.backup_store
        default = PlatformSettings.model_fields["backup_store"].default
        if settings.is_production and store == default:
            raise NotReadyError("BACKUP_STORE is not set. Backups belong on another machine.")
        own = settings.service_name
        shelves = [
            Shelf(ServiceDatabase(self.service), open_store(store, own)),
            *(Shelf(dataset, open_store(store, f"{own}/{dataset.name}")) for dataset in named),
        ]
        chosen = [shelf for shelf in shelves if of in {None, shelf.name}]
        if not chosen:
            names = ", ".join(shelf.name for shelf in shelves)
            raise NotReadyError(f"--of {of}: there is no such dataset. There is: {names}.")
        return chosen

    def shelf_of(self, name: str | None, of: str | None) -> Shelf:
        """Where the backup of that name lies; without one, the dataset that `--of` names."""
        if name is None:
            return self.shelves(of or SERVICE)[0]
        shelves = self.shelves(of)
        for shelf in shelves:
            if any(entry.name == name for entry in entries(shelf.store)):
                return shelf
        places = ", ".join(shelf.store.location for shelf in shelves)
        raise NoBackupError(
            f"There is no backup {name} in {places}. `backup list` shows what there is."
        )

    def find(self, shelf: Shelf, name: str | None) -> Entry:
        """The backup of that name, or the newest."""
        now = self.service.platform.clock.now()
        entry = find(shelf.store, name, now)
        if entry.is_ahead(now):
            _log.warning("backup_is_ahead_of_the_clock", backup=entry.name)
        return entry

    @property
    def recipients(self) -> list[Recipient]:
        texts = self.settings.backup_recipients
        if not texts and self.settings.environment == "development":
            texts = (development_recipient(),)
        recipients = parse_recipients(texts)
        if len(recipients) == 1 and self.settings.is_production:
            _log.warning("backup_has_one_recipient", risk="lose that one key, lose every backup")
        return recipients

    @property
    def retention(self) -> Retention:
        settings = self.settings
        return Retention(
            settings.backup_keep_daily, settings.backup_keep_weekly, settings.backup_keep_monthly
        )

    def identities(self, file: Path | None) -> list[Identity]:
        file = self._identity_file(file)
        if file is None:
            raise NotReadyError(
                "Reading a backup needs a private key. Name its file with --identity or "
                "BACKUP_IDENTITY_FILE."
            )
        location = Path(self.shelves(SERVICE)[0].store.location).resolve().parent
        if file.resolve().is_relative_to(location):
            raise NotReadyError(
                f"{file} lies in {location}, beside the backups that it opens: whoever takes one "
                "takes both. Move the key elsewhere, and make a new one if it ever left."
            )
        return read_identities(file)

    def optional_identities(self, file: Path | None) -> list[Identity] | None:
        return self.identities(file) if self._identity_file(file) else None

    def keep_receipt(self, shelf: Shelf, entry: Entry, how: str) -> None:
        """Note in the store that the backup is good, if this place may write there."""
        try:
            restoring.keep_receipt(shelf.store, entry, how, self.service.platform.clock.now())
        except StoreError as error:
            _log.warning("backup_receipt_not_kept", backup=entry.name, reason=str(error))

    def _identity_file(self, file: Path | None) -> Path | None:
        file = file or self.settings.backup_identity_file
        if file is None and self.settings.environment == "development":
            return DEVELOPMENT_IDENTITY if DEVELOPMENT_IDENTITY.exists() else None
        return file
