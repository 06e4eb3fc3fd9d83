"""The prototype, mounted or proxied: what no route of the service answers goes there."""

from .feature import legacy
from .settings import LegacySettings

__all__ = ["LegacySettings", "legacy"]
