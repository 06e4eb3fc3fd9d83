"""What can be done with events and bookings: load, let the domain decide, store."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ...platform.money import Money
from ...platform.pagination import AnyRow, AnySelect, Listing, PageRequest, Slice
from ...platform.problems import NotFound
from . import domain
from .domain import Booking, Event
from .tables import bookings, events

# `_to_booking` takes a row apart in this order: a list of bookings would spend as long on asking
# each row for each column by its name as on all else.
_BOOKING_COLUMNS = (
    bookings.c.id,
    bookings.c.event_id,
    bookings.c.owner_id,
    bookings.c.places,
    bookings.c.price_amount,
    bookings.c.price_currency,
    bookings.c.version,
    bookings.c.created_at,
    bookings.c.cancelled_at,
)

# Queries are built once. Every query for bookings names their owner: to anybody else they do
# not exist (CWE-639). A row is locked while it is decided about, so that two people who want
# the last place are served one after the other (CWE-362).
_EVENT = select(events).where(events.c.id == bindparam("event_id"))
_EVENT_LOCKED = _EVENT.with_for_update(key_share=True)
_BOOKING = select(*_BOOKING_COLUMNS).where(
    bookings.c.owner_id == bindparam("owner_id"), bookings.c.id == bindparam("booking_id")
)
_BOOKING_LOCKED = _BOOKING.with_for_update(key_share=True)
_EVENTS = Listing(
    select(events).where(events.c.starts_at > bindparam("now")), events.c.starts_at, events.c.id
)
_BOOKINGS = Listing(
    select(*_BOOKING_COLUMNS).where(bookings.c.owner_id == bindparam("owner_id")),
    bookings.c.created_at,
    bookings.c.id,
    descending=True,
)


async def add_event(connection: AsyncConnection, event: Event) -> None:
    await connection.execute(insert(events).values(_columns(event)))


async def event_of(connection: AsyncConnection, event_id: UUID) -> Event:
    return await _event(connection, _EVENT, event_id)


async def events_after(
    connection: AsyncConnection, now: datetime, page: PageRequest
) -> Slice[Event]:
    return (await page.fetch(connection, _EVENTS, now=now)).map(_to_event)


async def booking_of(connection: AsyncConnection, owner_id: UUID, booking_id: UUID) -> Booking:
    return await _booking(connection, _BOOKING, owner_id, booking_id)


async def hold_booking(connection: AsyncConnection, owner_id: UUID, booking_id: UUID) -> Booking:
    """Lock it until the transaction ends, so that what is decided about it stays true."""
    return await _booking(connection, _BOOKING_LOCKED, owner_id, booking_id)


async def bookings_of(
    connection: AsyncConnection, owner_id: UUID, page: PageRequest
) -> Slice[Booking]:
    return (await page.fetch(connection, _BOOKINGS, owner_id=owner_id)).map(_to_booking)


async def book(
    connection: AsyncConnection, *, owner_id: UUID, event_id: UUID, places: int, now: datetime
) -> Booking:
    event, booking = domain.book(
        await _event(connection, _EVENT_LOCKED, event_id),
        booking_id=uuid4(),
        owner_id=owner_id,
        places=places,
        now=now,
    )
    await connection.execute(insert(bookings).values(_columns(booking)))
    await _store_event(connection, event)
    return booking


async def change_places(
    connection: AsyncConnection, booking: Booking, places: int, now: datetime
) -> Booking:
    event = await _event(connection, _EVENT_LOCKED, booking.event_id)
    event, booking = domain.change_places(event, booking, places, now)
    await _store_booking(connection, booking)
    await _store_event(connection, event)
    return booking


async def cancel(connection: AsyncConnection, booking: Booking, now: datetime) -> Booking:
    event = await _event(connection, _EVENT_LOCKED, booking.event_id)
    event, booking = domain.cancel(event, booking, now)
    await _store_booking(connection, booking)
    await _store_event(connection, event)
    return booking


async def _store_event(connection: AsyncConnection, event: Event) -> None:
    await connection.execute(
        update(events).where(events.c.id == event.id).values(booked=event.booked)
    )


async def _store_booking(connection: AsyncConnection, booking: Booking) -> None:
    await connection.execute(
        update(bookings).where(bookings.c.id == booking.id).values(_columns(booking))
    )


async def _event(connection: AsyncConnection, query: AnySelect, event_id: UUID) -> Event:
    row = (await connection.execute(query, {"event_id": event_id})).one_or_none()
    if row is None:
        raise NotFound("There is no such event.")
    return _to_event(row)


async def _booking(
    connection: AsyncConnection, query: AnySelect, owner_id: UUID, booking_id: UUID
) -> Booking:
    owned = {"owner_id": owner_id, "booking_id": booking_id}
    row = (await connection.execute(query, owned)).one_or_none()
    if row is None:
        raise NotFound("There is no such booking.")
    return _to_booking(row)


def _to_event(row: AnyRow) -> Event:
    return Event(
        id=row.id,
        title=row.title,
        local_start=row.local_start,
        time_zone=row.time_zone,
        starts_at=row.starts_at,
        capacity=row.capacity,
        booked=row.booked,
        price=Money(row.price_amount, row.price_currency),
    )


def _to_booking(row: AnyRow) -> Booking:
    booking, event, owner, places, amount, currency, version, created_at, cancelled_at = row
    return Booking(
        id=booking,
        event_id=event,
        owner_id=owner,
        places=places,
        price=Money(amount, currency),
        version=version,
        created_at=created_at,
        cancelled_at=cancelled_at,
    )


def _columns(entity: Event | Booking) -> dict[str, Any]:
    columns = asdict(entity)
    price = columns.pop("price")
    return columns | {"price_amount": price["amount"], "price_currency": price["currency"]}
