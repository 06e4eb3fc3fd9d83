"""The gate's decision alone, for a proxy that asks before it passes a request on by itself.

Nginx asks in this way (`auth_request`): 2xx lets the request through, 401 and 403 refuse it, and
whatever else there is to say refuses it as well. The request that is meant is in headers that the
proxy sets, and none of a caller's gets past it.
"""

from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ...platform.hosts import Hosts
from ...platform.problems import BadRequest, Forbidden, Problem
from ..framing import refuse_ambiguous
from ..port import Gatekeeper

_METHOD: Final = b"x-original-method"
_URI: Final = b"x-original-uri"
_UPGRADE: Final = b"x-original-upgrade"
_TOLD: Final = frozenset({_METHOD, _URI, _UPGRADE})
_PASSED_ON: Final = frozenset({401, 403, 503})
"""Another status would be an error to the proxy, and a fault in its log each time."""


class GateCheck:
    """Answers at `path`, and leaves every other request to `app`."""

    def __init__(self, app: ASGIApp, *, gate: Gatekeeper, hosts: Hosts, path: str) -> None:
        self._app = app
        self._gate = gate
        self._hosts = hosts
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == self._path:
            await (await self._answer(scope))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        try:
            problem = await self._problem(scope)
        except Problem as unfit:
            problem = unfit
        if problem is None:
            return Response(status_code=204)
        status = problem.status if problem.status in _PASSED_ON else 403
        return Response(status_code=status, headers=problem.headers)

    async def _problem(self, scope: Scope) -> Problem | None:
        meant = _meant(scope)
        refuse_ambiguous(meant)
        if not self._hosts.allow(meant):
            raise BadRequest("This service does not answer to that host name.", code="unknown-host")
        readings = [meant]
        if _upgrades(scope):
            # The proxy passes on whatever is answered, so it may be a socket or no socket at all.
            readings.append({**meant, "type": "websocket"})
        for reading in readings:
            decision = await self._gate.decide(reading)
            if not decision.allowed:
                return decision.problem or Forbidden("You may not call this.")
        return None


def _meant(scope: Scope) -> Scope:
    """The request that the proxy asks about.

    Raises:
        BadRequest: it does not say, or says two things.
    """
    told: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _TOLD and name in told:
            raise BadRequest("The request that is meant is told twice.")
        told[name] = value
    method, uri = told.get(_METHOD, b""), told.get(_URI, b"")
    if not method or not uri:
        raise BadRequest("The request that is meant is not told.")
    raw_path, _, query = uri.partition(b"?")
    return {
        **scope,
        "method": method.decode("latin-1"),
        "path": raw_path.decode("latin-1"),
        "raw_path": raw_path,
        "query_string": query,
        "headers": [header for header in scope["headers"] if header[0] not in _TOLD],
    }


def _upgrades(scope: Scope) -> bool:
    return any(
        name == _UPGRADE and b"websocket" in value.lower() for name, value in scope["headers"]
    )
