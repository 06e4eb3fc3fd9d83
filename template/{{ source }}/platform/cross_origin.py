"""Refuses what another site makes a browser send (CSRF, CWE-352; ASVS 5.0 3.5.1).

The check of Go 1.25's http.CrossOriginProtection: a browser says where a request comes from,
in Sec-Fetch-Site or in Origin; a program that sends neither carries no ambient cookie.
"""

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import problem_response

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossOriginMiddleware:
    """`trusted_origins` are origins ("https://app.example.com") that may call with cookies."""

    def __init__(self, app: ASGIApp, *, trusted_origins: Iterable[str] = ()) -> None:
        self.app = app
        self._trusted = frozenset(origin.rstrip("/") for origin in trusted_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in _SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        if scope["type"] in {"http", "websocket"} and not self._is_allowed(Headers(scope=scope)):
            response = problem_response(
                403,
                "cross-origin",
                "This request comes from another site.",
                request_id=scope.get("state", {}).get("request_id"),
            )
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_allowed(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is not None and origin in self._trusted:
            return True
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        if origin is None:
            return True
        # An origin is a scheme and a host, and nobody's to parse: it may be anything.
        return origin.partition("://")[2] == headers.get("host")
