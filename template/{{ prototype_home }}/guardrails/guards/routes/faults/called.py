"""Functions of the database that are called with the service key for whom the request names.

Behind that key `auth.uid()` is null: what the function would ask of the caller, it can't.
"""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case, Spot
from ..facts.middleware import Access
from ..facts.signs import BODY, WEBHOOK_NAME
from ..facts.ties import tied
from .pastrows import ASKED, with_key
from .say import CRITICAL, HIGH, at_route, at_spot, finding

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
_ID = re.compile(r"\b(\w*(?:_id|Id|_uuid|_user|_from|_to))\b\s*(?::\s*([^,}\n]+))?")


def calls_for_anybody(case: Case) -> Finding | None:
    """What is done to whatever record the request names."""
    for spot, name, _ in _calls(case):
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


_OF_A_RECORD = re.compile(
    r"(?:^|_)(?:fulfil+|complete|confirm|approve|accept|reject|cancel|refund|release|pay|credit"
    r"|debit|transfer|withdraw|grant|revoke|activate|deactivate|set|update|change|assign|delete"
    r"|remove|reset|promote|adjust)(?:_|$)"
)


def calls_for_any_user(case: Case) -> Iterator[Finding]:
    """The same for whoever is signed in, where nothing of the caller goes along."""
    if case.access is not Access.CALLER or not case.service or case.scoped or case.token_in_hand:
        return
    if WEBHOOK_NAME.search(case.route.label) or ASKED.search(case.code) or tied(case):
        return
    for spot, name, client in _calls(case):
        if _OF_A_RECORD.search(name) and with_key(case, spot.piece, client):
            yield finding(
                "authz.idor",
                at_spot(spot, case.route.label),
                f"{case.route.label} calls {name}() with the service key for whatever id the "
                f"request names: whose that is is never compared with the caller",
                HIGH,
                [at_route(case)],
            )
            return


def _calls(case: Case) -> Iterator[tuple[Spot, str, str]]:
    """Where, the function's name, and the client's."""
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
            ids = [one[2] or one[1] for one in _ID.finditer(given)]
            if any(map(names.has_sent, ids)) and not any(map(names.has_caller, ids)):
                yield Spot(piece, call.start), named[1], call.callee.partition(".")[0].strip()
