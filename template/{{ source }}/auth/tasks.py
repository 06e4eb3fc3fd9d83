"""The mails of authentication, and the removal of what has expired.

A token is made here, just before its mail: none is ever in the queue, in a log or in a backup.
Each try makes its own, for the mail of an earlier one may have arrived.
"""

from datetime import timedelta
from uuid import UUID

import procrastinate
from procrastinate import JobContext, RetryStrategy
from sqlalchemy import delete, or_, select

from ..platform.jobs import platform_of_job
from . import tokens
from .mails import Mails
from .tables import one_time_tokens, sessions, sign_ups, throttles, users

VERIFICATION_LIFETIME = timedelta(hours=24)
RESET_LIFETIME = timedelta(hours=1)

# After 3, 9, 27, … seconds: a relay that is down for hours loses nothing.
_PATIENTLY = RetryStrategy(max_attempts=9, exponential_wait=3)

tasks = procrastinate.Blueprint()


@tasks.task(name="auth.answer_sign_up", queue="mail", retry=_PATIENTLY, pass_context=True)
async def answer_sign_up(context: JobContext, *, sign_up_id: str) -> None:
    """Ask the address to confirm itself; whoever has an account is told that they have."""
    platform = platform_of_job(context)
    mails = Mails(platform.settings)
    async with platform.database.transaction() as connection:
        wish = (
            await connection.execute(
                select(sign_ups.c.email, users.c.id.label("user_id"))
                .join_from(sign_ups, users, sign_ups.c.email == users.c.email, isouter=True)
                .where(sign_ups.c.id == UUID(sign_up_id))
            )
        ).one_or_none()
        if wish is None:
            return
        if wish.user_id is None:
            token = await tokens.issue_for_sign_up(
                connection, UUID(sign_up_id), platform.clock.now() + VERIFICATION_LIFETIME
            )
            mail = mails.verify_email(wish.email, token, VERIFICATION_LIFETIME)
        else:
            mail = mails.already_signed_up(wish.email)
    await platform.mailer.send(mail)


@tasks.task(name="auth.send_password_reset", queue="mail", retry=_PATIENTLY, pass_context=True)
async def send_password_reset(context: JobContext, *, user_id: str | None) -> None:
    if user_id is None:
        return
    platform = platform_of_job(context)
    async with platform.database.transaction() as connection:
        email = await connection.scalar(
            select(users.c.email).where(users.c.id == UUID(user_id), users.c.disabled_at.is_(None))
        )
        if email is None:
            return
        token = await tokens.issue_for_user(
            connection, UUID(user_id), platform.clock.now() + RESET_LIFETIME
        )
    await platform.mailer.send(
        Mails(platform.settings).reset_password(email, token, RESET_LIFETIME)
    )


@tasks.task(name="auth.send_password_changed", queue="mail", retry=_PATIENTLY, pass_context=True)
async def send_password_changed(context: JobContext, *, user_id: str) -> None:
    platform = platform_of_job(context)
    async with platform.database.reader() as connection:
        email = await connection.scalar(select(users.c.email).where(users.c.id == UUID(user_id)))
    if email is not None:
        await platform.mailer.send(Mails(platform.settings).password_changed(email))


@tasks.periodic(cron="17 * * * *")
@tasks.task(name="auth.remove_expired", queue="housekeeping", pass_context=True)
async def remove_expired(context: JobContext, timestamp: int) -> None:
    """Nothing that has expired is ever accepted; this only keeps the tables small."""
    del timestamp
    platform = platform_of_job(context)
    now = platform.clock.now()
    idle_since = now - timedelta(minutes=platform.settings.session_idle_minutes)
    async with platform.database.transaction() as connection:
        for statement in (
            delete(sessions).where(
                or_(sessions.c.expires_at <= now, sessions.c.last_seen_at <= idle_since)
            ),
            delete(one_time_tokens).where(one_time_tokens.c.expires_at <= now),
            delete(sign_ups).where(sign_ups.c.expires_at <= now),
            delete(throttles).where(throttles.c.resets_at <= now),
        ):
            await connection.execute(statement)
