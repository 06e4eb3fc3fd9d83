"""What an account has paid for, written as the request says it."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.paths import property_of
from ..facts.program import Piece
from ..facts.queries import stem, table
from ..facts.signs import STORES, WEBHOOK_NAME
from ..facts.source import Call
from .say import at_route, finding, place

_ACCOUNTS = {
    "user", "account", "profil", "tenant", "organization", "organisation", "org", "compan",
    "workspac", "team", "subscription", "business", "member",
}  # fmt: skip
_PAID_FOR = re.compile(
    r"(?:[{,]|\.\.\.\(|&&\s*\{)\s*['\"]?(plan|tier|subscription_?(?:plan|tier|status|type)?|is_?premium"
    r"|is_?pro|credits|plan_?(?:id|type|name))['\"]?\s*(?::\s*([\w$.?!]+)\s*)?(?=[,}])",
    re.IGNORECASE,
)
_PAYS = re.compile(
    r"stripe|paypal|razorpay|paystack|flutterwave|mollie|checkout|payment|invoice|lemon|paddle"
    r"|signature|trial",
    re.IGNORECASE,
)
_KEPT_OF_A_PAYER = re.compile(r"\b(?:stripe|paypal|razorpay|paddle|lemon)\w*_?[iI]d\b")
"""A column that a payer's number would be in pays nothing."""


def plans(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access is not Access.CALLER or case.bound_by_rows or not case.route.writes:
            continue
        code = _KEPT_OF_A_PAYER.sub("''", case.route.label + case.code)
        if WEBHOOK_NAME.search(case.route.label) or _PAYS.search(code):
            continue
        yield from _chosen(case)


def _chosen(case: Case) -> Iterator[Finding]:
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if not call.callee.endswith((".update", ".updateOne", ".findByIdAndUpdate", ".set")):
                continue
            if not STORES.search("." + call.callee) or not _of_an_account(piece, call):
                continue
            changes = _changes(piece, call)
            given = _PAID_FOR.search(changes)
            value = given and (given[2] or given[1])
            if not given or not value or not names.has_sent(value):
                continue
            message = (
                f"{case.route.label} writes the {given[1]} that the request names, and nobody has "
                f"paid for it"
            )
            at = call.start + max(0, piece.module.slice(call).find(given[0]))
            where = place(piece.module, at, case.route.label)
            rule = "authz.client-supplied-entitlement"
            yield finding(rule, where, message, also=[at_route(case)])
            return


def _of_an_account(piece: Piece, call: Call) -> bool:
    code = piece.module.code[call.start : call.end]
    return stem(table(code)) in _ACCOUNTS


def _changes(piece: Piece, call: Call) -> str:
    first = piece.module.slice(call.arguments[0]) if call.arguments else ""
    if data := property_of(first, "data"):
        return data
    return piece.module.slice(call.arguments[1]) if len(call.arguments) > 1 else first
