"""Callers with an account of the service itself, as its features know them."""

import structlog
from starlette.requests import Request

from ...platform.access import Authenticator, Principal
from .caller import Caller, CannotVerify
from .presented import Presented

_log = structlog.get_logger(__name__)


class AccountCallers:
    """Asks the authenticator that the application was composed with."""

    async def identify(self, presented: Presented) -> Caller | None:
        if not presented.cookie_headers:
            return None
        principal = await self._principal(presented)
        if principal is None:
            return None
        return Caller(
            str(principal.user_id),
            "account",
            principal.roles,
            {"email": principal.email, "permissions": sorted(principal.permissions)},
        )

    async def _principal(self, presented: Presented) -> Principal | None:
        scope = presented.scope
        composed = scope["app"].state.authenticator
        # Of one that knows the prototype's callers too, only the part for accounts.
        authenticate: Authenticator = getattr(composed, "accounts", composed)
        try:
            return await authenticate(Request({**scope, "type": "http"}))
        except Exception as error:
            # Without the database nobody's session can be looked up; the gate says what follows.
            _log.warning("accounts_unavailable", error=type(error).__name__)
            raise CannotVerify from error
