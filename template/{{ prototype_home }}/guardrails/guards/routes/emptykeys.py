"""Signatures that are checked with an empty key where none is set."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Case
from .program import Piece
from .say import HIGH, at_route, finding, place
from .source import Module

_CHECKS = re.compile(r"(?:^|\.)constructEvent(?:Async)?$")
_EMPTY = r"process\.env\.(\w+)\s*(?:\|\||\?\?)\s*(?:''|\"\"|``)"


def empty_key(case: Case) -> Iterator[Finding]:
    """`process.env.WEBHOOK_SECRET || ""`: whoever signs with nothing is the provider."""
    for piece in case.pieces:
        for call in piece.module.calls_in(piece.start, piece.end):
            if not _CHECKS.search(call.callee) or len(call.arguments) < 3:
                continue
            at = _falls_back(case, piece, call.arguments[2].start, call.arguments[2].end)
            if at is None:
                continue
            module, start, name = at
            message = (
                f"{case.route.label} checks the signature with an empty key where {name} is not "
                f"set: anybody can sign with that"
            )
            also = [place(piece.module, call.start), at_route(case)]
            where = place(module, start, case.route.label)
            yield finding("edge-fn.webhook-unsigned", where, message, HIGH, also)
            return


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
