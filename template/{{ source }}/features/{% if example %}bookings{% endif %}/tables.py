"""Where bookings are kept. The rules are the domain's; the constraints are their last defence."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    Uuid,
)

from ...platform.tables import UtcTimestamp, metadata

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("local_start", DateTime, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("starts_at", UtcTimestamp, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("booked", Integer, nullable=False),
    Column("price_amount", Numeric(19, 4), nullable=False),
    Column("price_currency", Text, nullable=False),
    CheckConstraint("booked BETWEEN 0 AND capacity", name="never_overbooked"),
    CheckConstraint("price_amount >= 0", name="price_not_negative"),
    Index(None, "starts_at", "id"),  # the order of the list of events
)

bookings = Table(
    "bookings",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("event_id", Uuid, ForeignKey("events.id"), nullable=False, index=True),
    Column("owner_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("places", Integer, nullable=False),
    Column("price_amount", Numeric(19, 4), nullable=False),
    Column("price_currency", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("cancelled_at", UtcTimestamp),
    CheckConstraint("places > 0", name="at_least_one_place"),
    Index(None, "owner_id", "created_at", "id"),  # the order of a person's list of bookings
)
