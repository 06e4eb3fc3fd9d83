"""The gate: whether a request may reach the prototype, and what it says when it may not.

Deny by default: what the table does not know is refused (ASVS 5.0 8.2.1, 8.3.1; CWE-862). In
report-only mode nobody is cut off; each request that would have been is logged and counted.
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, quote

import structlog
from opentelemetry.metrics import Meter
from starlette.types import Scope

from ...platform.problems import BadRequest, Forbidden, Problem, Unauthenticated, Unavailable
from ...platform.requests import bind_principal
from ..callers.chain import CANNOT_VERIFY, SECRET_IN_BROWSER, CallerChain, Identified
from ..port import Decision
from .file import METHODS
from .table import AMBIGUOUS_PATH, UNKNOWN_ROUTE, WEBSOCKET, Found, GateTable

NO_CREDENTIAL: Final = "no-credential"
NOT_ALLOWED: Final = "not-allowed"
REFUSED: Final = "gate_refused"
WOULD_REFUSE: Final = "gate_would_refuse"

_CARRIES = frozenset({b"authorization", b"cookie", b"apikey", b"transfer-encoding"})
_PATH_IN_LOG: Final = 300


class Gate:
    """Decides on each request by the table and the caller."""

    def __init__(
        self, table: GateTable, callers: CallerChain, meter: Meter, *, enforcing: bool, realm: str
    ) -> None:
        self._table = table
        self._callers = callers
        self._enforcing = enforcing
        self._realm = realm.replace("\\", "").replace('"', "")
        self._mode = "enforcing" if enforcing else "report-only"
        self._log = structlog.get_logger(__name__)
        self._refusals = meter.create_counter(
            "gate.refusals",
            "{request}",
            "Requests that the gate refused, or in report-only mode would have refused.",
        )

    async def decide(self, scope: Scope) -> Decision:
        found = self._found(scope)
        if _is_preflight(scope) and not found.fault and not any(it.is_shut for it in found.lines):
            return _PREFLIGHT
        identified = await self._callers.identify(scope)
        caller = identified.caller
        principal = caller.subject if caller else None
        if principal is not None:
            bind_principal(principal)
        reason = _reason(found, identified)
        if not reason:
            return Decision(allowed=True, principal=principal)
        problem = self._problem(reason, identified)
        self._report(scope, found, identified, reason, problem)
        if self._enforcing:
            return Decision(allowed=False, principal=principal, problem=problem)
        return Decision(allowed=True, principal=principal, would_refuse=reason)

    def _found(self, scope: Scope) -> Found:
        path = _raw_path(scope)
        if scope["type"] == "websocket":
            return self._table.find(WEBSOCKET, path)
        if _is_preflight(scope):
            return self._table.find(_header(scope, b"access-control-request-method"), path)
        found = self._table.find(scope["method"], path)
        for method in _overriding(scope):
            other = self._table.find(method, path)
            found = Found((*found.lines, *other.lines), found.fault or other.fault)
        return found

    def _problem(self, reason: str, identified: Identified) -> Problem:
        if reason == AMBIGUOUS_PATH:
            return BadRequest("This path can be read in more than one way.", code=reason)
        if reason == CANNOT_VERIFY:
            return Unavailable("Who is calling can't be verified at the moment.", code=reason)
        if reason == SECRET_IN_BROWSER:
            return Forbidden(
                "This is a secret key, and it came from a browser. Revoke it.", code=reason
            )
        if identified.caller is not None:
            return Forbidden("You may not call this.", code=reason)
        challenge = f'Bearer realm="{self._realm}"'
        if identified.fault:
            challenge += ', error="invalid_token"'
        return Unauthenticated(
            "Log in to call this.", code=reason, headers={"WWW-Authenticate": challenge}
        )

    def _report(
        self, scope: Scope, found: Found, identified: Identified, reason: str, problem: Problem
    ) -> None:
        line = next((line for line in found.lines if not line.admits(identified.caller)), None)
        caller = identified.caller
        self._log.warning(
            REFUSED if self._enforcing else WOULD_REFUSE,
            method=scope.get("method", WEBSOCKET),
            route=str(line) if line else None,
            path=scope["path"][:_PATH_IN_LOG],
            access=line.access if line else None,
            known_by=caller.source if caller else None,
            reason=reason,
            status=problem.status,
        )
        self._refusals.add(
            1,
            {
                "gate.mode": self._mode,
                "gate.reason": reason,
                "http.route": line.path if line else "",
            },
        )


_PREFLIGHT = Decision(allowed=True)


def _reason(found: Found, identified: Identified) -> str:
    """Why not; empty when nothing speaks against it."""
    if identified.fault == SECRET_IN_BROWSER or found.fault == AMBIGUOUS_PATH:
        return found.fault or identified.fault
    if found.fault:
        return found.fault
    if all(line.admits(identified.caller) for line in found.lines):
        return ""
    if identified.caller is not None:
        return NOT_ALLOWED
    return identified.fault or NO_CREDENTIAL


def _raw_path(scope: Scope) -> str:
    """The path as it was sent, for that is what goes upstream."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        return quote(scope["path"])
    return raw.partition(b"?")[0].decode("latin-1")


def _header(scope: Scope, wanted: bytes) -> str:
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value, "latin-1").strip()
    return ""


def _overriding(scope: Scope) -> Iterator[str]:
    """Other methods that a framework may take the request for if its query asks (CWE-650).

    Headers that ask for it never reach the prototype: the data path leaves them out.
    """
    query: bytes = scope.get("query_string", b"")
    if b"_method" not in query and b"%" not in query:
        return
    for name, value in parse_qsl(query.decode("latin-1")):
        if name == "_method" and (method := value.strip().upper()) in METHODS:
            yield method


def _is_preflight(scope: Scope) -> bool:
    """A CORS preflight (Fetch, 4.8), which browsers send without credentials and content.

    It goes on to the prototype, whose own list of origins answers it. What only looks like one
    is judged as any other request.
    """
    if scope.get("method") != "OPTIONS":
        return False
    names = {name for name, _ in scope["headers"]}
    if not {b"origin", b"access-control-request-method"} <= names or names & _CARRIES:
        return False
    return _header(scope, b"content-length") in {"", "0"}


__all__ = ["NOT_ALLOWED", "NO_CREDENTIAL", "REFUSED", "UNKNOWN_ROUTE", "WOULD_REFUSE", "Gate"]
