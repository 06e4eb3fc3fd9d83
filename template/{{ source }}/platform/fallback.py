"""Gives the requests that no route of the service answers to an application behind it."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

_GROUP_NAME: Final = re.compile(r"\?P<\w+>")


class Owned:
    """The paths and methods of the service's routes; `left` are paths that it leaves alone."""

    def __init__(self, routes: Iterable[APIRoute], left: Sequence[str] = ()) -> None:
        plain: dict[str, set[str]] = {}
        patterned: dict[str, list[str]] = {}
        for route in routes:
            if any(route.path == path or route.path.startswith(f"{path}/") for path in left):
                continue
            for method in route.methods or ():
                if "{" in route.path:
                    pattern = _GROUP_NAME.sub("?:", route.path_regex.pattern)
                    patterned.setdefault(method, []).append(pattern)
                else:
                    plain.setdefault(method, set()).add(route.path)
        self._plain = plain
        self._patterned = {
            method: re.compile("|".join(patterns)) for method, patterns in patterned.items()
        }

    def answers(self, scope: Scope) -> bool:
        """No route takes a WebSocket (platform.access)."""
        if scope["type"] != "http":
            return False
        method, path = _asked(scope), scope["path"]
        if path in self._plain.get(method, ()):
            return True
        pattern = self._patterned.get(method)
        return pattern is not None and pattern.match(path) is not None


class FallbackMiddleware:
    """Routes of the service come first, each by path and method; the fallback gets the rest.

    What is inside of this middleware is for the service's routes alone: the fallback brings its
    own limits and headers.
    """

    def __init__(self, app: ASGIApp, *, fallback: ASGIApp, owned: Owned) -> None:
        self._app = app
        self._fallback = fallback
        self._owned = owned

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        mine = scope["type"] == "lifespan" or self._owned.answers(scope)
        await (self._app if mine else self._fallback)(scope, receive, send)


def _asked(scope: Scope) -> str:
    """HEAD belongs to who answers GET, a preflight to who answers what it asks for."""
    method: str = scope["method"]
    if method == "HEAD":
        method = "GET"
    elif method == "OPTIONS":
        for name, value in scope["headers"]:
            if name == b"access-control-request-method":
                method = value.decode("latin-1")
    return method
