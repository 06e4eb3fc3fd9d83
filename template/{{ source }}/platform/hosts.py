"""Answers only to the host names that are its own (CWE-346, DNS rebinding)."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import problem_response


class Hosts:
    """The host names of this service; "*" stands for all."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(host.lower().encode("latin-1") for host in allowed)

    def allow(self, scope: Scope) -> bool:
        named = [value.lower() for name, value in scope["headers"] if name == b"host"]
        if len(named) > 1:  # a proxy may have believed the other one (RFC 9112, 3.2)
            return False
        authority = named[0] if named else b""
        if authority in self._allowed or b"*" in self._allowed:
            return True
        host = authority if authority.endswith(b"]") else authority.rpartition(b":")[0]
        return host in self._allowed


class AllowedHostsMiddleware:
    """Refuses a request for any other host.

    Starlette's TrustedHostMiddleware does the same, in plain text.
    """

    def __init__(self, app: ASGIApp, *, allowed_hosts: Iterable[str]) -> None:
        self.app = app
        self._hosts = Hosts(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._hosts.allow(scope):
            await self.app(scope, receive, send)
            return
        response = problem_response(
            400,
            "unknown-host",
            "This service does not answer to that host name.",
            request_id=scope.get("state", {}).get("request_id"),
        )
        await response(scope, receive, send)
