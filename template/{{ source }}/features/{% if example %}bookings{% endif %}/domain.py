"""The rules of booking, in plain Python: no framework, no database, no clock."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from ...platform.money import Money


class Refused(Exception):
    """A rule says no."""

    code: ClassVar[str]


class SoldOut(Refused):
    code = "sold-out"

    def __init__(self, free: int) -> None:
        super().__init__(f"Not enough places: {free} left.")


class AlreadyStarted(Refused):
    code = "already-started"

    def __init__(self) -> None:
        super().__init__("It has started: bookings are final.")


class AlreadyCancelled(Refused):
    code = "already-cancelled"

    def __init__(self) -> None:
        super().__init__("This booking is cancelled.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    id: UUID
    title: str
    local_start: datetime  # what the clocks there show: the promise that was made
    time_zone: str
    starts_at: datetime  # the instant that follows from it
    capacity: int
    booked: int
    price: Money

    @property
    def free(self) -> int:
        return self.capacity - self.booked

    @property
    def zoned_start(self) -> datetime:
        return self.starts_at.astimezone(ZoneInfo(self.time_zone))

    def take(self, places: int, now: datetime) -> "Event":
        """Take places; a negative number gives them back."""
        if now >= self.starts_at:
            raise AlreadyStarted
        if places > self.free:
            raise SoldOut(self.free)
        return replace(self, booked=self.booked + places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    id: UUID
    event_id: UUID
    owner_id: UUID
    places: int
    price: Money  # of one place, on the day it was booked
    version: int
    created_at: datetime
    cancelled_at: datetime | None

    @property
    def total(self) -> Money:
        return self.price * self.places


def book(
    event: Event, *, booking_id: UUID, owner_id: UUID, places: int, now: datetime
) -> tuple[Event, Booking]:
    booking = Booking(
        id=booking_id,
        event_id=event.id,
        owner_id=owner_id,
        places=places,
        price=event.price,
        version=1,
        created_at=now,
        cancelled_at=None,
    )
    return event.take(places, now), booking


def change_places(
    event: Event, booking: Booking, places: int, now: datetime
) -> tuple[Event, Booking]:
    if booking.cancelled_at is not None:
        raise AlreadyCancelled
    changed = replace(booking, places=places, version=booking.version + 1)
    return event.take(places - booking.places, now), changed


def cancel(event: Event, booking: Booking, now: datetime) -> tuple[Event, Booking]:
    if booking.cancelled_at is not None:
        raise AlreadyCancelled
    cancelled = replace(booking, cancelled_at=now, version=booking.version + 1)
    return event.take(-booking.places, now), cancelled
