"""The stamped service's own data access in an app with no guardrail: what guarding it costs.

The same pools, session query, statements, domain objects and response models. No middleware, no
log, no trace, no limit, no problem details, and no route that asks for more than a session.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Annotated, Any
from uuid import UUID

from acme_bookings.auth.cookies import SESSION_COOKIE
from acme_bookings.auth.sessions import FoundSession, Sessions
from acme_bookings.features.bookings import service
from acme_bookings.features.bookings.schemas import BookingDetails
from acme_bookings.platform.clock import SystemClock
from acme_bookings.platform.database import Database
from acme_bookings.platform.pagination import Slice
from acme_bookings.settings import Settings
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection


class Me(BaseModel):
    id: UUID
    email: str
    roles: list[str]
    permissions: list[str]


class BookingsPage(BaseModel):
    items: list[BookingDetails]
    next_cursor: str | None


class FirstPage:
    """What a list needs when nobody goes on: as many rows as asked for, and one more."""

    def __init__(self, limit: int = 20) -> None:
        self._limit = limit

    async def fetch(self, connection: AsyncConnection, listing: Any, **parameters: Any) -> Any:
        statement, paging = listing.statement(None, self._limit + 1)
        rows = (await connection.execute(statement, parameters | paging)).all()
        return Slice(rows[: self._limit], None)


def create_app() -> FastAPI:
    settings = Settings()
    database = Database(settings)
    sessions = Sessions(SimpleNamespace(settings=settings, database=database, clock=SystemClock()))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.open()
        yield
        await database.close()

    app = FastAPI(lifespan=lifespan)

    async def session_of(request: Request) -> FoundSession:
        session = await sessions.find(request.cookies.get(SESSION_COOKIE, ""))
        if session is None:
            raise HTTPException(401)
        return session

    current = Annotated[FoundSession, Depends(session_of)]

    @app.get("/auth/me", response_model=Me)
    async def me(session: current) -> Any:
        return Me(id=session.user_id, email=session.email, roles=[], permissions=[])

    @app.get("/bookings", response_model=BookingsPage)
    async def list_bookings(session: current, page: Annotated[FirstPage, Depends()]) -> Any:
        async with database.reader() as reader:
            return await service.bookings_of(reader, session.user_id, page)

    @app.get("/bookings/{booking_id}", response_model=BookingDetails)
    async def read_booking(booking_id: UUID, session: current) -> Any:
        async with database.reader() as reader:
            return await service.booking_of(reader, session.user_id, booking_id)

    return app
