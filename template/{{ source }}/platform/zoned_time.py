"""From a time on the wall to an instant, without guessing; standard library only.

What people agree on is a wall time in a place ("19:00 in Berlin"). Keep that and the name of the
zone as the truth, and the instant (UTC) beside it for comparing and sorting: when a government
changes its rules, the instant can be derived again.
"""

from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

# The words, and the refusal as the default, are those of ECMAScript's Temporal.
Disambiguation = Literal["reject", "earlier", "later"]

# They open, but stand for no place, or for whichever this machine is in.
_NO_PLACE = frozenset({"Factory", "localtime", "posixrules"})
# right/… counts leap seconds; neither folder is on every machine.
_OTHER_CLOCKS = ("posix/", "right/")


class UnknownTimeZone(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is not a time zone; name one such as Europe/Berlin")


class NonexistentTime(ValueError):
    def __init__(self, wall: datetime, zone: str) -> None:
        super().__init__(f"{wall} does not exist in {zone}: the clocks are put forward over it")


class AmbiguousTime(ValueError):
    def __init__(self, wall: datetime, zone: str) -> None:
        super().__init__(f"{wall} happens twice in {zone}: say whether 'earlier' or 'later'")


def time_zone(name: str) -> ZoneInfo:
    if name in _NO_PLACE or name.startswith(_OTHER_CLOCKS):
        raise UnknownTimeZone(name)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; "../etc"; a folder such as "Europe"
        raise UnknownTimeZone(name) from None


def instant_of(wall: datetime, zone: str, disambiguation: Disambiguation = "reject") -> datetime:
    """Return the UTC instant at which the clocks in `zone` show the naive time `wall`."""
    place = time_zone(zone)
    try:
        first, second = (wall.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError:
        raise ValueError(f"{wall} in {zone} is out of range") from None
    if first == second:
        return first
    # PEP 495: inside a gap the two readings differ as well, but neither comes back as it went in.
    if first.astimezone(place).replace(tzinfo=None, fold=0) != wall.replace(fold=0):
        raise NonexistentTime(wall, zone)
    if disambiguation == "reject":
        raise AmbiguousTime(wall, zone)
    return first if disambiguation == "earlier" else second
