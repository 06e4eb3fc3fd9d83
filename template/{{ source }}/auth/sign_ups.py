"""How an account comes into being: somebody asks for it, and proves their address.

Known and unknown addresses get the same answer after the same work (CWE-204, CWE-208).
"""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from ..platform.context import Platform
from . import tasks, tokens
from .audit import Audit
from .client import Client
from .passwords import hash_password, refuse_weak
from .tables import sign_ups, users
from .throttling import Throttle
from .tokens import InvalidToken

_LIFETIME = timedelta(days=2)


class SignUps:
    def __init__(self, platform: Platform) -> None:
        self._database = platform.database
        self._jobs = platform.jobs
        self._clock = platform.clock
        self._service_name = platform.settings.service_name
        self._audit = Audit(platform)
        self._throttle = Throttle(platform)

    async def sign_up(self, email: str, password: str, client: Client) -> None:
        """Take note of a wish for an account; the mail says how to go on, or that there is one."""
        await self._throttle.count_mail(email, client)
        await refuse_weak(password, (email, self._service_name))
        password_hash = await hash_password(password)
        async with self._database.transaction() as connection:
            sign_up_id = uuid4()
            await connection.execute(
                insert(sign_ups).values(
                    id=sign_up_id,
                    email=email,
                    password_hash=password_hash,
                    expires_at=self._clock.now() + _LIFETIME,
                )
            )
            await self._audit.record(
                connection, "sign_up_requested", client=client, account=self._audit.pseudonym(email)
            )
            await self._jobs.defer(connection, tasks.answer_sign_up, sign_up_id=str(sign_up_id))

    async def verify_email(self, token: str, client: Client) -> None:
        """Open the account whose address the token proves.

        Raises:
            InvalidToken: it is unknown, used or expired, or there is an account by now.
        """
        await self._throttle.count_token(client)
        async with self._database.transaction() as connection:
            sign_up_id = await tokens.redeem_for_sign_up(connection, token, self._clock.now())
            user_id = await self._open_account(connection, sign_up_id) if sign_up_id else None
            if user_id is not None:
                await self._audit.record(
                    connection, "account_opened", user_id=user_id, client=client
                )
        if user_id is None:
            raise InvalidToken

    async def _open_account(self, connection: AsyncConnection, sign_up_id: UUID) -> UUID | None:
        """None when the address got an account in the meantime, be it in this very moment."""
        wish = (
            await connection.execute(
                delete(sign_ups)
                .where(sign_ups.c.id == sign_up_id)
                .returning(sign_ups.c.email, sign_ups.c.password_hash)
            )
        ).one_or_none()
        if wish is None:
            return None
        await connection.execute(delete(sign_ups).where(sign_ups.c.email == wish.email))
        user_id: UUID | None = await connection.scalar(
            upsert(users)
            .values(
                id=uuid4(),
                email=wish.email,
                password_hash=wish.password_hash,
                created_at=self._clock.now(),
            )
            .on_conflict_do_nothing(index_elements=["email"])
            .returning(users.c.id)
        )
        return user_id
