"""Addresses that the request names, and that a class of the tree's own opens."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Piece
from .say import HIGH, MEDIUM, at_route, finding, place

_OPENS = re.compile(
    r"^(?:fetch|got|axios(?:\.get|\.post|\.head)?|needle\.get|https?\.get|(?:\w*[pP]age)\.goto"
    r"|this\.http(?:Service)?\.get|\w*[pP]uppeteer\.\w+)$"
)
_LOOKED_AT = re.compile(
    r"\.(?:hostname|host|protocol)\b|allow\w*|whitelist|isPrivate|ssrf|\.startsWith\(\s*['\"]https"
    r"|\.(?:includes|test|match)\(|lookup\(",
    re.IGNORECASE,
)


def fetched(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access not in {Access.PUBLIC, Access.CALLER}:
            continue
        for piece in case.pieces:
            # What a handler opens by itself is told by the pattern of the rule.
            if piece.depth and not _LOOKED_AT.search(_ways(piece)):
                yield from _opened(case, piece)


def _ways(piece: Piece) -> str:
    """The code from the handler down to the piece."""
    return piece.code + (_ways(piece.giver) if piece.giver else "")


def _opened(case: Case, piece: Piece) -> Iterator[Finding]:
    names = case.flow.of(piece)
    parameters = piece.function.parameters if piece.function else ()
    given = {word for one in parameters for word in re.findall(r"\w+", one)[:1]}
    for call in piece.module.calls_in(piece.start, piece.end):
        if not _OPENS.match(call.callee) or not call.arguments:
            continue
        address = piece.module.slice(call.arguments[0]).strip()
        if address in given & names.sent:
            message = f"{case.route.label} opens whichever address the request names"
            severity = HIGH if case.access is Access.PUBLIC else MEDIUM
            where = place(piece.module, call.start, case.route.label)
            yield finding("web.ssrf", where, message, severity, [at_route(case)])
            return
