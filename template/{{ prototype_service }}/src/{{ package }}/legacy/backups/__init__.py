"""Backups of the prototype's own data: its database, its SQLite file, its storage buckets.

They are datasets beside the service's own (`platform/backups`): the same keys, commands, retention
and drills, each in a folder of its own. What is not configured is not backed up.
"""

from collections.abc import Sequence

from ...platform.backups.datasets import Dataset
from ...platform.settings import PlatformSettings
from .settings import PrototypeDataSettings

__all__ = ["PrototypeDataSettings", "datasets"]


def datasets(settings: PlatformSettings) -> Sequence[Dataset]:
    """What `PROTOTYPE_…` names; libraries are loaded for what is in use only."""
    if not isinstance(settings, PrototypeDataSettings):
        raise TypeError("Settings must inherit from LegacySettings")
    found: list[Dataset] = []
    if settings.prototype_database_url is not None:
        from .database import PrototypeDatabase  # noqa: PLC0415

        scratch = settings.backup_scratch_url or settings.database_url
        url = settings.prototype_database_url.get_secret_value()
        found.append(PrototypeDatabase(url, scratch))
    if settings.prototype_sqlite_file is not None:
        from .sqlite import SqliteFile  # noqa: PLC0415

        found.append(SqliteFile(settings.prototype_sqlite_file))
    if settings.prototype_buckets:
        from .buckets import Buckets  # noqa: PLC0415

        found.append(Buckets(settings))
    return found
