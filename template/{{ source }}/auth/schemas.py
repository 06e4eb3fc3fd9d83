"""The bodies of requests and responses."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, SecretStr

from ..platform.access import Principal
from ..platform.schemas import RequestBody, ResponseBody
from .email_address import EmailAddress
from .passwords import MAXIMUM_LENGTH
from .sessions import ListedSession

# Whether a new password is good enough is the policy's to say; see passwords.refuse_weak.
Password = Annotated[SecretStr, Field(min_length=1, max_length=MAXIMUM_LENGTH)]
Token = Annotated[SecretStr, Field(min_length=1, max_length=100)]


class SignUp(RequestBody):
    email: EmailAddress
    password: Password


class EmailToken(RequestBody):
    token: Token


class Credentials(RequestBody):
    email: EmailAddress
    password: Password


class ResetRequest(RequestBody):
    email: EmailAddress


class NewPassword(RequestBody):
    token: Token
    password: Password


class PasswordChange(RequestBody):
    current_password: Password
    new_password: Password


class Accepted(ResponseBody):
    status: Literal["accepted"] = "accepted"
    detail: str = "If this address can be used, a mail is on its way to it."


class Me(ResponseBody):
    id: UUID
    email: str
    roles: list[str]
    permissions: list[str]

    @classmethod
    def of(cls, principal: Principal) -> Self:
        return cls(
            id=principal.user_id,
            email=principal.email,
            roles=sorted(principal.roles),
            permissions=sorted(principal.permissions),
        )


class Session(ResponseBody):
    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None
    current: bool


class SessionList(ResponseBody):
    items: list[Session]

    @classmethod
    def of(cls, listed: Iterable[ListedSession], principal: Principal) -> Self:
        return cls(
            items=[
                Session(
                    id=session.id,
                    created_at=session.created_at,
                    last_seen_at=session.last_seen_at,
                    expires_at=session.expires_at,
                    address=session.address,
                    user_agent=session.user_agent,
                    current=session.id == principal.session_id,
                )
                for session in listed
            ]
        )
