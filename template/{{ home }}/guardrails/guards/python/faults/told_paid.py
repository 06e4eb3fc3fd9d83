"""Whether it is paid: the client says so, and it is written down."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler, comes_from
from ..facts.newcomers import serves_many
from ..facts.refusals import ROLES
from ..facts.syntax import assigned, called, dotted, found, key_of, text_of, words_in

_STATE = re.compile(
    r"^(payment_?status|is_?paid|paid|payment_?verified|payment_?state)$", re.IGNORECASE
)
_OF_STAFF = re.compile(
    r"admin|staff|manage|dashboard|seed|webhook|callback|cashier|\bpos\b|invoice|expense",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"stripe|razorpay|paypal|mollie|square|flutterwave|paystack|mercado|xendit|midtrans|paddle"
    r"|braintree|adyen|requests|httpx|signature|hmac|verif|retrieve|gateway|cashier|recorded_by",
    re.IGNORECASE,
)


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`Payment(payment_status=data["payment_status"])` of whoever is to pay."""
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if not route.writes or route.before == "role" or _OF_STAFF.search(name):
        return
    if route.access not in {"public", "caller"} and not _owners_pass(handler):
        return
    if not handler.uses_user or not serves_many(handler):
        return
    if any(_ASKED.search(word) for word in words_in(handler.function)):
        return
    node = next((node for node in handler.body if _writes(handler, node)), None)
    if node is not None:
        yield found(
            "payments.unverified", handler.module, node,
            f"{route.label} writes down whether it is paid as the client says: no provider is "
            "asked.",
            severity=Severity.HIGH, symbol=route.function.name,
        ), route.function  # fmt: skip


def _owners_pass(handler: Handler) -> bool:
    """`if row.owner_id != me.id and me.role != "admin": refuse`: the role is one way in of two."""
    for node in handler.body:
        test = node.test if isinstance(node, ast.If) else None
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            roles = [one for one in test.values if any(map(ROLES.search, words_in(one)))]
            if roles and len(roles) < len(test.values):
                return True
    return False


def _writes(handler: Handler, node: ast.AST) -> bool:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
        name = dotted(node.targets[0]).rpartition(".")[2]
        return bool(_STATE.match(name)) and _said(handler, node.value)
    if isinstance(node, ast.Call) and called(node)[:1].isupper():
        return any(
            _STATE.match(word.arg or "") and _said(handler, word.value) for word in node.keywords
        )
    if isinstance(node, ast.Dict):
        return any(
            _STATE.match(text_of(key) or "") and _said(handler, value)
            for key, value in zip(node.keys, node.values, strict=True)
        )
    return False


def _said(handler: Handler, value: ast.expr) -> bool:
    """The state as the request names it, with nothing of ours that tells one from another."""
    if isinstance(value, ast.Name):
        made = assigned(handler.function, value.id)
        if made:
            return len(made) == 1 and not isinstance(made[0], ast.Name) and _said(handler, made[0])
        return value.id in handler.inputs and bool(_STATE.match(value.id))
    named = key_of(value)
    made = assigned(handler.function, dotted(value).partition(".")[0])
    if any(called(one)[:1].isupper() for one in made):
        return False  # what stands in the row that was made here
    return bool(_STATE.match(named) or named == "status") and comes_from(value, handler.inputs)
