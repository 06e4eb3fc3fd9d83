"""Prices worked out with a number of the request that may be less than nothing."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Case
from .flow import Names
from .middleware import Access
from .program import Piece
from .say import HIGH, MEDIUM, at_route, finding, place
from .takings import FROM_A_PROVIDER, described, kept_positive, may_be_negative

_OF_A_PRICE = r"(?:[\w$]+[.?!]+)*\w*(?:price|rate|cost|fee|precio|preco)\w*(?:\[[^\]]*\])?(?:\.\w+)?\)?"
_SO_MANY = r"(?:[\w$]+[.?!]+)*\w*(?:quantity|qty|minutes|guests|units|cantidad|quantidade|jumlah)\w*"
_PRICED = re.compile(
    rf"(?P<sum>\+=|\+)?\s*\(?\s*(?:Number\(|parseFloat\()?{_OF_A_PRICE}\s*\*\s*(?:Number\(|parseInt\()?(?P<a>{_SO_MANY})"
    rf"|(?P<summed>\+=|\+)?\s*\(?(?:Number\(|parseInt\()?(?<![\w.])(?P<b>{_SO_MANY})\)?\s*\*\s*(?:Number\(|parseFloat\()?{_OF_A_PRICE}",
    re.IGNORECASE,
)
_EACH = re.compile(
    r"\bfor\s*\(\s*(?:const|let)\s+(\w+)\s+of\s+([\w.?]+)"
    r"|([\w.?]+)\??\.(?:map|forEach|reduce|filter)\(\s*(?:async\s*)?\(?\s*(?:\w+\s*,\s*)?(\w+)"
)
_STORED = re.compile(r"\.(?:create|insert\w*|save|add|set|values|query|execute)\w*\(")


def negatives(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if not case.route.writes or case.access is Access.ROLE or case.route.kind == "procedure":
            continue
        if described(case) or FROM_A_PROVIDER.search(case.route.path):
            continue
        if _STORED.search(case.code):
            yield from _of_case(case)


def _of_case(case: Case) -> Iterator[Finding]:
    for piece in case.pieces:
        names = case.flow.of(piece)
        for used in _PRICED.finditer(piece.code):
            value = (used["a"] or used["b"]).replace("?", "").replace("!", "")
            if not _unasked(case, piece, names, value):
                continue
            label = case.route.label
            where = place(piece.module, piece.start + used.start(), label)
            message = (
                f"{label} works out a price with {value} of the request, which may be negative: "
                f"the total is less than it should be, or less than nothing"
            )
            severity = HIGH if used["sum"] or used["summed"] else MEDIUM
            yield finding("validation.negative-amount", where, message, severity, [at_route(case)])
            return


def _unasked(case: Case, piece: Piece, names: Names, value: str) -> bool:
    """Whether it is the request's, alone or in one of its list, and nobody asks how much."""
    if may_be_negative(case, piece, names, value):
        return True
    root, _, field = value.partition(".")
    if not field or kept_positive(case, field) or _asked(case, field):
        return False
    return any(
        (one[1] or one[4]) == root and _sent_list(names, (one[2] or one[3]).replace("?", ""))
        for one in _EACH.finditer(piece.code)
    )


def _sent_list(names: Names, listed: str) -> bool:
    return names.has_sent(listed) and not names.has_caller(listed)


def _asked(case: Case, field: str) -> bool:
    bound = re.compile(
        rf"\b{field}\)?\s*(?:<=?|>=?)\s*\d|\d\s*[<>]=?\s*(?:\w+[.(])*{field}\b"
        rf"|Math\.(?:abs|max)\([^()]*\b{field}\b|isInteger\([^()]*\b{field}|isPositive"
    )
    return bound.search(case.code) is not None
