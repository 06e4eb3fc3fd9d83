"""How often a caller may try, counted in the database (ASVS 5.0 6.3.1, CWE-307).

An attempt is counted before it is made and on a connection of its own: neither a roll-back nor
sixty attempts at once get past the count. What is kept is a keyed hash, no address.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString

import structlog

from ..platform.context import Platform
from ..platform.problems import TooManyRequests
from .client import Client

_log = structlog.get_logger(__name__)

_COUNT = """
    INSERT INTO throttles AS t (key, attempts, resets_at)
    SELECT key, 1, resets_at FROM unnest(%s::bytea[], %s::timestamptz[]) AS new (key, resets_at)
    ON CONFLICT (key) DO UPDATE SET
        attempts = CASE WHEN t.resets_at <= %s THEN 1 ELSE t.attempts + 1 END,
        resets_at = CASE WHEN t.resets_at <= %s THEN excluded.resets_at ELSE t.resets_at END
    RETURNING key, attempts, resets_at
"""
_FORGET = "DELETE FROM throttles WHERE key = %s"
_UNCOUNT = "UPDATE throttles SET attempts = attempts - 1 WHERE key = %s AND attempts > 0"


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    attempts: int
    window: timedelta


# One client is stopped early. An account is stopped much later, so that a stranger can't easily
# lock its owner out by guessing (CWE-645).
LOG_IN_BY_ACCOUNT_AND_CLIENT = Limit("log-in:account+client", 10, timedelta(minutes=15))
LOG_IN_BY_ACCOUNT = Limit("log-in:account", 100, timedelta(hours=1))
LOG_IN_BY_CLIENT = Limit("log-in:client", 100, timedelta(minutes=15))
MAIL_BY_ACCOUNT_AND_CLIENT = Limit("mail:account+client", 5, timedelta(hours=1))
MAIL_BY_ACCOUNT = Limit("mail:account", 15, timedelta(hours=1))
MAIL_BY_CLIENT = Limit("mail:client", 30, timedelta(hours=1))
TOKEN_BY_CLIENT = Limit("token:client", 30, timedelta(minutes=15))
PASSWORD_BY_USER = Limit("password:user", 10, timedelta(minutes=15))


class Throttle:
    def __init__(self, platform: Platform) -> None:
        self._pool = platform.database.pool
        self._clock = platform.clock
        self._secret = platform.settings.secret_key.get_secret_value().encode()

    async def count(self, *attempts: tuple[Limit, str]) -> None:
        """Count one attempt against each limit, for the subject named with it.

        Raises:
            TooManyRequests: a limit is exceeded; it says when to come back.
        """
        now = self._clock.now()
        # In one order for everybody: two callers that lock the same rows must not meet head-on.
        limits = dict(sorted((self._key(limit, subject), limit) for limit, subject in attempts))
        resets = [now + limit.window for limit in limits.values()]
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_COUNT, (list(limits), resets, now, now))
            rows = await cursor.fetchall()
        exceeded = [
            (limits[bytes(key)], resets_at)
            for key, attempts_made, resets_at in rows
            if attempts_made > limits[bytes(key)].attempts
        ]
        if exceeded:
            _log.warning("throttled", limits=[limit.name for limit, _ in exceeded])
            wait = max(resets_at for _, resets_at in exceeded) - now
            raise TooManyRequests(
                "Too many attempts. Wait a while.", retry_after=max(1, int(wait.total_seconds()))
            )

    async def count_mail(self, email: str, client: Client) -> None:
        """Count a mail that this client has sent to this address."""
        await self.count(
            (MAIL_BY_ACCOUNT_AND_CLIENT, f"{email} {client.network}"),
            (MAIL_BY_ACCOUNT, email),
            (MAIL_BY_CLIENT, client.network),
        )

    async def count_token(self, client: Client) -> None:
        """Count a token that this client presents."""
        await self.count((TOKEN_BY_CLIENT, client.network))

    async def forget(self, limit: Limit, subject: str) -> None:
        """Forget every attempt of somebody who has shown who they are."""
        await self._execute(_FORGET, limit, subject)

    async def uncount(self, limit: Limit, subject: str) -> None:
        """Take one attempt back: it succeeded, and many people may share this limit."""
        await self._execute(_UNCOUNT, limit, subject)

    async def _execute(self, statement: LiteralString, limit: Limit, subject: str) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(statement, (self._key(limit, subject),))

    def _key(self, limit: Limit, subject: str) -> bytes:
        return hmac.new(self._secret, f"{limit.name}:{subject}".encode(), hashlib.sha256).digest()
