"""Which rules rest on a replayed database: without it they are not answered, which is no pass."""

from ...engine.rules import load
from .model import Dialect

_OF_A_CHAIN = {"migrations.not-replayable", "migrations.drift"}
_OF_A_CATALOGUE = {"db.no-primary-key", "db.fk-not-indexed", "money.float", "time.naive"}
_OF_AN_API = ("rls.", "storage.", "db.")


def resting_on(dialect: Dialect | None) -> tuple[str, ...]:
    """Those of a chain of this dialect; of a dialect that is not replayed, that alone."""
    found = set(_OF_A_CHAIN)
    if dialect is not None:
        found |= _OF_A_CATALOGUE
    if dialect is Dialect.SUPABASE:
        found |= {name for name in load() if name.startswith(_OF_AN_API)}
    return tuple(sorted(found))
