"""Keyset pagination: a page costs the same wherever it begins and however many rows there are.

No `count(*)` and no `OFFSET`: the cursor holds the last row's place in the order, and an index on
the same columns leads straight there. Rows that appear or vanish meanwhile shift nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query, Request
from sqlalchemy import ColumnElement, Integer, Row, Select, bindparam, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from .context import CurrentPlatform
from .cursors import Cursors
from .schemas import ResponseBody

MAX_PAGE_SIZE = 100

T = TypeVar("T")
U = TypeVar("U")
AnySelect = Select[*tuple[Any, ...]]
AnyRow = Row[*tuple[Any, ...]]


class Page(ResponseBody, Generic[T]):
    """The body of a list: no `next_cursor` means that this is its end."""

    items: list[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """What a service returns for a page; has the shape of `Page`."""

    items: Sequence[T]
    next_cursor: str | None

    def map(self, shape: Callable[[T], U]) -> "Slice[U]":
        return Slice([shape(item) for item in self.items], self.next_cursor)


class Listing:
    """A query and the order of its rows; build it once, for that costs half as much as running it.

    `order_by` names the tail of an index whose head is what the query compares for equality; its
    last column is unique, none is nullable, and the query selects them all.
    """

    def __init__(
        self, query: AnySelect, *order_by: ColumnElement[Any], descending: bool = False
    ) -> None:
        self.order_by = order_by
        self._first = query.order_by(
            *(column.desc() if descending else column.asc() for column in order_by)
        ).limit(bindparam("page_limit", type_=Integer))
        here = tuple_(*order_by)
        there = tuple_(
            *(bindparam(f"page_after_{n}", type_=column.type) for n, column in enumerate(order_by))
        )
        self._next = self._first.where(here < there if descending else here > there)

    def statement(
        self, place: Sequence[Any] | None, limit: int
    ) -> tuple[AnySelect, dict[str, Any]]:
        """The query for up to `limit` rows after `place`, and its parameters."""
        if place is None:
            return self._first, {"page_limit": limit}
        after = {f"page_after_{n}": value for n, value in enumerate(place)}
        return self._next, {"page_limit": limit, **after}


class PageRequest:
    """Which page of a list is asked for."""

    def __init__(self, limit: int, cursors: Cursors, cursor: str | None) -> None:
        self.limit = limit
        self._cursors = cursors
        self._place = None if cursor is None else cursors.open(cursor)

    async def fetch(
        self, connection: AsyncConnection, listing: Listing, **parameters: Any
    ) -> Slice[AnyRow]:
        """Run the query of `listing`, with its own `parameters`, for this page."""
        # One row more than asked for tells whether there is a next page.
        statement, paging = listing.statement(self._place, self.limit + 1)
        rows = (await connection.execute(statement, parameters | paging)).all()
        if len(rows) <= self.limit:
            return Slice(rows, None)
        last = rows[self.limit - 1]._mapping  # noqa: SLF001  (public, in spite of its name)
        place = [last[column] for column in listing.order_by]
        return Slice(rows[: self.limit], self._cursors.seal(place))


async def _page_request(
    request: Request,
    platform: CurrentPlatform,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 20,
    cursor: Annotated[str | None, Query(max_length=1024)] = None,
) -> PageRequest:
    secret = platform.settings.secret_key.get_secret_value()
    return PageRequest(limit, Cursors(secret, request.url.path), cursor)


RequestedPage = Annotated[PageRequest, Depends(_page_request)]
