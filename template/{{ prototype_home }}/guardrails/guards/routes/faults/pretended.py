"""Payments that count as made where no provider can be asked."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from .say import HIGH, at_route, finding, place

_WITHOUT_KEYS = re.compile(
    r"\bif\s*\(\s*!\s*(?:this\.)?(?:process\.env\.)?\w*(?:key|secret|appId|stripe|razorpay|paystack|paypal|gateway|token)\w*"
    r"(?:(?!NODE_ENV|production|development)[^{};])*\)\s*\{?(?:(?!NODE_ENV|production|development)[^{}]){0,300}?"
    r"\breturn\s*\{[^{}]*\b(?:(?:success|verified|paid|valid)\s*:\s*true"
    r"|status\s*:\s*['\"](?:paid|succeeded|success|successful|completed|captured)['\"])",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:verify|confirm|capture|check|validate|fetch|get)\w*(?:payment|transaction|order|charge|checkout)",
    re.IGNORECASE,
)


def pretended(cases: list[Case]) -> Iterator[Finding]:
    """`if (!this.secretKey) return { success: true }` in what says whether somebody has paid."""
    seen: set[tuple[str, int]] = set()
    for case in cases:
        for piece in case.pieces:
            named = piece.function is not None and _ASKS.match(piece.function.name)
            found = _WITHOUT_KEYS.search(piece.code) if named else None
            if found is None or (piece.module.path, piece.start) in seen:
                continue
            seen.add((piece.module.path, piece.start))
            message = (
                f"{case.route.label} takes for paid whatever it is asked where no key of the "
                f"provider is set: one setting forgotten, and everything is free"
            )
            where = place(piece.module, piece.start + found.start(), case.route.label)
            yield finding("payments.unverified", where, message, HIGH, [at_route(case)])
