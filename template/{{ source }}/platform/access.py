"""Who may call a route: every route states it, and one that states nothing stops the start-up.

The decision is made before the body is read (ASVS 5.0 8.2.1, 8.3.1; CWE-862).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from .bodies import JsonRequest
from .database import Handler, returning_reader
from .problems import PROBLEM_RESPONSES, Forbidden, Unauthenticated

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_ACCESS = "__access__"
_PRINCIPAL = "principal"
_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, as the session store knows them."""

    user_id: UUID
    session_id: UUID
    email: str
    roles: frozenset[str]
    permissions: frozenset[str]


class Authenticator(Protocol):
    async def __call__(self, request: Request) -> Principal | None:
        """The principal behind a request; None when it carries no valid credential."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """`public`, `authenticated`, or the name of a permission."""

    name: str

    @property
    def is_public(self) -> bool:
        return self.name == "public"

    @property
    def permission(self) -> str | None:
        return None if self.name in {"public", "authenticated"} else self.name


def public(endpoint: Endpoint) -> Endpoint:
    """Anybody may call this route."""
    return _state(endpoint, Access("public"))


def authenticated(endpoint: Endpoint) -> Endpoint:
    """Anybody who is logged in may call this route."""
    return _state(endpoint, Access("authenticated"))


def requires(permission: str) -> Callable[[Endpoint], Endpoint]:
    """Only a principal whose roles grant `permission` may call this route."""
    if permission in {"", "public", "authenticated"}:
        raise ValueError(f"not the name of a permission: {permission!r}")

    def state(endpoint: Endpoint) -> Endpoint:
        return _state(endpoint, Access(permission))

    return state


def _state(endpoint: Endpoint, access: Access) -> Endpoint:
    if hasattr(endpoint, _ACCESS):
        raise TypeError(f"{endpoint.__qualname__} states its access twice")
    setattr(endpoint, _ACCESS, access)
    return endpoint


def stated_access(endpoint: object) -> Access | None:
    access = getattr(endpoint, _ACCESS, None)
    return access if isinstance(access, Access) else None


class GuardedRoute(APIRoute):
    """A route that decides on its stated access before anything of the body is parsed.

    What answers GET answers HEAD, by the same decision; the server sends no body then
    (RFC 9110, 9.3.2).
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._landmark = max(_PARAMETER.split(path), key=len)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        # All routes before the right one are asked: this tells them at a tenth of the cost.
        if self._landmark not in scope["path"]:
            return Match.NONE, {}
        return super().matches(self._as_routed(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().handle(self._as_routed(scope), receive, send)

    def _as_routed(self, scope: Scope) -> Scope:
        if scope["method"] != "HEAD":
            return scope
        methods = self.methods or ()
        if "HEAD" not in methods and "GET" in methods:
            return {**scope, "method": "GET"}
        return scope

    def get_route_handler(self) -> Handler:
        handle = returning_reader(super().get_route_handler())
        if self.body_field is not None:
            handle = _reading_json(handle)
        access = stated_access(self.endpoint)
        if access is not None and access.is_public:
            return handle

        async def guarded(request: Request) -> Response:
            authenticate: Authenticator = request.scope["app"].state.authenticator
            principal = await authenticate(request)
            if principal is None:
                raise Unauthenticated("Log in to call this.")
            request.scope[_PRINCIPAL] = principal
            if access is None:
                raise Forbidden("Nobody may call this: it states no access.")
            if access.permission is not None and access.permission not in principal.permissions:
                raise Forbidden("Your roles do not allow this.")
            return await handle(request)

        return guarded


def _reading_json(handle: Handler) -> Handler:
    async def read(request: Request) -> Response:
        return await handle(JsonRequest(request.scope, request.receive))

    return read


class Router(APIRouter):
    """The router of this service: its routes are guarded ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=GuardedRoute, responses=PROBLEM_RESPONSES, **options)


async def current_principal(request: Request) -> Principal:
    principal = request.scope.get(_PRINCIPAL)
    if not isinstance(principal, Principal):
        raise Unauthenticated("Log in to call this.")
    return principal


CurrentPrincipal = Annotated[Principal, Depends(current_principal)]


@dataclass(frozen=True, slots=True, order=True)
class AccessEntry:
    """One line of the access table."""

    path: str
    method: str
    access: str
    feature: str


class UnstatedAccess(Exception):
    """A route does not say who may call it."""


def access_entries(
    feature: str, routes: Iterable[BaseRoute], permissions: frozenset[str]
) -> Iterator[AccessEntry]:
    """The access of each route.

    Raises:
        UnstatedAccess: a route states nothing, is not guarded, or names a permission that no
            feature declares.
    """
    for context in iter_route_contexts(list(routes)):
        route, path = context.original_route, context.path or "?"
        access = stated_access(getattr(route, "endpoint", None))
        if not isinstance(route, GuardedRoute):
            raise UnstatedAccess(
                f"{path} ({feature}) is a {type(route).__name__}, which nobody guards. "
                "Declare it on a platform.access.Router."
            )
        if access is None:
            raise UnstatedAccess(
                f"{path} ({feature}) does not state who may call it. Put @public, "
                f'@authenticated or @requires("…") under the route decorator of '
                f"{route.endpoint.__qualname__}."
            )
        if access.permission is not None and access.permission not in permissions:
            raise UnstatedAccess(
                f"{path} ({feature}) requires {access.permission!r}, a permission that no feature "
                "declares. Add it to the permissions of the feature."
            )
        for method in sorted(context.methods or ()):
            yield AccessEntry(path, method, access.name, feature)
