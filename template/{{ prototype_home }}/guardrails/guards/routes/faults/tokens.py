"""Tokens that open an account, mailed to an address that has nothing to do with it.

The request names the account and the address: whoever sends both gets the token of anybody.
"""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.flow import Names
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.signs import BODY, MAIL
from .say import CRITICAL, HIGH, at_route, at_spot, deeds, finding, place

_MADE = re.compile(r"randomUUID\(|getRandomValues\(|randomBytes\(|nanoid\(|Math\.random\(")
_KEPT = re.compile(r"\.(?:insert|upsert|update|create)\(\s*\[?\s*(\{[^{}]*\})")
_TOKEN = re.compile(r"\b\w*(?:token|otp|code)\w*\s*[:,]", re.IGNORECASE)
_WHOSE = re.compile(
    r"\b(?:user_?id|account_?id|profile_?id)\s*(?::\s*([\w$.?!]+)|(?=[,}]))", re.IGNORECASE
)
_OF = re.compile(r"\s*\.eq\(\s*['\"](?:id|user_id|auth_id)['\"]\s*,\s*([\w$.?!]+)")
_TO = re.compile(r"\bto\s*(?::\s*\[?\s*(?:\{\s*(?:email\s*:\s*)?)?([\w$.?!]+)|(?=[,}]))")
_BARE = re.compile(r"\w+|(?:body|payload|input|data|json)\.\w+")
"""The request's own word: `user.id` is of somebody who was looked up by it."""
_OPENS = re.compile(r"reset|forgot|recover|magic|log-?in|sign-?in", re.IGNORECASE)


def tokens(cases: list[Case], found: list[Finding]) -> Iterator[Finding]:
    told = {
        one.place.symbol for one in found if one.rule in {"authz.idor", "edge-fn.open-mail-relay"}
    }
    for case in cases:
        name = case.route.name
        if case.access is not Access.PUBLIC or {name, case.route.label} & told:
            continue
        for piece in case.pieces[:1]:
            at = _given(piece, case.flow.of(piece)) if _MADE.search(piece.code) else None
            if at is not None and _mailed(piece, case.flow.of(piece)):
                body = case.first(BODY)
                yield finding(
                    "authz.client-supplied-identity",
                    place(piece.module, at, case.route.label),
                    f"{case.route.label} makes a token for the account that the request names "
                    f"and mails it to the address that the request names",
                    CRITICAL if _OPENS.search(case.route.label) else HIGH,
                    [*([at_spot(body)] if body else []), at_route(case), *deeds(case)],
                )


def _given(piece: Piece, names: Names) -> int | None:
    """Where a new token is written down for an account that the request names."""
    for row in _KEPT.finditer(piece.code):
        if _TOKEN.search(row[1]) is None:
            continue
        inside = _WHOSE.search(row[1])
        below = _OF.match(piece.code, _closed(piece.code, row.end()))
        whose = (inside[1] or inside[0].strip()) if inside else below[1] if below else ""
        bare = _BARE.fullmatch(whose)
        if bare and names.has_sent(whose) and not names.has_caller(whose):
            return piece.start + row.start()
    return None


def _closed(code: str, at: int) -> int:
    """Behind the bracket that ends the call."""
    end = code.find(")", at)
    return end + 1 if end >= 0 else at


def _mailed(piece: Piece, names: Names) -> bool:
    for match in MAIL.finditer(piece.code):
        to = _TO.search(piece.code, match.start(), match.start() + 1_500)
        if to and (names.has_sent(to[1]) if to[1] else "to" in names.sent):
            return True
    return False
