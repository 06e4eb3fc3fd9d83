"""Idempotent writes after draft-ietf-httpapi-idempotency-key-header: a retry repeats no effect.

The answer is stored in the transaction of the effect, so there is never one without the other. A
refusal is not stored: its transaction is rolled back, and the same key may try again.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import procrastinate
from fastapi import Depends, Header, Request, Response
from procrastinate import JobContext
from sqlalchemy import (
    Column,
    Index,
    LargeBinary,
    Row,
    SmallInteger,
    Table,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .access import CurrentPrincipal
from .context import CurrentPlatform
from .database import Transaction
from .description import INSISTED_ON
from .jobs import platform_of_job
from .problems import BadRequest, Conflict, UnprocessableContent
from .tables import UtcTimestamp, metadata

KEPT_FOR = timedelta(hours=24)

# A string of structured fields (RFC 9651) is quoted; most clients send the key bare.
_KEY = re.compile(
    r'"(?P<quoted>[\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|(?P<bare>[\x21\x23-\x7e]{1,255})'
)
_STORED_HEADERS = ("content-type", "etag", "location")

idempotent_responses = Table(
    "idempotent_responses",
    metadata,
    # Of principal, operation and key: always of one length, whatever a client sends.
    Column("digest", LargeBinary, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False),
    Index(None, "expires_at"),
)


tasks = procrastinate.Blueprint()


class Idempotency:
    """The retries of one operation by one principal under one key."""

    def __init__(
        self,
        request: Request,
        transaction: AsyncConnection,
        *,
        principal_id: UUID,
        key: str,
        now: datetime,
    ) -> None:
        self._request = request
        self._transaction = transaction
        self._digest = _digest(f"{principal_id} {request.method} {request.url.path} {key}")
        self._now = now

    async def once(self, effect: Callable[[], Awaitable[Response]]) -> Response:
        """Run `effect` in this request's transaction, or replay its answer when it has run before.

        Raises:
            Conflict: a request with this key is being served right now.
            UnprocessableContent: the key was used before, for something else.
        """
        fingerprint = _digest(self._request.url.query, await self._request.body())
        await self._lock()
        stored = await self._stored()
        if stored is None:
            response = await effect()
            await self._store(fingerprint, response)
            return response
        if stored.fingerprint != fingerprint:
            raise UnprocessableContent(
                "This Idempotency-Key was used before, for something else.",
                code="idempotency-key-reused",
            )
        return Response(
            stored.body, stored.status, {**stored.headers, "Idempotent-Replayed": "true"}
        )

    async def _lock(self) -> None:
        """Hold the key until the end of the transaction; a lock dies with its connection."""
        number = int.from_bytes(self._digest[:8], signed=True)
        if not await self._transaction.scalar(select(func.pg_try_advisory_xact_lock(number))):
            raise Conflict(
                "A request with this Idempotency-Key is being served. Wait for it.",
                code="idempotency-key-in-use",
                headers={"Retry-After": "1"},
            )

    async def _stored(self) -> Row[bytes, int, dict[str, str], bytes] | None:
        table = idempotent_responses.c
        return (
            await self._transaction.execute(
                select(table.fingerprint, table.status, table.headers, table.body).where(
                    table.digest == self._digest, table.expires_at > self._now
                )
            )
        ).one_or_none()

    async def _store(self, fingerprint: bytes, response: Response) -> None:
        answer = {
            "fingerprint": fingerprint,
            "status": response.status_code,
            "headers": {
                name: response.headers[name] for name in _STORED_HEADERS if name in response.headers
            },
            "body": bytes(response.body),
            "expires_at": self._now + KEPT_FOR,
        }
        await self._transaction.execute(
            insert(idempotent_responses)
            .values(digest=self._digest, **answer)
            .on_conflict_do_update(index_elements=["digest"], set_=answer)  # it had expired
        )


def _digest(text: str, content: bytes = b"") -> bytes:
    return hashlib.sha256(text.encode() + b"\n" + content).digest()


async def _key(
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            max_length=257,
            description="Your own name for this attempt; a retry sends it again.",
            json_schema_extra=INSISTED_ON,
        ),
    ] = None,
) -> str:
    if idempotency_key is None:
        raise BadRequest(
            "Send an Idempotency-Key of your choice (a UUID will do), so that a retry is safe.",
            code="idempotency-key-missing",
        )
    match = _KEY.fullmatch(idempotency_key)
    if match is None:
        raise BadRequest("This is no Idempotency-Key.", code="idempotency-key-malformed")
    return match["quoted"] or match["bare"]


async def _idempotency(
    key: Annotated[str, Depends(_key)],  # first: without one no connection is taken
    request: Request,
    principal: CurrentPrincipal,
    platform: CurrentPlatform,
    transaction: Transaction,
) -> Idempotency:
    return Idempotency(
        request,
        transaction,
        principal_id=principal.user_id,
        key=key,
        now=platform.clock.now(),
    )


IdempotencyKey = Annotated[Idempotency, Depends(_idempotency)]


@tasks.periodic(cron="29 * * * *")
@tasks.task(name="idempotency.remove_expired", queue="housekeeping", pass_context=True)
async def remove_expired(context: JobContext, timestamp: int) -> None:
    """Forget the answers that no retry will ask for any more."""
    del timestamp
    platform = platform_of_job(context)
    expired = idempotent_responses.c.expires_at <= platform.clock.now()
    async with platform.database.transaction() as connection:
        await connection.execute(delete(idempotent_responses).where(expired))
