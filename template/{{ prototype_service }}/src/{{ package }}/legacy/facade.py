"""Stands in front of the prototype: what no route of the service answers comes through here.

A request is looked through, counted, decided on and only then passed on. All of it is one ASGI
callable, for the prototype's traffic pays for every layer.
"""

from typing import Final

from starlette.types import Receive, Scope, Send

from ..platform.hosts import Hosts
from ..platform.problems import BadRequest, Forbidden, Problem, Unavailable
from ..platform.requests import bind_principal
from .framing import refuse_ambiguous
from .pace import Pace, network_of
from .port import Gatekeeper
from .refusals import refusal
from .routes import Routes

_REFUSED: Final = Forbidden("You may not call this.", code="gate")


class Facade:
    def __init__(
        self, *, routes: Routes, gate: Gatekeeper, pace: Pace, hosts: Hosts, max_concurrency: int
    ) -> None:
        self._routes = routes
        self._gate = gate
        self._pace = pace
        self._hosts = hosts
        self._free = max_concurrency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._serve(scope, receive, send)
        except Problem as problem:
            await refusal(scope, problem)(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A copy, for the server puts trailers into its own list while the body comes, and what
        # the gate has not seen must not reach the prototype (RFC 9110, 6.5.1).
        scope["headers"] = list(scope["headers"])
        refuse_ambiguous(scope)
        if not self._hosts.allow(scope):
            raise BadRequest("This service does not answer to that host name.", code="unknown-host")
        if self._free <= 0:
            raise Unavailable("Too many requests are being served. Try again shortly.")
        self._free -= 1
        try:
            adapter = self._routes.find(scope)
            await self._admit(scope)
            await adapter(scope, receive, send)
        finally:
            self._free += 1

    async def _admit(self, scope: Scope) -> None:
        """Whoever may not pass is counted too, by address: guessing is not for free."""
        decision = await self._gate.decide(scope)
        principal = decision.principal
        if principal is None:
            client = scope.get("client")
            self._pace.take(network_of(client[0]) if client else "unknown")
        else:
            bind_principal(principal)
            self._pace.take(f"principal:{principal}")
        if not decision.allowed:
            raise decision.problem or _REFUSED
