"""Functions of the database that an edge function calls, with the service key, for anybody."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Case, Spot
from .say import CRITICAL, HIGH, at_route, at_spot, finding
from .signs import BODY

_NAMED = re.compile(r"\(\s*['\"`](\w+)['\"`]\s*,\s*\{")
_ONLY_ASKS = re.compile(
    r"^(?:get|list|find|search|count|is|has|can|check|validate|calculate|calc|compute|log|track"
    r"|match|nearby|preview|estimate|fetch|read|lookup|record_view|increment_\w*(?:view|click|usage))"
    r"(?:_|$)"
)
_DECIDES = re.compile(
    r"(?:^|_)(?:fulfil+|complete|confirm|mark|approve|accept|reject|cancel|refund|release|pay|paid"
    r"|credit|debit|transfer|withdraw|deposit|grant|revoke|activate|deactivate|set|update|change"
    r"|assign|delete|remove|reset|promote|adjust|process|redeem|settle)(?:_|$)"
)
_ID = re.compile(r"\b\w*(?:_id|Id|_uuid)\s*(?::\s*([^,}\n]+))?")


def calls_for_anybody(case: Case) -> Finding | None:
    """What is done to whatever record the request names."""
    for spot, name in _calls(case):
        body = case.first(BODY)
        return finding(
            "authz.idor",
            at_spot(spot, case.route.name),
            f"{case.route.name} calls {name}() with an id from the request and the service key, "
            f"for anybody",
            CRITICAL if _DECIDES.search(name) else HIGH,
            [*([at_spot(body)] if body else []), at_route(case)],
        )
    return None


def _calls(case: Case) -> Iterator[tuple[Spot, str]]:
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if not call.callee.endswith(".rpc") or len(call.arguments) != 2:
                continue
            code = piece.module.slice(call)
            named = _NAMED.search(code)
            if named is None or _ONLY_ASKS.search(named[1]):
                continue
            given = piece.module.slice(call.arguments[1])
            if any(names.has_sent(one[1] or one[0]) for one in _ID.finditer(given)):
                yield Spot(piece, call.start), named[1]
