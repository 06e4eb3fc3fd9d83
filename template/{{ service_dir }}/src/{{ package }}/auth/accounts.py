"""What people do with their account: sign up, log in, change and reset the password.

Two rules hold everywhere. Known and unknown addresses get the same answer after the same work
(CWE-204, CWE-208), and no database connection is held while a password is hashed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from ..platform.access import Principal
from ..platform.context import Platform
from ..platform.problems import Forbidden, NotFound, Unauthenticated, UnprocessableContent
from . import tasks, throttling, tokens
from .audit import Audit
from .client import Client
from .passwords import hash_password, needs_rehash, refuse_weak, verify_password
from .sessions import ListedSession, Sessions
from .tables import sign_ups, users
from .throttling import Throttle

SIGN_UP_LIFETIME = timedelta(days=2)


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

    async def sign_up(self, email: str, password: str, client: Client) -> None:
        """Take note of a wish for an account; the mail says how to go on, or that there is one."""
        await self._count_mail(email, client)
        await refuse_weak(password, self._known_words(email))
        password_hash = await hash_password(password)
        async with self._database.transaction() as connection:
            sign_up_id = uuid4()
            await connection.execute(
                insert(sign_ups).values(
                    id=sign_up_id,
                    email=email,
                    password_hash=password_hash,
                    expires_at=self._clock.now() + SIGN_UP_LIFETIME,
                )
            )
            await self._audit.record(
                connection, "sign_up_requested", client=client, account=self._audit.pseudonym(email)
            )
            await self._jobs.defer(connection, tasks.answer_sign_up, sign_up_id=str(sign_up_id))

    async def verify_email(self, token: str, client: Client) -> None:
        """Open the account whose address the token proves.

        Raises:
            UnprocessableContent: the token is unknown, used or expired.
        """
        await self._count_token(client)
        async with self._database.transaction() as connection:
            now = self._clock.now()
            sign_up_id = await tokens.redeem_for_sign_up(connection, token, now)
            user_id = await self._open_account(connection, sign_up_id) if sign_up_id else None
            if user_id:
                await self._audit.record(
                    connection, "account_opened", user_id=user_id, client=client
                )
                return
        raise _invalid_token()

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
        await self._count_mail(email, client)
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
            UnprocessableContent: the token is unknown, used or expired; or the password is weak,
                which leaves the token good.
        """
        await self._count_token(client)
        async with self._database.reader() as connection:
            owner = await tokens.owner_of(connection, token, self._clock.now())
        if owner is None:
            raise _invalid_token()
        await refuse_weak(password, self._known_words(owner.email))
        password_hash = await hash_password(password)
        async with self._database.transaction() as connection:
            if not await tokens.redeem_for_user(
                connection, token, owner.user_id, self._clock.now()
            ):
                raise _invalid_token()
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
        await refuse_weak(new, self._known_words(principal.email))
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

    async def _open_account(self, connection: AsyncConnection, sign_up_id: UUID) -> UUID | None:
        """None when the address got an account in the meantime."""
        wish = (
            await connection.execute(
                delete(sign_ups)
                .where(sign_ups.c.id == sign_up_id)
                .returning(sign_ups.c.email, sign_ups.c.password_hash)
            )
        ).one()
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

    async def _count_mail(self, email: str, client: Client) -> None:
        await self._throttle.count(
            (throttling.MAIL_BY_ACCOUNT_AND_CLIENT, f"{email} {client.network}"),
            (throttling.MAIL_BY_ACCOUNT, email),
            (throttling.MAIL_BY_CLIENT, client.network),
        )

    async def _count_token(self, client: Client) -> None:
        await self._throttle.count((throttling.TOKEN_BY_CLIENT, client.network))

    def _known_words(self, email: str) -> Iterator[str]:
        yield from (email, self._service_name)


def _invalid_token() -> UnprocessableContent:
    return UnprocessableContent(
        "This link was used already, or its time is over. Ask for a new one.", code="invalid-token"
    )
