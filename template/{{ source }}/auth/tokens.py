"""Opaque tokens of 256 random bits, of which only the hash is kept (ASVS 5.0 7.2.3, 11.5.1)."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..platform.problems import UnprocessableContent
from .tables import one_time_tokens, users


class InvalidToken(UnprocessableContent):
    """Unknown, used or expired: it does not say which."""

    def __init__(self) -> None:
        super().__init__(
            "This link was used already, or its time is over. Ask for a new one.",
            code="invalid-token",
        )


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> bytes:
    """SHA-256 will do: nobody guesses 256 random bits, however fast the hash is."""
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True, slots=True)
class TokenOwner:
    user_id: UUID
    email: str


async def issue_for_sign_up(
    connection: AsyncConnection, sign_up_id: UUID, expires_at: datetime
) -> str:
    token = new_token()
    await connection.execute(
        insert(one_time_tokens).values(
            token_hash=hash_of(token), sign_up_id=sign_up_id, expires_at=expires_at
        )
    )
    return token


async def issue_for_user(connection: AsyncConnection, user_id: UUID, expires_at: datetime) -> str:
    token = new_token()
    await connection.execute(
        insert(one_time_tokens).values(
            token_hash=hash_of(token), user_id=user_id, expires_at=expires_at
        )
    )
    return token


async def redeem_for_sign_up(connection: AsyncConnection, token: str, now: datetime) -> UUID | None:
    """The sign-up whose address the token proves; the token is used up."""
    statement = (
        delete(one_time_tokens)
        .where(
            one_time_tokens.c.token_hash == hash_of(token),
            one_time_tokens.c.sign_up_id.is_not(None),
            one_time_tokens.c.expires_at > now,
        )
        .returning(one_time_tokens.c.sign_up_id)
    )
    sign_up_id: UUID | None = await connection.scalar(statement)
    return sign_up_id


async def owner_of(connection: AsyncConnection, token: str, now: datetime) -> TokenOwner | None:
    """Whose password the token may reset; it stays good."""
    row = (
        await connection.execute(
            select(users.c.id, users.c.email)
            .join_from(one_time_tokens, users)
            .where(
                one_time_tokens.c.token_hash == hash_of(token),
                one_time_tokens.c.expires_at > now,
                users.c.disabled_at.is_(None),
            )
        )
    ).one_or_none()
    return TokenOwner(row.id, row.email) if row else None


async def redeem_for_user(
    connection: AsyncConnection, token: str, user_id: UUID, now: datetime
) -> bool:
    """Use the token up, and with it every other one that would reset the same password."""
    redeemed = await connection.scalar(
        delete(one_time_tokens)
        .where(
            one_time_tokens.c.token_hash == hash_of(token),
            one_time_tokens.c.user_id == user_id,
            one_time_tokens.c.expires_at > now,
        )
        .returning(one_time_tokens.c.user_id)
    )
    if redeemed is None:
        return False
    await connection.execute(delete(one_time_tokens).where(one_time_tokens.c.user_id == user_id))
    return True
