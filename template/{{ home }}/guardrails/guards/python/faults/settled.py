"""Payments that are taken for made because somebody says so, in a function made for it."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler
from ..facts.modules import Function
from ..facts.syntax import (
    dotted,
    found,
    key_of,
    own_body,
    place,
    strings_in,
    target_name,
    text_of,
    words_in,
)
from . import kinds

_SETTLES = re.compile(
    r"^(complete|mark|settle|finali[sz]e|confirm)_(\w+_)?(payments?|paid|transactions?)$"
)
_STAFF = re.compile(r"admin|staff|manage|webhook|callback|cashier|\bpos\b|refund", re.IGNORECASE)
_MADE = re.compile(r"^(paid|completed|succeeded|success)$", re.IGNORECASE)
_STATE = re.compile(r"^(payment_?)?(status|state)$")
_ASKS = re.compile(
    r"stripe|razorpay|paypal|mollie|square|flutterwave|paystack|mercado|xendit|midtrans|paddle"
    r"|paymongo|cashfree|paytm|phonepe|khalti|esewa|sslcommerz|mpesa|braintree|adyen|requests|httpx"
    r"|signature|hmac|verif|retrieve|capture|gateway|cash|coupon|wallet|balance",
    re.IGNORECASE,
)


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`complete_payment(payment.id)` where a booking is accepted, and no provider is asked."""
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if not route.writes or not kinds.customers_may(handler) or _STAFF.search(name):
        return
    if _asks(handler.function):
        return
    for call in handler.calls:
        there = handler.project.resolve(handler.module, dotted(call.func)).node
        if not isinstance(there, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if _SETTLES.match(there.name) and not _asks(there) and any(map(_makes, own_body(there))):
            yield found(
                "payments.unverified", handler.module, call,
                f"{route.label} takes the payment for made: no provider is asked whether it was.",
                severity=Severity.HIGH, symbol=route.function.name,
                also=[place(handler.module, route.line, route.function.name)],
            ), route.function  # fmt: skip
            return


def _asks(function: Function) -> bool:
    inside = [function.args, *function.body]
    told = {word for one in inside for word in words_in(one) | strings_in(one) if " " not in word}
    return any(_ASKS.search(word) for word in told)


def _makes(node: ast.AST) -> bool:
    """`payment.status = PaymentStatus.COMPLETED`, `payment.status = "paid"`."""
    if not isinstance(node, ast.Assign) or not _STATE.match(target_name(node.targets[0])):
        return False
    return bool(_MADE.match(text_of(node.value) or key_of(node.value)))
