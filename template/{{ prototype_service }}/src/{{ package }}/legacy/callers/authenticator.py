"""The prototype's callers in features of the service: what makes taking over a route possible."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import Request

from ...platform.access import Authenticator, Principal
from ...platform.context import Platform
from ...platform.problems import Unavailable
from ...platform.requests import bind_principal
from ...platform.service import Feature
from . import callers_of
from .caller import Caller
from .chain import CANNOT_VERIFY, CallerChain
from .claims import subject_of
from .settings import CallerSettings

_MEMBER = "member"


class CallerAuthenticator:
    """Accounts of the service first, then whoever the prototype's credentials prove.

    A role `warden` that a Supabase token gives is the role `supabase:warden` here: what the
    prototype hands out opens nothing in the service that the service did not say it should.
    """

    def __init__(
        self,
        accounts: Authenticator,
        callers: CallerChain,
        roles: Mapping[str, frozenset[str]],
    ) -> None:
        self.accounts = accounts
        self._callers = callers
        self._roles = roles

    async def __call__(self, request: Request) -> Principal | None:
        principal = await self.accounts(request)
        if principal is not None:
            return principal
        identified = await self._callers.identify(request.scope)
        if identified.fault == CANNOT_VERIFY:
            raise Unavailable("Who is calling can't be verified at the moment.")
        if identified.caller is None:
            return None
        bind_principal(identified.caller.subject)
        return self._principal(identified.caller)

    def _principal(self, caller: Caller) -> Principal:
        held = frozenset({_MEMBER, *(f"{caller.source}:{role}" for role in caller.roles)})
        return Principal(
            user_id=_id(caller.subject, f"{caller.source}:{caller.subject}"),
            session_id=_id(
                subject_of(caller.claims, ["session_id"]) or "",
                f"{caller.source}:session:{caller.subject}",
            ),
            email=subject_of(caller.claims, ["email", "user.email"]) or "",
            roles=held,
            permissions=frozenset[str]().union(*(self._roles.get(role, ()) for role in held)),
        )


def with_callers(accounts: Feature) -> Feature:
    """The feature that authenticates, knowing the prototype's callers too."""
    of_accounts = accounts.authenticator
    assert of_accounts is not None, "the feature does not authenticate"

    def authenticator(
        platform: Platform, roles: Mapping[str, frozenset[str]]
    ) -> CallerAuthenticator:
        settings = platform.settings
        assert isinstance(settings, CallerSettings)
        others = tuple(part for part in settings.callers if part != "accounts")
        chain = callers_of(settings, platform.telemetry.http_client, platform.clock, others)
        return CallerAuthenticator(of_accounts(platform, roles), chain, roles)

    return replace(accounts, authenticator=authenticator)


def _id(text: str, otherwise: str) -> UUID:
    """A UUID as it is; of any other id always the same one."""
    try:
        return UUID(text)
    except ValueError:
        return uuid5(NAMESPACE_URL, otherwise)
