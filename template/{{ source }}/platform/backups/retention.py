"""Which backups stay: the newest of each day, week and month (grandfather, father, son)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .catalogue import DUMP, MANIFEST, RECEIPT, Entry
from .stores import Store

# Younger than this nothing goes: neither the backup from before this morning's deployment, nor a
# remainder that may yet become one.
_RECENT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days, ISO weeks and months keep their newest backup. All zero: keep everything."""

    daily: int
    weekly: int
    monthly: int

    def reasons(self, found: Sequence[Entry], now: datetime) -> dict[str, list[str]]:
        """Why each entry stays. What has no reason may go.

        The newest backup always stays, and so does the newest that was verified: never is the
        last one known to be good deleted for one that nobody has tried.
        """
        complete = sorted(
            (entry for entry in found if entry.complete and not entry.is_ahead(now)),
            key=lambda entry: entry.created_at,
            reverse=True,
        )
        verified = [entry for entry in complete if entry.verified]
        kept = {
            "newest": complete[:1],
            "newest verified": verified[:1],
            "daily": _newest_of_each(complete, self.daily, lambda at: (at.year, at.month, at.day)),
            "weekly": _newest_of_each(complete, self.weekly, lambda at: at.isocalendar()[:2]),
            "monthly": _newest_of_each(complete, self.monthly, lambda at: (at.year, at.month)),
            "retention is off": [] if any((self.daily, self.weekly, self.monthly)) else complete,
            "recent": [
                entry
                for entry in found
                if now - entry.created_at < _RECENT and not entry.is_ahead(now)
            ],
            # By whichever clock is wrong; it takes no other's place.
            "ahead of the clock": [entry for entry in found if entry.is_ahead(now)],
        }
        return {
            entry.name: [reason for reason, entries in kept.items() if entry in entries]
            for entry in found
        }


def _newest_of_each(
    newest_first: Sequence[Entry], count: int, period: Callable[[datetime], tuple[int, ...]]
) -> list[Entry]:
    """The newest entry of each of the last `count` periods that have one."""
    newest: dict[tuple[int, ...], Entry] = {}
    for entry in newest_first:
        newest.setdefault(period(entry.created_at), entry)
    return list(newest.values())[:count]


def delete(store: Store, entry: Entry) -> None:
    """The manifest goes first: a deletion that is cut short leaves a remainder, not a backup."""
    for part in (MANIFEST, RECEIPT, DUMP):
        store.delete(entry.name + part)
