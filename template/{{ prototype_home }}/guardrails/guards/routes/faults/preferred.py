"""The request's word for a person, believed before what the server knows by itself.

As in `const buyer = body.buyerId || user.id`: who calls is only meant where the request is silent.
"""

import re
from collections.abc import Iterator, Sequence

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.flow import Names
from ..facts.middleware import Access
from ..facts.signs import ADMIN_PATH, MONEY, WEBHOOK_NAME
from ..facts.ties import tied
from .say import CRITICAL, HIGH, at_route, finding, place

_PERSON = (
    r"(?:user|customer|client|member|student|patient|driver|rider|seller|vendor|buyer|owner|account"
    r"|profile|player|sender|payer|payee|recipient|provider|host|author)_?[iI]d"
)
_RATHER = re.compile(
    rf"(?<![\w$.'\"])(?P<said>(?:[\w$]+[?!]?\.)*(?:\w*_)?(?i:{_PERSON}))\s*(?:\|\||\?\?)\s*"
    rf"(?P<known>[\w$]+(?:[?!]?\.[\w$]+)*[?!]?\.(?:_?id|uid|sub|(?:\w*_)?(?i:{_PERSON})))(?![\w$(])"
)
_OWN_ROW = re.compile(rf"\.(?:\w*_)?(?i:{_PERSON})$")


def preferred(cases: list[Case], found: Sequence[Finding]) -> Iterator[Finding]:
    told = {
        one.place.symbol
        for one in found
        if one.rule in {"authz.idor", "authz.client-supplied-identity"}
    }
    for case in cases:
        label = case.route.label
        if case.access is not Access.CALLER or label in told or case.bound_by_rows:
            continue
        if WEBHOOK_NAME.search(label) or ADMIN_PATH.search(case.route.path) or tied(case):
            continue
        yield from _rather(case)


def _rather(case: Case) -> Iterator[Finding]:
    effects = {name for name, _ in case.effects()}
    for piece in case.pieces[:1]:
        names = case.flow.of(piece)
        for match in _RATHER.finditer(piece.code):
            if not _is_believed(names, match):
                continue
            writes = bool(effects & {"write", "delete"})
            does = "acts for" if writes else "reads what belongs to"
            where = place(piece.module, piece.start + match.start(), case.route.label)
            yield finding(
                "authz.client-supplied-identity" if writes else "authz.idor",
                where,
                f"{case.route.label} {does} whomever the request names (`{match['said']}`), and "
                f"only where it names nobody for `{match['known']}`",
                CRITICAL if writes and MONEY.search(case.own) else HIGH,
                [at_route(case)],
            )
            return


def _is_believed(names: Names, match: "re.Match[str]") -> bool:
    said, known = match["said"], match["known"]
    if not names.has_sent(said) or names.has_caller(said):
        return False
    return names.has_caller(known) or (
        _OWN_ROW.search(known) is not None and not names.has_sent(known)
    )
