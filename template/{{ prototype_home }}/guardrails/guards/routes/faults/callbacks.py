"""Where providers of payments tell what became of one, by whatever name the path goes."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.models import model_text, only_once, prisma_model
from ..facts.program import Piece
from ..facts.signs import MONEY, WEBHOOK_NAME
from .say import HIGH, at_route, finding, on_the_way, place

_CALLED_BACK = re.compile(
    r"(?:^|[/_-])(?:callback|call-back|notify|notification|confirmation|result|ipn|stk-?(?:push-)?(?:result|callback))s?/?$",
    re.IGNORECASE,
)
_PAYMENT = re.compile(
    r"m-?pesa|daraja|\bstk|pay(?:ment|ments|stack|fast|here|tm|u|stream)|vnpay|momo|e-?sewa|khalti|cinetpay"
    r"|midtrans|xendit|ssl-?commerz|phonepe|cashfree|bkash|iyzico|flutterwave|razorpay|billplz|toyyibpay"
    r"|flouci|konnect|monnify|chapa|deposits?\b|withdraw|payout|disburse",
    re.IGNORECASE,
)
_ASKS_OTHERS = re.compile(
    r"\b(?:axios|fetch|got|ky|superagent)\b|\bverif\w*\(|\bqueryStatus|[cC]heckStatus"
)


def of_a_payment(case: Case) -> bool:
    """`POST /mpesa/callback`: what a provider of payments tells, and money moves by it."""
    path = case.route.path
    return (
        case.route.method == "POST"
        and case.route.kind != "edge"
        and _CALLED_BACK.search(path) is not None
        and _PAYMENT.search(path) is not None
        and MONEY.search(case.code) is not None
        and not _ASKS_OTHERS.search(case.code)
    )


_COMES_BACK = re.compile(
    r"(?:^|[/_-])(?:success|callback|return|complete[d]?|fail(?:ure|ed)?|cancel(?:led)?)s?/?$",
    re.IGNORECASE,
)


def comes_back(case: Case) -> bool:
    """`GET /esewa/success`: where a provider sends the buyer to, and is asked itself."""
    return _ASKS_OTHERS.search(case.code) is not None and of_a_buyer(case)


def of_a_buyer(case: Case) -> bool:
    """An address that a provider of payments sends the buyer's browser to, as anybody may."""
    path = case.route.path
    return _COMES_BACK.search(path) is not None and _PAYMENT.search(path) is not None


_COUNTS = re.compile(
    r"\b\w*(?:[bB]alance|[cC]redits?|[wW]allet)\w*['\"]?\s*(?::\s*\{\s*(?:increment|decrement)\s*:|\+=)"
    r"|\$inc\s*:\s*\{[^{}]*(?:[bB]alance|[cC]redits?|[wW]allet)"
    r"|\bSET\s+(\w*balance)\s*=\s*\1\s*[+-]",
)
_ASKED_BEFORE = re.compile(
    r"\.(?:payment)?[sS]tatus\s*[!=]==?|already|processed|duplicate|idempot|existing"
    r"|\bstatus['\"]?\s*:\s*(?:\{\s*(?:not|in|\$ne)\b|['\"](?:pending|initiated|created|processing)['\"])",
    re.IGNORECASE,
)
"""What was done about it is looked at before it is done again."""


_FAR = 8
"""A webhook hands what it was told to a service, and that to the one that keeps the balances."""
_AT_THE_PROVIDER = re.compile(
    r"[sS]tatus\s*[!=]==?\s*['\"](?:captured|authori[sz]ed|succeeded|success|COMPLETED?|paid)['\"]"
)
"""What the provider says of its payment tells nothing of whether it was counted."""


def _before(piece: Piece, at: int) -> str:
    """All that is done before, down from the handler."""
    code = piece.code[:at]
    while piece.giver is not None:
        end = piece.given[0].start if piece.given else piece.giver.end
        code = piece.giver.module.code[piece.giver.start : end] + code
        piece = piece.giver
    return _AT_THE_PROVIDER.sub(" ", code)


_ADDED = re.compile(r"\b([A-Z]\w*|(?:prisma|db|tx)\.\w+)\.create\(")
_REFERENCE = re.compile(r"[{,\s](\w*(?:ref|reference|payment_?[iI]d|transaction_?[iI]d)\w*)\s*[:,]")


def _refused_twice(case: Case, piece: Piece) -> bool:
    """The store refuses a second row for the same payment, and with it all that is done."""
    for added in _ADDED.finditer(piece.code):
        keys = _REFERENCE.findall(piece.code[added.end() : added.end() + 500])
        model = added[1].rpartition(".")[2]
        text = prisma_model(case.program, model) or model_text(case.program, piece.module, model)
        if keys and only_once(text, keys):
            return True
    return False


def counted_again(cases: list[Case]) -> Iterator[Finding]:
    """A balance is moved each time the provider tells the same, as it does until it hears 200."""
    for case in cases:
        told = WEBHOOK_NAME.search(case.route.path) or of_a_payment(case)
        if case.route.method != "POST" or not told or "constructEvent" in case.code:
            continue
        for piece in case.pieces[:_FAR]:
            moved = _COUNTS.search(piece.code)
            if moved is None or _ASKED_BEFORE.search(_before(piece, moved.start())):
                continue
            if _refused_twice(case, piece):
                continue
            message = (
                f"{case.route.label} moves a balance for each delivery: the provider tells the "
                f"same again until it hears 200"
            )
            where = place(piece.module, piece.start + moved.start(), case.route.label)
            also = [at_route(case), *on_the_way(piece)]
            yield finding("payments.no-idempotency", where, message, HIGH, also)
            break
