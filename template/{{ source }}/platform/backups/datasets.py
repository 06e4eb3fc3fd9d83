"""What is backed up: the service's own database, and whatever else its features name."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from ..settings import PlatformSettings
from .catalogue import Entry
from .keys import Identity, Recipient
from .manifest import Facts
from .stores import Store
from .taking import Taken

SERVICE = "service"


class Dataset(Protocol):
    """A body of data that is backed up on its own, into a folder of its own.

    It shares keys, retention and commands with all others. Each method raises a BackupError for
    what a person has to know; whatever happens, nothing half-written is left.
    """

    @property
    def name(self) -> str:
        """Its folder below the service's, and what `--of` takes."""

    def create(
        self, store: Store, recipients: Sequence[Recipient], service: str, now: datetime
    ) -> Taken[Any]: ...

    def verify(self, store: Store, entry: Entry, identities: Sequence[Identity] | None) -> Facts:
        """Check what is stored; with a key also that it decrypts and can be read."""

    def restore(
        self,
        store: Store,
        entry: Entry,
        identities: Sequence[Identity],
        into: str | None,
        *,
        privileges: bool,
    ) -> tuple[Facts, str]:
        """Restore beside what is live, compare, and say where it is now."""

    def drill(
        self, store: Store, entry: Entry, identities: Sequence[Identity]
    ) -> tuple[Facts, str]:
        """Restore to where nobody works, compare, take it away, and say what else it has shown."""


# Called with the settings when a command needs to know; says nothing for what is not configured.
Datasets = Callable[[PlatformSettings], Sequence[Dataset]]
