"""What lies in a store, told by its names alone.

<name>.dump.age        the encrypted dump
<name>.manifest.json   written last: without it there is no backup, only a remainder
<name>.verified.json   when and how the backup was last found good
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .errors import IncompleteError, ManifestDamagedError, NoBackupError
from .manifest import FactsT, Manifest
from .stores import Store

DUMP, MANIFEST, RECEIPT = ".dump.age", ".manifest.json", ".verified.json"

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(?P<name>(?P<stamp>\d{8}T\d{6}Z)-[0-9a-f]{6})(?P<part>\.[a-z.]+)")
_LARGEST_MANIFEST = 64 * 1024 * 1024
# So far the clocks of two machines may be apart.
_SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One backup, or the remainder of one that was never finished."""

    name: str
    created_at: datetime
    size: int
    complete: bool
    verified: bool

    def is_ahead(self, now: datetime) -> bool:
        """Whether it was taken by a clock that was wrong, if this one is right."""
        return self.created_at > now + _SKEW


def new_name(at: datetime) -> str:
    """Sorts by time; two of the same second differ all the same."""
    return f"{at.astimezone(UTC):{_STAMP}}-{secrets.token_hex(3)}"


def entries(store: Store) -> list[Entry]:
    """Everything in the store that is or was to be a backup, the newest first."""
    parts: dict[str, dict[str, int]] = {}
    for file, size in store.sizes().items():
        if match := _NAME.fullmatch(file):
            parts.setdefault(match["name"], {})[match["part"]] = size
    return [
        Entry(
            name=name,
            created_at=datetime.strptime(name.partition("-")[0], _STAMP).replace(tzinfo=UTC),
            size=sizes.get(DUMP, 0),
            complete=DUMP in sizes and MANIFEST in sizes,
            verified=RECEIPT in sizes,
        )
        for name, sizes in sorted(parts.items(), reverse=True)
    ]


def find(store: Store, name: str | None, now: datetime) -> Entry:
    """The backup of that name, or the newest complete one.

    What is dated ahead of `now` is taken only if there is nothing else: it would be the newest for
    years, and each drill would prove that one.
    """
    found = entries(store)
    if name is None:
        complete = [entry for entry in found if entry.complete]
        if not complete:
            raise NoBackupError(
                f"There is no complete backup in {store.location}. `backup create` makes one."
            )
        return next((entry for entry in complete if not entry.is_ahead(now)), complete[0])
    entry = next((entry for entry in found if entry.name == name), None)
    if entry is None:
        raise NoBackupError(
            f"There is no backup {name} in {store.location}. `backup list` shows what there is."
        )
    return entry


def load_manifest(store: Store, entry: Entry, kind: type[Manifest[FactsT]]) -> Manifest[FactsT]:
    sizes = store.sizes()
    if entry.name + MANIFEST not in sizes:
        raise IncompleteError(
            f"{entry.name} has no manifest: it was never finished, or the manifest was lost. "
            "It is not a backup; use another."
        )
    if entry.name + DUMP not in sizes:
        raise IncompleteError(f"{entry.name} has a manifest but no data. Use another backup.")
    if sizes[entry.name + MANIFEST] > _LARGEST_MANIFEST:
        raise ManifestDamagedError(f"The manifest of {entry.name} is damaged: it is too large.")
    manifest = kind.parse(entry.name, b"".join(store.get(entry.name + MANIFEST)))
    if manifest.object.name != entry.name + DUMP:
        raise ManifestDamagedError(
            f"The manifest of {entry.name} belongs to another backup, {manifest.object.name}."
        )
    return manifest
