"""Money that stays with the seller: what was paid is cancelled, and nothing gives it back."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from .say import at_route, at_spot, finding

_CHARGES = re.compile(
    r"\b(?:paymentIntents|checkout\.sessions|charges|orders|preferences?)\.(?:create|initialize)\("
)
_GIVES_BACK = re.compile(
    r"refunds?\.create\(|\.refunds?\(|/refunds?\b|\b\w*(?:create|initiate|process|issue|request)\w*Refund"
    r"|\brefund(?:Payment|Order|Booking|Customer|ToWallet)?\w*\(|\bpaymentIntents\.cancel\(",
    re.IGNORECASE,
)
_CANCELLED = re.compile(
    r"\b\w*(?:[sS]tatus|[sS]tate)\b\s*[:=]\s*(?:['\"]cancell?ed['\"]|\w+\.CANCELL?ED\b)",
    re.IGNORECASE,
)
_MAY_BE_PAID = re.compile(
    r"['\"](?:paid|confirmed|processing|completed)['\"]|\bis_?[pP]aid\b|payment_?[sS]tatus"
    r"|\.(?:PAID|CONFIRMED|PROCESSING)\b",
    re.IGNORECASE,
)


def refunds(cases: list[Case]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        code = [case.code for case in of_app]
        if any(map(_CHARGES.search, code)) and not any(map(_GIVES_BACK.search, code)):
            yield from (one for case in of_app for one in _kept(case))


def _kept(case: Case) -> Iterator[Finding]:
    route = case.route
    spot = case.first(_CANCELLED)
    if not route.writes or "cancel" not in route.label.lower() or spot is None:
        return
    if _MAY_BE_PAID.search(case.code):
        message = (
            f"{route.label} cancels what may have been paid for, and nothing in this application "
            f"gives money back"
        )
        where = at_spot(spot, route.label)
        yield finding("payments.no-refund", where, message, also=[at_route(case)])
