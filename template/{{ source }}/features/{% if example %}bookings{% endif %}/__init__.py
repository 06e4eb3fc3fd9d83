"""Events with a capacity, and the places that people book at them."""

from ...platform.service import Feature
from .api import bookings_router, events_router

bookings = Feature(
    name="bookings",
    routers=[events_router, bookings_router],
    permissions=frozenset({"bookings:read", "bookings:write", "events:write"}),
)

__all__ = ["bookings"]
