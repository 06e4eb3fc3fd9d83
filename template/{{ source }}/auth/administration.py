"""What an administrator does with other people's accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ..platform.context import Platform
from .audit import Audit
from .passwords import hash_password, refuse_weak
from .roles import grant_role, revoke_role
from .sessions import Sessions
from .tables import one_time_tokens, user_roles, users


class Refused(Exception):
    """What was asked for can't be done; the text says why."""


@dataclass(frozen=True, slots=True)
class ListedUser:
    id: UUID
    email: str
    roles: Sequence[str]
    created_at: datetime
    disabled_at: datetime | None


class Administration:
    def __init__(self, platform: Platform) -> None:
        self._database = platform.database
        self._clock = platform.clock
        self._service_name = platform.settings.service_name
        self._audit = Audit(platform)
        self._sessions = Sessions(platform)

    async def create(self, email: str, password: str, roles: Sequence[str]) -> UUID:
        """An account that needs no verification: the administrator vouches for the address."""
        await refuse_weak(password, (email, self._service_name))
        password_hash = await hash_password(password)
        async with self._database.transaction() as connection:
            user_id: UUID | None = await connection.scalar(
                insert(users)
                .values(
                    id=uuid4(),
                    email=email,
                    password_hash=password_hash,
                    created_at=self._clock.now(),
                )
                .on_conflict_do_nothing(index_elements=["email"])
                .returning(users.c.id)
            )
            if user_id is None:
                raise Refused(f"{email} has an account already.")
            for role in roles:
                await grant_role(connection, user_id, role)
            await self._audit.record(
                connection, "account_created", user_id=user_id, roles=" ".join(sorted(roles))
            )
        return user_id

    async def grant(self, email: str, role: str) -> None:
        async with self._database.transaction() as connection:
            user_id = await self._id_of(connection, email)
            await grant_role(connection, user_id, role)
            await self._audit.record(connection, "role_granted", user_id=user_id, role=role)

    async def revoke(self, email: str, role: str) -> None:
        async with self._database.transaction() as connection:
            user_id = await self._id_of(connection, email)
            if not await revoke_role(connection, user_id, role):
                raise Refused(f"{email} does not have the role {role}.")
            await self._audit.record(connection, "role_revoked", user_id=user_id, role=role)

    async def disable(self, email: str) -> None:
        """Nobody logs in to this account any more, and whoever is logged in is out."""
        async with self._database.transaction() as connection:
            user_id = await self._id_of(connection, email)
            await connection.execute(
                update(users)
                .where(users.c.id == user_id, users.c.disabled_at.is_(None))
                .values(disabled_at=self._clock.now())
            )
            await connection.execute(
                delete(one_time_tokens).where(one_time_tokens.c.user_id == user_id)
            )
            await self._sessions.end_all(connection, user_id)
            await self._audit.record(connection, "account_disabled", user_id=user_id)

    async def enable(self, email: str) -> None:
        async with self._database.transaction() as connection:
            user_id = await self._id_of(connection, email)
            await connection.execute(
                update(users).where(users.c.id == user_id).values(disabled_at=None)
            )
            await self._audit.record(connection, "account_enabled", user_id=user_id)

    async def log_out(self, email: str) -> int:
        """End every session of one user; how many there were (ASVS 5.0 7.4.5)."""
        async with self._database.transaction() as connection:
            user_id = await self._id_of(connection, email)
            ended = await self._sessions.end_all(connection, user_id)
            await self._audit.record(connection, "sessions_ended", user_id=user_id)
        return ended

    async def log_out_everybody(self) -> int:
        """End every session there is; how many there were (ASVS 5.0 7.4.5)."""
        async with self._database.transaction() as connection:
            ended = await self._sessions.end_everybodys(connection)
            await self._audit.record(connection, "all_sessions_ended", ended=str(ended))
        return ended

    async def list_users(self) -> list[ListedUser]:
        held = func.array_agg(aggregate_order_by(user_roles.c.role, user_roles.c.role))
        async with self._database.reader() as connection:
            rows = await connection.execute(
                select(
                    users.c.id,
                    users.c.email,
                    func.array_remove(held, None),
                    users.c.created_at,
                    users.c.disabled_at,
                )
                .join_from(users, user_roles, isouter=True)
                .group_by(users.c.id)
                .order_by(users.c.email)
            )
            return [ListedUser(*row) for row in rows]

    async def _id_of(self, connection: AsyncConnection, email: str) -> UUID:
        user_id: UUID | None = await connection.scalar(
            select(users.c.id).where(users.c.email == email).with_for_update()
        )
        if user_id is None:
            raise Refused(f"Nobody has an account as {email}.")
        return user_id
