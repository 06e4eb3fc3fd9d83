"""Callers with an account of the service itself, as its features know them."""

from starlette.requests import Request

from ...platform.access import Authenticator
from .caller import Caller
from .presented import Presented


class AccountCallers:
    """Asks the authenticator that the application was composed with."""

    async def identify(self, presented: Presented) -> Caller | None:
        if not presented.cookies:
            return None
        scope = presented.scope
        authenticate: Authenticator = scope["app"].state.authenticator
        principal = await authenticate(Request({**scope, "type": "http"}))
        if principal is None:
            return None
        return Caller(
            str(principal.user_id),
            "account",
            principal.roles,
            {"email": principal.email, "permissions": sorted(principal.permissions)},
        )
