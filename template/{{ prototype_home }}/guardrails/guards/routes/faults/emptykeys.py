"""Signatures that are checked with an empty key where none is set."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.program import Piece
from ..facts.signs import WEBHOOK_NAME
from ..facts.source import Argument, Call, Module
from .say import HIGH, at_route, finding, place

_CHECKS = re.compile(r"(?:^|\.)constructEvent(?:Async)?$")
_HASHES = re.compile(r"(?:^|\.)createHmac$")
_COMPARED = re.compile(
    r"timingSafeEqual|[!=]==?\s*[\w.?]*[sS]ig(?:nature)?\w*|[sS]ig(?:nature)?\w*\s*[!=]==?"
)
_EMPTY = r"process\.env\.(\w+)\s*(?:\|\||\?\?)\s*(?:''|\"\"|``)"


def empty_key(case: Case) -> Iterator[Finding]:
    """`process.env.WEBHOOK_SECRET || ""`: whoever signs with nothing is the provider."""
    for piece in case.pieces:
        for call in piece.module.calls_in(piece.start, piece.end):
            key = _key(piece, call)
            at = _falls_back(case, piece, key.start, key.end) if key else None
            rule = _rule(case) if at else ""
            if at is None or not rule:
                continue
            module, start, name = at
            message = (
                f"{case.route.label} checks the signature with an empty key where {name} is not "
                f"set: anybody can sign with that"
            )
            also = [place(piece.module, call.start), at_route(case)]
            where = place(module, start, case.route.label)
            yield finding(rule, where, message, HIGH, also)
            return


def _key(piece: Piece, call: Call) -> Argument | None:
    """What a signature that was sent is checked with: not what something is signed with."""
    if _CHECKS.search(call.callee) and len(call.arguments) > _LAST_OF_STRIPE:
        return call.arguments[_LAST_OF_STRIPE]
    checks = _HASHES.search(call.callee) and _COMPARED.search(piece.code)
    return call.arguments[1] if checks and len(call.arguments) > 1 else None


_LAST_OF_STRIPE = 2
_PAYS = re.compile(r"pay|order|checkout|wallet|purchase|subscri", re.IGNORECASE)


def _rule(case: Case) -> str:
    if WEBHOOK_NAME.search(case.route.label) or "constructEvent" in case.code:
        return "edge-fn.webhook-unsigned"
    return "payments.unverified" if _PAYS.search(case.route.label) else ""


def _falls_back(case: Case, piece: Piece, start: int, end: int) -> tuple[Module, int, str] | None:
    """Where the key becomes the empty text, and the variable that it was read from."""
    key = piece.module.code[start:end].strip().rstrip("!")
    if inline := re.fullmatch(rf"\(?{_EMPTY}\)?", key):
        return piece.module, start, inline[1]
    if not re.fullmatch(r"[\w$.]+", key):
        return None
    last = re.escape(key.rpartition(".")[2])
    home = case.program.find(piece.module, key.partition(".")[0])
    for module in (piece.module, *([home[0]] if home else [])):
        made = re.search(rf"\b{last}\s*[:=]\s*{_EMPTY}", module.code)
        refused = rf"!\s*[\w.]*(?:{last}|{made[1]})\b" if made else ""
        if made and not re.search(refused, module.code + piece.module.code):
            return module, made.start(), made[1]
    return None
