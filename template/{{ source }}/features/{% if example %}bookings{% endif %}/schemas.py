"""What goes over the wire. Responses take their shape from the domain's own objects."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from ...platform.money import Money
from ...platform.schemas import Line, MoneyField, RequestBody, ResponseBody, WallTime
from ...platform.zoned_time import Disambiguation, instant_of, time_zone


def _known(name: str) -> str:
    time_zone(name)
    return name


def _not_negative(price: Money) -> Money:
    if price.amount < 0:
        raise ValueError("a price is not negative")
    return price


class NewEvent(RequestBody):
    title: Line
    time_zone: Annotated[
        str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(_known)
    ]
    disambiguation: Annotated[
        Disambiguation, Field(description="which one, when the clocks are put back over it")
    ] = "reject"
    starts_at: Annotated[WallTime, Field(description="what the clocks there show")]
    capacity: Annotated[int, Field(ge=1, le=100_000)]
    price: Annotated[MoneyField, AfterValidator(_not_negative)]

    @field_validator("starts_at")
    @classmethod
    def _happens_once(cls, wall: datetime, info: ValidationInfo) -> datetime:
        if {"time_zone", "disambiguation"} <= info.data.keys():  # else they are the fault
            instant_of(wall, info.data["time_zone"], info.data["disambiguation"])
        return wall

    def instant(self) -> datetime:
        return instant_of(self.starts_at, self.time_zone, self.disambiguation)


class EventDetails(ResponseBody):
    id: UUID
    title: str
    starts_at: Annotated[datetime, Field(validation_alias="zoned_start")]
    time_zone: str
    capacity: int
    free: int
    price: MoneyField


Places = Annotated[int, Field(ge=1, le=100)]


class NewBooking(RequestBody):
    event_id: UUID
    places: Places = 1


class NewPlaces(RequestBody):
    places: Places


class BookingDetails(ResponseBody):
    id: UUID
    event_id: UUID
    places: int
    price: MoneyField
    total: MoneyField
    created_at: datetime
    cancelled_at: datetime | None
