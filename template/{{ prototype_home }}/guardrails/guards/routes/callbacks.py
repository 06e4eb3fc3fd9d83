"""Where providers of payments tell what became of one, by whatever name the path goes."""

import re

from .access import Case
from .signs import MONEY

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
_ASKS_OTHERS = re.compile(r"\b(?:axios|fetch|got|ky|superagent)\b|\bverif\w*\(|\bqueryStatus|[cC]heckStatus")


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


