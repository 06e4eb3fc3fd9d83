"""Who gets the money of a purchase, said by the request: `metadata: { sellerId }`.

A provider hands its notes back when the money has come, and whoever reads them there believes
them: they hold what the browser wrote, and are signed all the same. Whom a purchase is *for* is
the buyer's to say, who pays for it.
"""

import re
from collections.abc import Iterator

from ....engine.finding import Finding, Place
from ..facts.access import Case
from ..facts.flow import Names
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.signs import BODY
from ..facts.source import Call
from .prices import charges, charges_by_http
from .say import HIGH, at_route, at_spot, finding, place

_PAID = re.compile(
    r"(?<![\w$.])['\"]?(?P<who>(?:seller|vendor|merchant|payee|host|freelancer|driver|affiliate"
    r"|referrer)_?(?:id|uuid|uid))['\"]?\s*(?::\s*(?P<value>[^,}\n]+)|(?=[,}]))",
    re.IGNORECASE,
)
_NOTES = re.compile(r"\b(?:metadata|notes|meta)\s*:\s*(\{(?:[^{}]|\$\{[^{}]*\})*\})")


def bought_for(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access in {Access.PUBLIC, Access.CALLER}:
            yield from _of_case(case)


def _of_case(case: Case) -> Iterator[Finding]:
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if charges(call) or charges_by_http(piece, call):
                told = list(_named(piece, call, names))
                if told:
                    yield _finding(case, piece, told)
                    return


def _named(piece: Piece, call: Call, names: Names) -> Iterator[tuple[str, int]]:
    """Who is named by the request in what the provider keeps for later, and where."""
    given = piece.module.slice(call)
    for held in _NOTES.finditer(given):
        for one in _PAID.finditer(held[1]):
            if _of_request(piece, names, one["value"] or one["who"]):
                yield one["who"], call.start + held.start(1) + one.start()


def _of_request(piece: Piece, names: Names, value: str) -> bool:
    """Whether it is as it was sent: nothing was looked up by it, and nothing compared with it."""
    bare = re.match(r"\s*(?:String\()?([A-Za-z_$][\w$.?!]*)", value)
    if bare is None or not names.has_sent(value) or names.has_caller(value):
        return False
    name = re.escape(bare[1].rpartition(".")[2])
    return re.search(_LOOKED_AT.format(name), piece.code) is None


_LOOKED_AT = (
    r"\.eq\(\s*['\"`]\w+['\"`]\s*,\s*(?:\w+\.)?{0}\b|[!=]==?\s*(?:\w+\.)?{0}\b"
    r"|\b{0}\s*[!=]==?\s*(?!['\"]|undefined|null)|\bwhere\s*:\s*\{{[^{{}}]*\b{0}\b"
)


def _finding(case: Case, piece: Piece, told: list[tuple[str, int]]) -> Finding:
    who, at = told[0]
    body = case.first(BODY)
    also: list[Place] = [place(piece.module, one) for _, one in told[1:]]
    also += [*([at_spot(body)] if body else []), at_route(case)]
    return finding(
        "authz.client-supplied-identity",
        place(piece.module, at, case.route.label),
        f"{case.route.label} books what is paid to whichever `{who}` the request names",
        HIGH,
        also,
    )
