"""Tokens that a route only sees were sent: whose they are nobody looks."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.meant import first_start, not_in_production
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.signs import REJECTS, WEBHOOK_NAME
from .say import CRITICAL, HIGH, at_route, finding, place

_SENT_ALONG = re.compile(
    r"headers?(?:\(\))?\)?\??\.(?:get\(\s*['\"](?:authorization|x-[\w-]*(?:token|auth)[\w-]*)['\"]"
    r"|authorization\b)|headers\[['\"](?:authorization|x-[\w-]*(?:token|auth)[\w-]*)['\"]",
    re.IGNORECASE,
)
_TEST = r"!\s*{0}\b(?!\s*[=.(\[])|!\s*{0}\??\.(?:startsWith|includes)\(\s*['\"`]Bearer"


def only_seen(case: Case) -> Iterator[Finding]:
    """`if (!token) return 401`, and no more is done with it: any text lets one in."""
    if (
        case.access is not Access.PUBLIC
        or not case.route.known
        or case.bound_by_rows
        or case.token_in_hand
        or first_start(case)
        or not_in_production(case)
        or WEBHOOK_NAME.search(case.route.label)
    ):
        return
    effects = {name for name, _ in case.effects()}
    at = _tested(case.pieces[0]) if case.pieces else 0
    if not at or not effects & {"write", "delete", "read"}:
        return
    changes = bool(effects & {"write", "delete"}) and case.route.method != "GET"
    does = "changes data" if changes else "hands out data"
    message = (
        f"{case.route.label} {does} for whoever sends any token: it only sees that there is one, "
        f"and never whose it is"
    )
    edge = case.route.kind == "edge"  # the gateway may have seen to it that it is a token
    rule = "edge-fn.unauthenticated" if edge else "authz.unauthenticated-endpoint"
    where = place(case.pieces[0].module, at, case.route.label)
    yield finding(
        rule, where, message, CRITICAL if changes and not edge else HIGH, [at_route(case)]
    )


def _tested(piece: Piece) -> int:
    """Where the token is asked for, if nothing else is done with it, or 0."""
    bindings = piece.module.bindings_in(piece.start, piece.end)
    held: dict[str, int] = {}
    for one in bindings:
        value = piece.module.slice(one)[:300]
        made = any(re.search(rf"(?<![\w$.]){re.escape(name)}(?![\w$])", value) for name in held)
        if re.fullmatch(r"\s*[\w$]+\s*", one.names) and (made or _SENT_ALONG.search(value)):
            held[one.names.strip()] = one.at
    if not held or len(_SENT_ALONG.findall(piece.code)) > 1:
        return 0
    spans = [(one.at, one.end) for one in bindings if one.names.strip() in held]
    tested = False
    for name in held:
        sign = re.compile(_TEST.format(re.escape(name)))
        for match in re.finditer(rf"(?<![\w$.'\"]){re.escape(name)}(?![\w$'\"])", piece.code):
            at = piece.start + match.start()
            if any(start <= at < end for start, end in spans):
                continue
            refuses = _refusal(piece, at)
            if refuses is None or not sign.search(refuses):
                return 0
            tested = True
    return min(held.values()) if tested else 0


def _refusal(piece: Piece, at: int) -> str | None:
    """The test around it, where it turns somebody away."""
    for one in piece.module.conditions:
        if one.test.start <= at < one.test.end and REJECTS.search(piece.module.slice(one.then)):
            return piece.module.slice(one.test)
    return None
