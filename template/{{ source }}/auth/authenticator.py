"""From the session cookie of a request to its principal."""

from collections.abc import Mapping
from functools import lru_cache

from fastapi import Request

from ..platform.access import Principal
from ..platform.context import Platform
from ..platform.requests import bind_principal
from .cookies import SESSION_COOKIE
from .roles import roles_of
from .sessions import Sessions


class SessionAuthenticator:
    def __init__(self, platform: Platform, roles: Mapping[str, frozenset[str]]) -> None:
        self._sessions = Sessions(platform)

        @lru_cache(maxsize=256)
        def permissions_of(held: frozenset[str]) -> frozenset[str]:
            # A role that the service no longer knows grants nothing.
            return frozenset[str]().union(*(roles.get(role, ()) for role in held))

        self._permissions_of = permissions_of

    async def __call__(self, request: Request) -> Principal | None:
        token = request.cookies.get(SESSION_COOKIE)
        if not token:
            return None
        session = await self._sessions.find(token)
        if session is None:
            return None
        roles = roles_of(session.roles)
        bind_principal(session.user_id)
        return Principal(
            user_id=session.user_id,
            session_id=session.id,
            email=session.email,
            roles=roles,
            permissions=self._permissions_of(roles),
        )
