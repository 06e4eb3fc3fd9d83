"""Events and bookings over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

from fastapi import Response

from ...platform.access import CurrentPrincipal, Router, public, requires
from ...platform.context import CurrentPlatform
from ...platform.database import Reader, Transaction
from ...platform.etags import IfMatch, IfNoneMatch, entity_tag
from ...platform.idempotency import IdempotencyKey
from ...platform.pagination import Page, RequestedPage, Slice
from ...platform.problems import Conflict
from . import service
from .domain import Booking, Event, Refused
from .schemas import BookingDetails, EventDetails, NewBooking, NewEvent, NewPlaces

events_router = Router(prefix="/events", tags=["events"])
bookings_router = Router(prefix="/bookings", tags=["bookings"])


@contextmanager
def refusals_as_conflicts() -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        raise Conflict(str(refusal), code=refusal.code) from refusal


@events_router.get("", response_model=Page[EventDetails])
@public
async def list_events(
    platform: CurrentPlatform, reader: Reader, page: RequestedPage
) -> Slice[Event]:
    """What is on, soonest first."""
    return await service.events_after(reader, platform.clock.now(), page)


@events_router.get("/{event_id}", response_model=EventDetails)
@public
async def read_event(event_id: UUID, reader: Reader) -> Event:
    return await service.event_of(reader, event_id)


@events_router.post("", response_model=EventDetails, status_code=201)
@requires("events:write")
async def create_event(new: NewEvent, response: Response, transaction: Transaction) -> Event:
    event = Event(
        id=uuid4(),
        title=new.title,
        local_start=new.starts_at,
        time_zone=new.time_zone,
        starts_at=new.instant(),
        capacity=new.capacity,
        booked=0,
        price=new.price,
    )
    await service.add_event(transaction, event)
    response.headers["Location"] = f"/events/{event.id}"
    return event


@bookings_router.get("", response_model=Page[BookingDetails])
@requires("bookings:read")
async def list_bookings(
    principal: CurrentPrincipal, reader: Reader, page: RequestedPage
) -> Slice[Booking]:
    """Your own, newest first."""
    return await service.bookings_of(reader, principal.user_id, page)


@bookings_router.get("/{booking_id}", response_model=BookingDetails)
@requires("bookings:read")
async def read_booking(
    booking_id: UUID,
    principal: CurrentPrincipal,
    reader: Reader,
    if_none_match: IfNoneMatch,
) -> Booking:
    booking = await service.booking_of(reader, principal.user_id, booking_id)
    if_none_match.show(booking.version)
    return booking


@bookings_router.post("", response_model=BookingDetails, status_code=201)
@requires("bookings:write")
async def create_booking(
    new: NewBooking,
    idempotency: IdempotencyKey,
    principal: CurrentPrincipal,
    platform: CurrentPlatform,
    transaction: Transaction,
) -> Response:
    """Book places; a retry with the same `Idempotency-Key` books nothing more."""

    async def book() -> Response:
        with refusals_as_conflicts():
            booking = await service.book(
                transaction,
                owner_id=principal.user_id,
                event_id=new.event_id,
                places=new.places,
                now=platform.clock.now(),
            )
        return Response(
            BookingDetails.model_validate(booking).model_dump_json(),
            status_code=201,
            headers={"Location": f"/bookings/{booking.id}", "ETag": entity_tag(booking.version)},
            media_type="application/json",
        )

    return await idempotency.once(book)


@bookings_router.patch("/{booking_id}", response_model=BookingDetails)
@requires("bookings:write")
async def change_booking(
    booking_id: UUID,
    new: NewPlaces,
    if_match: IfMatch,
    principal: CurrentPrincipal,
    platform: CurrentPlatform,
    transaction: Transaction,
) -> Booking:
    booking = await service.hold_booking(transaction, principal.user_id, booking_id)
    if_match.check(booking.version)
    with refusals_as_conflicts():
        changed = await service.change_places(
            transaction, booking, new.places, platform.clock.now()
        )
    if_match.changed(changed.version)
    return changed


@bookings_router.post("/{booking_id}/cancel", response_model=BookingDetails)
@requires("bookings:write")
async def cancel_booking(
    booking_id: UUID,
    if_match: IfMatch,
    principal: CurrentPrincipal,
    platform: CurrentPlatform,
    transaction: Transaction,
) -> Booking:
    booking = await service.hold_booking(transaction, principal.user_id, booking_id)
    if_match.check(booking.version)
    with refusals_as_conflicts():
        cancelled = await service.cancel(transaction, booking, platform.clock.now())
    if_match.changed(cancelled.version)
    return cancelled
