"""Prices worked out with a number of the request that may be less than nothing."""

import re
from collections.abc import Iterator, Sequence

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.amounts import FROM_A_PROVIDER, described, may_be_negative
from ..facts.middleware import Access
from .say import HIGH, MEDIUM, at_route, finding, on_the_way, place

_OF_A_PRICE = (
    r"(?<![\w$.])(?:[\w$]+(?:\[[^\]]*\])?[.?!]+)*"
    r"\w*(?:price|rate|cost|fee|precio|preco)\w*(?:\[[^\]]*\])?(?:\.\w+)?\)?"
)
_SO_MANY = (
    r"(?:[\w$]+[.?!]+)*\w*(?:quantity|qty|seats|tickets|nights|days|hours|minutes|guests|units"
    r"|cantidad|quantidade|jumlah)\w*(?!\w)(?!\.(?:length|size)\b)"
)
_PRICED = re.compile(
    rf"(?P<sum>\+=|\+)?\s*\(?\s*(?:Number\(|parseFloat\()?{_OF_A_PRICE}\s*\*\s*(?:Number\(|parseInt\()?(?P<a>{_SO_MANY})"
    rf"|(?P<summed>\+=|\+)?\s*\(?(?:Number\(|parseInt\()?(?<![\w.])(?P<b>{_SO_MANY})\)?\s*\*\s*(?:Number\(|parseFloat\()?{_OF_A_PRICE}",
    re.IGNORECASE,
)
_REFUSED_THERE = re.compile(r"\bline_items\b")
"""Stripe takes no negative number of anything."""
_STORED = re.compile(r"\.(?:create|insert\w*|save|add|set|values|query|execute)\w*\(")


_SAID = {"payments.client-price", "validation.negative-amount"}


def negatives(cases: list[Case], found: Sequence[Finding]) -> Iterator[Finding]:
    """Where the request says what one costs, it needs no trick with how many there are."""
    said = {one.place.symbol for one in found if one.rule in _SAID}
    for case in cases:
        if (
            case.route.label in said
            or not case.route.writes
            or case.access is Access.ROLE
            or case.route.kind == "procedure"
        ):
            continue
        if (
            described(case)
            or _REFUSED_THERE.search(case.code)
            or FROM_A_PROVIDER.search(case.route.path)
        ):
            continue
        if _STORED.search(case.code):
            yield from _of_case(case)


def _of_case(case: Case) -> Iterator[Finding]:
    for piece in case.pieces:
        if "*" not in piece.code:
            continue
        names = case.flow.of(piece)
        for used in _PRICED.finditer(piece.code):
            value = (used["a"] or used["b"]).replace("?", "").replace("!", "")
            if not may_be_negative(case, piece, names, value):
                continue
            label = case.route.label
            where = place(piece.module, piece.start + used.start(), label)
            message = (
                f"{label} works out a price with {value} of the request, which may be negative: "
                f"the total is less than it should be, or less than nothing"
            )
            severity = HIGH if used["sum"] or used["summed"] else MEDIUM
            also = [*on_the_way(piece), at_route(case)]
            yield finding("validation.negative-amount", where, message, severity, also)
            return
