"""Sessions, kept in the database so that they can be listed and ended at any moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..platform.context import Platform
from .client import Client
from .tables import sessions
from .tokens import hash_of, new_token

_TOUCH_EVERY = timedelta(minutes=1)

# Every authenticated request makes this query, and no other one for its session.
_FIND = """
    SELECT s.id, s.user_id, u.email, s.last_seen_at,
           ARRAY(SELECT r.role FROM user_roles r WHERE r.user_id = s.user_id)
    FROM sessions s
    JOIN users u ON u.id = s.user_id
    WHERE s.token_hash = %s AND s.expires_at > %s AND s.last_seen_at > %s
      AND u.disabled_at IS NULL
"""
_TOUCH = "UPDATE sessions SET last_seen_at = %s WHERE id = %s AND last_seen_at <= %s"


@dataclass(frozen=True, slots=True)
class FoundSession:
    id: UUID
    user_id: UUID
    email: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class ListedSession:
    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None


class Sessions:
    """A session ends when it was idle, when its time is over, or when somebody ends it.

    ASVS 5.0 7.3.1, 7.3.2, 7.4.1, 7.4.2.
    """

    def __init__(self, platform: Platform) -> None:
        self._pool = platform.database.pool
        self._clock = platform.clock
        self._idle = timedelta(minutes=platform.settings.session_idle_minutes)
        self.lifetime = timedelta(minutes=platform.settings.session_absolute_minutes)

    async def find(self, token: str) -> FoundSession | None:
        """The live session of a token, straight from the driver: it is in every request's way."""
        now = self._clock.now()
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_FIND, (hash_of(token), now, now - self._idle))
            row = await cursor.fetchone()
            if row is None:
                return None
            session_id, user_id, email, last_seen_at, roles = row
            if now - last_seen_at >= _TOUCH_EVERY:
                await connection.execute(_TOUCH, (now, session_id, now - _TOUCH_EVERY))
        return FoundSession(session_id, user_id, email, frozenset(roles))

    async def start(self, connection: AsyncConnection, user_id: UUID, client: Client) -> str:
        """A new session with a token that nobody has seen before (ASVS 5.0 7.2.4, CWE-384)."""
        now = self._clock.now()
        token = new_token()
        await connection.execute(
            insert(sessions).values(
                id=uuid4(),
                token_hash=hash_of(token),
                user_id=user_id,
                created_at=now,
                last_seen_at=now,
                expires_at=now + self.lifetime,
                address=client.address,
                user_agent=client.user_agent,
            )
        )
        return token

    async def rotate(self, connection: AsyncConnection, session_id: UUID) -> str:
        """The same session under a new token; the old one is dead."""
        token = new_token()
        await connection.execute(
            update(sessions).where(sessions.c.id == session_id).values(token_hash=hash_of(token))
        )
        return token

    async def list_of(self, connection: AsyncConnection, user_id: UUID) -> list[ListedSession]:
        now = self._clock.now()
        rows = await connection.execute(
            select(
                sessions.c.id,
                sessions.c.created_at,
                sessions.c.last_seen_at,
                sessions.c.expires_at,
                sessions.c.address,
                sessions.c.user_agent,
            )
            .where(
                sessions.c.user_id == user_id,
                sessions.c.expires_at > now,
                sessions.c.last_seen_at > now - self._idle,
            )
            .order_by(sessions.c.last_seen_at.desc(), sessions.c.id)
            .limit(100)
        )
        return [ListedSession(*row) for row in rows]

    async def end(self, connection: AsyncConnection, session_id: UUID, user_id: UUID) -> bool:
        """End one session of this user; False when they have no such session."""
        ended = await connection.scalar(
            delete(sessions)
            .where(sessions.c.id == session_id, sessions.c.user_id == user_id)
            .returning(sessions.c.id)
        )
        return ended is not None

    async def end_token(self, connection: AsyncConnection, token: str) -> None:
        """End the session of a token, whoever's it is."""
        await connection.execute(delete(sessions).where(sessions.c.token_hash == hash_of(token)))

    async def end_all(
        self, connection: AsyncConnection, user_id: UUID, *, but: UUID | None = None
    ) -> int:
        statement = delete(sessions).where(sessions.c.user_id == user_id)
        if but is not None:
            statement = statement.where(sessions.c.id != but)
        return (await connection.execute(statement)).rowcount

    async def end_everybodys(self, connection: AsyncConnection) -> int:
        return (await connection.execute(delete(sessions))).rowcount
