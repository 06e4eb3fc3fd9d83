"""How far something has come, as whoever is signed in says: paid, accepted, delivered."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.meant import not_in_production
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.queries import statement, table
from ..facts.signs import ADMIN_PATH, WEBHOOK_NAME
from .say import HIGH, MEDIUM, at_route, finding, place

_UPDATES = re.compile(
    r"(?:^|\.)(?:update|updateOne|updateMany|findByIdAndUpdate|findOneAndUpdate|set)$"
)
_STATE = re.compile(
    r"\b(?:payment_?[sS]tatus|status|estado|situacao)\b\s*(?::\s*([\w.]+))?\s*(?=[,}])"
)
_BETWEEN_TWO = re.compile(
    r"(?:^|_)(?:orders?|bookings?|reservations?|offers?|ofertas?|bids?|proposals?|propostas?|propuestas?"
    r"|jobs?|trabajos?|trips?|rides?|deliver(?:y|ies)|shipments?|rentals?|contracts?|contratos?"
    r"|applications?|appointments?|pedidos?|reservas?|disputes?|claims?)$",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"(?:^|_)(?:payments?|pagos?|pagamentos?|escrows?|invoices?|withdrawals?|payouts?|loans?|refunds?"
    r"|transactions?)$|_escrow$",
    re.IGNORECASE,
)


def states(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access is not Access.CALLER or _of_staff(case) or not_in_production(case):
            continue
        for piece in case.pieces[:1]:
            yield from _set_at_will(case, piece)


def _of_staff(case: Case) -> bool:
    label = f"{case.route.label} {case.route.path} {case.route.module.path}"
    return bool(ADMIN_PATH.search(label) or WEBHOOK_NAME.search(label))


def _set_at_will(case: Case, piece: Piece) -> Iterator[Finding]:
    names = case.flow.of(piece)
    for call in piece.module.calls_in(piece.start, piece.end):
        if not _UPDATES.search(call.callee) or not call.arguments:
            continue
        given = piece.module.slice(call.arguments[-1 if "By" in call.callee else 0])
        state = _STATE.search(given) if given.startswith("{") else None
        if state is None:
            continue
        value = state[1] or state[0].strip()
        kind = table(statement(piece, call)) or call.callee.partition(".")[0]
        money = _MONEY.search(kind)
        if not (money or _BETWEEN_TWO.search(kind)) or not names.has_sent(value):
            continue
        before = piece.module.code[piece.start : call.start]
        if not _looked_at(before, value.rpartition(".")[2]):
            message = (
                f"{case.route.label} sets the state of {kind} to whatever the request says: nobody "
                f"looks who may say so, or whether it follows from what it was"
            )
            where = place(piece.module, call.start, case.route.label)
            severity = HIGH if money else MEDIUM
            yield finding("authz.missing-role-check", where, message, severity, [at_route(case)])
            return


_CHECKS = (
    r"\.(?:includes|has|indexOf|some)\(\s*[\w.]*\b{0}\b|\b{0}\s*(?:[!=]==?|in\s)"
    r"|switch\s*\(\s*[\w.]*{0}\b"
)
_SCHEMA = re.compile(r"safeParse\(|\.parse\(|z\.enum|nativeEnum|validat", re.IGNORECASE)
_ROLES = re.compile(r"\b(?:role|rol|is_?admin|es_admin|permission)\w*\b", re.IGNORECASE)


def _looked_at(before: str, name: str) -> bool:
    """Whether the value is compared before it is written, or who calls is asked for a role."""
    checked = re.compile(_CHECKS.format(re.escape(name)))
    return bool(checked.search(before) or _SCHEMA.search(before) or _ROLES.search(before))
