"""Answers only to the host names that are its own (CWE-346, DNS rebinding)."""

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import problem_response


class AllowedHostsMiddleware:
    """Refuses a request for any other host; "*" allows all.

    Starlette's TrustedHostMiddleware does the same, in plain text.
    """

    def __init__(self, app: ASGIApp, *, allowed_hosts: Iterable[str]) -> None:
        self.app = app
        self._allowed = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "*" in self._allowed:
            await self.app(scope, receive, send)
            return
        authority = Headers(scope=scope).get("host", "").lower()
        host = authority if authority.endswith("]") else authority.rpartition(":")[0] or authority
        if host in self._allowed:
            await self.app(scope, receive, send)
            return
        response = problem_response(
            400,
            "unknown-host",
            "This service does not answer to that host name.",
            request_id=scope.get("state", {}).get("request_id"),
        )
        await response(scope, receive, send)
