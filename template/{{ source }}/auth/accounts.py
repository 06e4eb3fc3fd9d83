"""What people do with their account: log in and out, change and reset the password.

Two rules hold everywhere. Known and unknown addresses get the same answer after the same work
(CWE-204, CWE-208), and no database connection is held while a password is hashed.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..platform.access import Principal
from ..platform.context import Platform
from ..platform.problems import Forbidden, NotFound, Unauthenticated
from . import tasks, throttling, tokens
from .audit import Audit
from .client import Client
from .passwords import hash_password, needs_rehash, refuse_weak, verify_password
from .sessions import ListedSession, Sessions
from .tables import users
from .throttling import Throttle
from .tokens import InvalidToken


@dataclass(frozen=True, slots=True)
class _Account:
    id: UUID
    password_hash: str


class Accounts:
    def __init__(self, platform: Platform) -> None:
        self._database = platform.database
        self._jobs = platform.jobs
        self._clock = platform.clock
        self._service_name = platform.settings.service_name
        self._audit = Audit(platform)
        self._throttle = Throttle(platform)
        self.sessions = Sessions(platform)

    async def log_in(
        self, email: str, password: str, client: Client, *, presented: str | None
    ) -> str:
        """The token of a new session; the one that was presented ends.

        Raises:
            Unauthenticated: wrong address, wrong password, disabled: it does not say which.
        """
        by_both = (throttling.LOG_IN_BY_ACCOUNT_AND_CLIENT, f"{email} {client.network}")
        by_account = (throttling.LOG_IN_BY_ACCOUNT, email)
        by_client = (throttling.LOG_IN_BY_CLIENT, client.network)
        await self._throttle.count(by_both, by_account, by_client)
        account = await self._find(email)
        stored = account.password_hash if account else None
        if await verify_password(stored, password) and account:
            token = await self._start_session(account, password, client, presented)
            if token is not None:
                await self._throttle.forget(*by_both)
                await self._throttle.uncount(*by_account)
                await self._throttle.uncount(*by_client)
                return token
        await self._audit.record_failure(
            "log_in_failed",
            user_id=account.id if account else None,
            client=client,
            account=self._audit.pseudonym(email),
        )
        raise Unauthenticated("The address or the password is wrong.", code="wrong-credentials")

    async def log_out(self, principal: Principal, client: Client) -> None:
        await self.end_session(principal, principal.session_id, client)

    async def request_password_reset(self, email: str, client: Client) -> None:
        """Send a link to the owner of an account; nobody learns whether there is one."""
        await self._throttle.count_mail(email, client)
        async with self._database.transaction() as connection:
            user_id = await connection.scalar(
                select(users.c.id).where(users.c.email == email, users.c.disabled_at.is_(None))
            )
            await self._audit.record(
                connection,
                "password_reset_requested",
                user_id=user_id,
                client=client,
                account=self._audit.pseudonym(email),
            )
            # Enqueued for nobody, too: the same work, and no address in the queue.
            await self._jobs.defer(
                connection, tasks.send_password_reset, user_id=user_id and str(user_id)
            )

    async def reset_password(self, token: str, password: str, client: Client) -> None:
        """Set a new password with a token from a mail, and end every session.

        Raises:
            InvalidToken: it is unknown, used or expired.
            UnprocessableContent: the password is weak; the token stays good.
        """
        await self._throttle.count_token(client)
        async with self._database.reader() as connection:
            owner = await tokens.owner_of(connection, token, self._clock.now())
        if owner is None:
            raise InvalidToken
        await refuse_weak(password, (owner.email, self._service_name))
        password_hash = await hash_password(password)
        async with self._database.transaction() as connection:
            if not await tokens.redeem_for_user(
                connection, token, owner.user_id, self._clock.now()
            ):
                raise InvalidToken
            await connection.execute(
                update(users).where(users.c.id == owner.user_id).values(password_hash=password_hash)
            )
            await self.sessions.end_all(connection, owner.user_id)
            await self._password_changed(connection, "password_reset", owner.user_id, client)

    async def change_password(
        self, principal: Principal, current: str, new: str, client: Client
    ) -> str:
        """The session's new token; the user's other sessions end.

        Raises:
            Forbidden: `current` is not the current password.
        """
        user_id = principal.user_id
        await self._throttle.count((throttling.PASSWORD_BY_USER, str(user_id)))
        account = await self._find(principal.email)
        stored = account.password_hash if account else None
        if not await verify_password(stored, current) or not account:
            await self._audit.record_failure(
                "password_change_failed", user_id=user_id, client=client
            )
            raise Forbidden("The current password is wrong.", code="wrong-password")
        await refuse_weak(new, (principal.email, self._service_name))
        password_hash = await hash_password(new)
        async with self._database.transaction() as connection:
            if not await self._replace_hash(connection, account, password_hash):
                raise Forbidden("The current password is wrong.", code="wrong-password")
            await self.sessions.end_all(connection, user_id, but=principal.session_id)
            token = await self.sessions.rotate(connection, principal.session_id)
            await self._password_changed(connection, "password_changed", user_id, client)
        return token

    async def list_sessions(self, principal: Principal) -> list[ListedSession]:
        async with self._database.reader() as connection:
            return await self.sessions.list_of(connection, principal.user_id)

    async def end_session(self, principal: Principal, session_id: UUID, client: Client) -> None:
        """End a session of one's own.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        async with self._database.transaction() as connection:
            if not await self.sessions.end(connection, session_id, principal.user_id):
                raise NotFound("You have no such session.")
            await self._audit.record(
                connection,
                "session_ended",
                user_id=principal.user_id,
                client=client,
                ended=str(session_id),
            )

    async def _find(self, email: str) -> _Account | None:
        async with self._database.reader() as connection:
            row = (
                await connection.execute(
                    select(users.c.id, users.c.password_hash).where(users.c.email == email)
                )
            ).one_or_none()
        return _Account(row.id, row.password_hash) if row else None

    async def _start_session(
        self, account: _Account, password: str, client: Client, presented: str | None
    ) -> str | None:
        """None when the account is disabled, or its password changed while it was checked."""
        password_hash = account.password_hash
        if needs_rehash(password_hash):
            password_hash = await hash_password(password)
        async with self._database.transaction() as connection:
            if not await self._replace_hash(connection, account, password_hash):
                return None
            if presented:
                await self.sessions.end_token(connection, presented)
            token = await self.sessions.start(connection, account.id, client)
            await self._audit.record(connection, "logged_in", user_id=account.id, client=client)
        return token

    async def _replace_hash(
        self, connection: AsyncConnection, account: _Account, password_hash: str
    ) -> bool:
        """Whether the account is still as it was found; it stays so until the transaction ends."""
        unchanged = await connection.scalar(
            select(users.c.id)
            .where(
                users.c.id == account.id,
                users.c.password_hash == account.password_hash,
                users.c.disabled_at.is_(None),
            )
            .with_for_update()
        )
        if unchanged and password_hash != account.password_hash:
            await connection.execute(
                update(users).where(users.c.id == account.id).values(password_hash=password_hash)
            )
        return unchanged is not None

    async def _password_changed(
        self, connection: AsyncConnection, event: str, user_id: UUID, client: Client
    ) -> None:
        await self._audit.record(connection, event, user_id=user_id, client=client)
        await self._jobs.defer(connection, tasks.send_password_changed, user_id=str(user_id))
