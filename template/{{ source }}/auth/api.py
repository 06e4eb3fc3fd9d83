"""The HTTP face of accounts and sessions."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from starlette.status import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from ..platform.access import CurrentPrincipal, Router, authenticated, public
from ..platform.context import CurrentPlatform
from .accounts import Accounts
from .client import CurrentClient
from .cookies import SESSION_COOKIE, give_session, take_session
from .schemas import (
    Accepted,
    Credentials,
    EmailToken,
    Me,
    NewPassword,
    PasswordChange,
    ResetRequest,
    SessionList,
    SignUp,
)
from .sign_ups import SignUps

router = Router(prefix="/auth", tags=["auth"])


async def _accounts(platform: CurrentPlatform) -> Accounts:
    return Accounts(platform)


async def _sign_ups(platform: CurrentPlatform) -> SignUps:
    return SignUps(platform)


CurrentAccounts = Annotated[Accounts, Depends(_accounts)]
CurrentSignUps = Annotated[SignUps, Depends(_sign_ups)]


@router.post("/sign-up", status_code=HTTP_202_ACCEPTED)
@public
async def sign_up(body: SignUp, sign_ups: CurrentSignUps, client: CurrentClient) -> Accepted:
    """Ask for an account. The answer is the same whether or not the address has one."""
    await sign_ups.sign_up(body.email, body.password.get_secret_value(), client)
    return Accepted()


@router.post("/verify-email", status_code=HTTP_204_NO_CONTENT)
@public
async def verify_email(body: EmailToken, sign_ups: CurrentSignUps, client: CurrentClient) -> None:
    """Confirm an address with the token from its mail; from now on one can log in."""
    await sign_ups.verify_email(body.token.get_secret_value(), client)


@router.post("/log-in", status_code=HTTP_204_NO_CONTENT)
@public
async def log_in(
    body: Credentials,
    request: Request,
    response: Response,
    accounts: CurrentAccounts,
    client: CurrentClient,
) -> None:
    """Start a session, in a cookie."""
    token = await accounts.log_in(
        body.email,
        body.password.get_secret_value(),
        client,
        presented=request.cookies.get(SESSION_COOKIE),
    )
    give_session(response, token, accounts.sessions.lifetime)


@router.post("/log-out", status_code=HTTP_204_NO_CONTENT)
@authenticated
async def log_out(
    principal: CurrentPrincipal,
    response: Response,
    accounts: CurrentAccounts,
    client: CurrentClient,
) -> None:
    """End this session."""
    await accounts.log_out(principal, client)
    take_session(response)


@router.post("/password-reset", status_code=HTTP_202_ACCEPTED)
@public
async def request_password_reset(
    body: ResetRequest, accounts: CurrentAccounts, client: CurrentClient
) -> Accepted:
    """Ask for a mail with which to choose a new password; the answer is always the same."""
    await accounts.request_password_reset(body.email, client)
    return Accepted()


@router.post("/password-reset/confirm", status_code=HTTP_204_NO_CONTENT)
@public
async def reset_password(
    body: NewPassword, accounts: CurrentAccounts, client: CurrentClient
) -> None:
    """Choose a new password with the token from the mail; every session ends."""
    await accounts.reset_password(
        body.token.get_secret_value(), body.password.get_secret_value(), client
    )


@router.put("/password", status_code=HTTP_204_NO_CONTENT)
@authenticated
async def change_password(
    body: PasswordChange,
    principal: CurrentPrincipal,
    response: Response,
    accounts: CurrentAccounts,
    client: CurrentClient,
) -> None:
    """Change the password. The other sessions end, this one gets a new cookie."""
    token = await accounts.change_password(
        principal,
        body.current_password.get_secret_value(),
        body.new_password.get_secret_value(),
        client,
    )
    give_session(response, token, accounts.sessions.lifetime)


@router.get("/me")
@authenticated
async def me(principal: CurrentPrincipal) -> Me:
    """Who is calling."""
    return Me.of(principal)


@router.get("/sessions")
@authenticated
async def list_sessions(principal: CurrentPrincipal, accounts: CurrentAccounts) -> SessionList:
    """The caller's sessions, the latest first."""
    return SessionList.of(await accounts.list_sessions(principal), principal)


@router.delete("/sessions/{session_id}", status_code=HTTP_204_NO_CONTENT)
@authenticated
async def end_session(
    session_id: UUID,
    principal: CurrentPrincipal,
    accounts: CurrentAccounts,
    client: CurrentClient,
) -> None:
    """End one of the caller's sessions."""
    await accounts.end_session(principal, session_id, client)
