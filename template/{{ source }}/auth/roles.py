"""Which roles a user holds. What a role may do is stated in the composition root."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .tables import user_roles

MEMBER = "member"


def roles_of(granted: Iterable[str]) -> frozenset[str]:
    """Everybody is a member."""
    return frozenset({MEMBER, *granted})


async def grant_role(connection: AsyncConnection, user_id: UUID, role: str) -> None:
    await connection.execute(
        insert(user_roles).values(user_id=user_id, role=role).on_conflict_do_nothing()
    )


async def revoke_role(connection: AsyncConnection, user_id: UUID, role: str) -> bool:
    """Takes effect with the user's next request; False when they did not hold the role."""
    result = await connection.execute(
        delete(user_roles).where(user_roles.c.user_id == user_id, user_roles.c.role == role)
    )
    return result.rowcount > 0
