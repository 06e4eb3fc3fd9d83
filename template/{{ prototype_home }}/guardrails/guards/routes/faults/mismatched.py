"""Payments that are asked after under one number and booked under another.

The provider is asked what became of the payment T, and the row R is marked as paid; both numbers
came with the request. Whoever paid for something once shows that payment for anything.
"""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.flow import Names
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.queries import LOG
from ..facts.source import Call
from .say import HIGH, at_route, finding, place

_ASKS = re.compile(
    r"^(?:axios(?:\.get|\.post)?|fetch|got|ky)$|(?:get|fetch|query|check|verify|retrieve|lookup)\w*"
    r"(?:Transaction|Payment|Order|Charge|Status|Intent)\w*$|^verify\w*$"
)
_ABOUT_PAYMENTS = re.compile(
    r"transaction|payment|order|charge|status|verify|tracking|checkout", re.IGNORECASE
)
_NUMBER = re.compile(
    r"(?:track|transaction|tx|trx|payment|order|charge|session|reference|ref|checkout|intent)\w*"
    r"|pidx|\w+(?:[iI]d|[rR]ef(?:erence)?)",
    re.IGNORECASE,
)
_SENT_ALONG = re.compile(r"[{,]\s*(?:\w+\s*:\s*)?([A-Za-z_$][\w$]*)\s*(?=[,}])")
_CHOSEN = re.compile(
    r"\.eq\(\s*['\"](?P<column>\w+)['\"]\s*,\s*(?P<value>[\w$.?!]+)\s*,?\s*\)"
    r"|\bwhere\s*:\s*\{\s*(?P<c>\w+)\s*:\s*(?P<v>[\w$.?!]+)\s*,?\s*\}"
    r"|\bfindById(?:AndUpdate)?\(\s*(?P<i>[\w$.?!]+)\s*[,)]|\{\s*_id\s*:\s*(?P<m>[\w$.?!]+)\s*\}"
)
_PAID = re.compile(
    r"['\"]?\b(?:payment_?)?status['\"]?\s*:\s*(?:['\"](?:paid|completed?|success\w*|confirmed|active)['\"]"
    r"|\w*[sS]tatus\b)|[{,]\s*status\s*[,}]|\b(?:is_?)?paid['\"]?\s*:\s*true",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"(?:amount|reference|merchant\w*|order_?id|tx_?ref|external_?id|metadata|invoice\w*|booking_?id"
    r"|description)\b[^&|?;]*?[!=]==?\s*(?!null|undefined|['\"`\d])"
    r"|[!=]==?\s*[\w$.?!]*\.(?:\w*amount\w*|\w*reference|merchant\w*|order_?id|tx_?ref|metadata)",
    re.IGNORECASE,
)


def mismatched(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access in {Access.SIGNATURE, Access.ROLE} or not case.pieces:
            continue
        piece = case.pieces[0]
        if _PAID.search(piece.code) is None or _is_compared(piece):
            continue
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            asked = _asked(piece, names, call)
            row = _booked(piece, names, asked) if asked else None
            if asked and row:
                yield finding(
                    "payments.replay",
                    place(piece.module, call.start, case.route.label),
                    f"{case.route.label} asks what became of the payment `{asked}` and books it "
                    f"for `{row[1]}`: both come with the request, and nothing compares them",
                    HIGH,
                    [place(piece.module, row[0]), at_route(case)],
                )
                break


def _is_compared(piece: Piece) -> bool:
    return any(
        _COMPARED.search(piece.module.slice(one.test)) is not None
        for one in piece.module.conditions
        if piece.start <= one.test.start < piece.end
    )


def _asked(piece: Piece, names: Names, call: Call) -> str:
    """The number, out of the request, under which the provider is asked."""
    if LOG.match(call.callee) or not any(
        map(_ASKS.search, (call.callee, call.callee.rpartition(".")[2]))
    ):
        return ""
    address = piece.module.slice(call.arguments[0])[:400] if call.callee.endswith(".post") else ""
    for argument in call.arguments[:3]:
        text = piece.module.slice(argument)[:400]
        if not _ABOUT_PAYMENTS.search(call.callee + address + text):
            continue
        held = re.findall(r"\$\{\s*([\w$]+)\s*\}", text) if "${" in text else [text.strip()]
        held += _SENT_ALONG.findall(text) if call.callee.endswith(".post") else []
        for word in held:
            if re.fullmatch(r"[\w$]+", word) and _NUMBER.fullmatch(word) and names.has_sent(word):
                return word
    return ""


def _booked(piece: Piece, names: Names, asked: str) -> tuple[int, str] | None:
    """Where a row is chosen by another number of the request; none where it is by the same."""
    chosen = [
        (piece.start + one.start(), one["value"] or one["v"] or one["i"] or one["m"])
        for one in _CHOSEN.finditer(piece.code)
    ]
    if any(re.search(rf"(?<![\w$]){re.escape(asked)}(?![\w$])", value) for _, value in chosen):
        return None
    return next(
        (
            (at, value)
            for at, value in chosen
            if names.has_sent(value) and not names.has_caller(value)
        ),
        None,
    )
