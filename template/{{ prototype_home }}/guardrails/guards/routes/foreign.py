"""Rows that name somebody's order or appointment, and nobody looks whether it is the caller's."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Access, Case
from .program import Piece
from .say import MEDIUM, at_route, finding, place
from .signs import ADMIN_PATH, WEBHOOK_NAME
from .source import Call

_ADDS = re.compile(r"\.(?:create|insert|insertOne|values|save)$")
_NAMED = re.compile(
    r"(?<![\w$.])(?P<key>(?:session|order|booking|appointment|reservation|conversation|account|wallet"
    r"|card|address|invoice|enrol{1,2}ment|application|prescription|loan|shipment)(?:_?[iI]d)?)"
    r"\s*(?::\s*(?P<value>[\w$.?]+)\s*)?(?=[,}\n])"
)
_NOT_THEIRS = re.compile(
    r"track|analytics|event|(?<!re)view|visit|log|chat|message|socket|stream", re.IGNORECASE
)


def foreign(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        path = case.route.path
        if (
            case.access is not Access.CALLER
            or case.route.method != "POST"
            or case.bound_by_rows
            or ADMIN_PATH.search(path)
            or WEBHOOK_NAME.search(path)
            or _NOT_THEIRS.search(path)
            or _compared(case)
        ):
            continue
        for piece in case.pieces[:1]:
            yield from _unasked(case, piece)


def _compared(case: Case) -> bool:
    """Whether anything is compared with the caller on the way."""
    return any(
        re.search(r"[!=]==?|\.equals\(|\.includes\(", line) and case.flow.of(piece).has_caller(line)
        for piece in case.pieces
        for line in piece.code.splitlines()
    )


def _unasked(case: Case, piece: Piece) -> Iterator[Finding]:
    names = case.flow.of(piece)
    for call in piece.module.calls_in(piece.start, piece.end):
        if not _ADDS.search(call.callee) or not call.arguments:
            continue
        given = piece.module.slice(call.arguments[0])
        for named in _NAMED.finditer(given) if given.startswith("{") else ():
            value = named["value"] or named["key"]
            is_id = re.search(r"[iI]d$", value) is not None
            if not is_id or not names.has_sent(value) or _looked_up(piece, call, value):
                continue
            message = (
                f"{case.route.label} adds a row for the {named['key']} that the request names, and "
                f"never looks whether that is the caller's"
            )
            at = call.arguments[0].start + named.start()
            where = place(piece.module, at, case.route.label)
            also = [at_route(case), place(piece.module, call.start, case.route.label)]
            yield finding("authz.idor", where, message, MEDIUM, also)
            return


def _looked_up(piece: Piece, adds: Call, value: str) -> bool:
    """Whether anything else is asked with it: a query, or a function of one's own."""
    used = re.compile(rf"(?<![\w$.]){re.escape(value)}\b")
    return any(
        used.search(piece.module.slice(one))
        for call in piece.module.calls_in(piece.start, piece.end)
        if not (call.start <= adds.start < call.end or adds.start <= call.start < adds.end)
        and not re.match(r"console|logger|z\.|res\.|Number$|String$|parseInt$", call.callee)
        for one in call.arguments
    )
