"""The audit log: what happened to whom, from where, for good (ASVS 5.0 16.2.1, 16.3.1).

The database itself refuses to change it. A failure is recorded on a connection of its own, so that
the roll-back of the request it belongs to does not undo it.
"""

import hashlib
import hmac
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ..platform.context import Platform
from .client import Client
from .tables import audit_log

NOBODY = Client(address=None)

_log = structlog.get_logger(__name__)

_INSERT = """
    INSERT INTO audit_log (at, event, user_id, address, details) VALUES (%s, %s, %s, %s, %s)
"""


class Audit:
    def __init__(self, platform: Platform) -> None:
        self._pool = platform.database.pool
        self._clock = platform.clock
        self._key = platform.settings.secret_key.get_secret_value().encode()

    async def record(
        self,
        connection: AsyncConnection,
        event: str,
        *,
        user_id: UUID | None = None,
        client: Client = NOBODY,
        **details: str,
    ) -> None:
        """Record what the transaction of `connection` does: both happen, or neither."""
        await connection.execute(
            insert(audit_log).values(
                at=self._clock.now(),
                event=event,
                user_id=user_id,
                address=client.address,
                details=details,
            )
        )
        _log.info(event, user_id=user_id, client=client.address, **details)

    async def record_failure(
        self, event: str, *, user_id: UUID | None = None, client: Client, **details: str
    ) -> None:
        """Record at once what was refused, whatever becomes of the request."""
        async with self._pool.connection() as connection:
            await connection.execute(
                _INSERT, (self._clock.now(), event, user_id, client.address, Jsonb(details))
            )
        _log.warning(event, user_id=user_id, client=client.address, **details)

    def pseudonym(self, email: str) -> str:
        """An address that belongs to nobody here, recognisable but not readable."""
        return hmac.new(self._key, f"audit:{email}".encode(), hashlib.sha256).hexdigest()[:16]
