"""Where providers of payments tell what became of one, by whatever name the path goes."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Case
from .say import HIGH, at_route, finding, place
from .signs import MONEY, WEBHOOK_NAME

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


def counted_again(cases: list[Case]) -> Iterator[Finding]:
    """A balance is moved each time the provider tells the same, as it does until it hears 200."""
    for case in cases:
        told = WEBHOOK_NAME.search(case.route.path) or of_a_payment(case)
        if case.route.method != "POST" or not told or "constructEvent" in case.code:
            continue
        for piece in case.pieces[:3]:
            moved = _COUNTS.search(piece.code)
            before = case.own if piece.depth else ""
            if moved is None or _ASKED_BEFORE.search(before + piece.code[: moved.start()]):
                continue
            message = (
                f"{case.route.label} moves a balance for each delivery: the provider tells the "
                f"same again until it hears 200"
            )
            where = place(piece.module, piece.start + moved.start(), case.route.label)
            yield finding("payments.no-idempotency", where, message, HIGH, [at_route(case)])
            break
