"""The prototype, mounted or proxied: what no route of the service answers goes there."""

from .callers.authenticator import with_callers
from .feature import legacy
from .settings import KeptPaths, LegacySettings

__all__ = ["KeptPaths", "LegacySettings", "legacy", "with_callers"]
