"""Which of a provider's prices is charged, and what is handed out for it, said by the client."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Piece
from .say import HIGH, at_route, finding, place

_CHECKOUT = re.compile(r"checkout\.sessions\.create$|subscriptions\.(?:create|update)$")
_PRICE = re.compile(r"\bprice\s*:\s*([A-Za-z_$][\w$.?!]*)\s*(?=[,}])|[{,]\s*(price)\s*(?=[,}])")
_WHAT = re.compile(
    r"\b(\w*(?:plan|tier|credits?|course_?[iI]d|product_?[iI]d|package|seats|tokens|minutes|level)\w*)\s*"
    r"(?::\s*([^,}\n]+)|(?=[,}]))"
)


def chosen_prices(case: Case) -> Iterator[Finding]:
    """`line_items: [{ price: req.body.priceId }]`: the cheapest there is buys the dearest."""
    if case.access not in {Access.PUBLIC, Access.CALLER}:
        return
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if not call.arguments or not _CHECKOUT.search(call.callee):
                continue
            given = piece.module.slice(call)
            match = _PRICE.search(given)
            value = (match[1] or match[2]) if match else ""
            if match is None or not names.has_sent(value) or names.has_caller(value):
                continue
            if _looked_up(piece, value, call.start):
                continue
            handed = next(
                (one[1] for one in _WHAT.finditer(given) if names.has_sent(one[2] or one[1])), ""
            )
            if handed:  # else one gets what one pays for
                message = (
                    f"{case.route.label} charges whichever price the client names, and hands out "
                    f"the `{handed}` that it names: the cheapest price buys the dearest of these"
                )
                where = place(piece.module, call.start + match.start(), case.route.label)
                yield finding("payments.client-price", where, message, HIGH, [at_route(case)])
                return


_USES = (
    r"\((?:[^()]|\([^()]*\))*(?<![\w$]){0}(?![\w$])|(?<![\w$]){0}\s*[!=]==?\s*(?!['\"]|undefined|null)"
    r"|[!=]==?\s*{0}(?![\w$.])|\[\s*{0}\s*\]|\bin\s+[A-Z]"
)
_TESTS_ALONE = re.compile(
    r"\bif\s*\(\s*!\s*[\w$.?]+(?:\s*\|\|\s*!\s*[\w$.?]+)*\s*\)|\b(?:console\.\w+|log\w*|logger\.\w+)\([^;\n]*|typeof\s+\w+"
)


def _looked_up(piece: Piece, value: str, before: int) -> bool:
    """Whether anything is done with it first but to ask whether there is one."""
    code = _TESTS_ALONE.sub(" ", piece.module.code[piece.start : before])
    used = re.compile(_USES.format(re.escape(value.rpartition(".")[2])))
    return used.search(code.partition("{")[2]) is not None
