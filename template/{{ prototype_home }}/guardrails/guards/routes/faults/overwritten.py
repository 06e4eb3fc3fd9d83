"""Accounts that somebody sets a password for, because they named the address of one."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from .say import CRITICAL, HIGH, at_route, at_spot, finding, place

_BY_ADDRESS = re.compile(
    r"\b(?P<row>[a-z]\w*)\s*=\s*await\s+[\w.]+\.(?:findOne|findFirst|findUnique)\(\s*\{"
    r"(?:\s*where\s*:\s*\{)?\s*(?:e_?mail|phone|user_?name)\b(?P<value>[^{}]*)\}",
    re.IGNORECASE,
)
_PROVED = re.compile(r"\.compare\w*\(|(?:old|current)_?[pP]assword|otp\b|verif|resetToken|secret")
_LOOKS_AFTER_ALL = re.compile(
    r"[!=]==?\s*['\"]\w*(?:admin|super|system|root)\w*['\"]", re.IGNORECASE
)


_UPSERTS = re.compile(
    r"\bON\s+(?:CONFLICT\s*\(\s*(?:e?mail|phone|user_?name)\s*\)\s*DO\s+UPDATE|DUPLICATE\s+KEY\s+UPDATE)"
    r"[^`;]*?\bpassword\w*\s*=",
    re.IGNORECASE,
)


def _upserted(case: Case) -> Iterator[Finding]:
    """`INSERT ... ON CONFLICT (email) DO UPDATE SET password_hash = ...`: whoever signs up with an
    address that is known has its account.
    """
    spot = case.first(_UPSERTS) if case.access is Access.PUBLIC and case.route.writes else None
    if spot is None or not any(case.flow.of(piece).sent for piece in case.pieces):
        return
    match = _UPSERTS.search(spot.piece.module.code, spot.at)
    yield finding(
        "authz.unauthenticated-endpoint",
        place(spot.piece.module, match.end() if match else spot.at, case.route.label),
        f"{case.route.label} sets a new password for whoever's address the request names, where "
        f"there is such an account already",
        CRITICAL,
        [at_spot(spot), at_route(case)],
    )


def overwritten(cases: list[Case]) -> Iterator[Finding]:
    """`User.findOne({ email })`, and where there is one already it gets another password."""
    for case in cases:
        yield from _upserted(case)
        if case.access not in {Access.CALLER, Access.ROLE} or not case.route.writes:
            continue
        guarded = " ".join([*(one.code for one in case.route.guards), case.own])
        if _PROVED.search(case.own) or _of_the_house(case, guarded):
            continue
        for piece in case.pieces[:2]:
            names = case.flow.of(piece)
            for found in _BY_ADDRESS.finditer(piece.code):
                row = found["row"]
                given = found["value"].lstrip(": ") or "email"
                sets = re.compile(rf"(?<![\w$.]){row}\.password\w*\s*=(?!=)")
                set_ = sets.search(piece.code, found.end())
                if set_ is None or names.has_caller(given):
                    continue
                message = (
                    f"{case.route.label} sets a new password for whoever's address the request "
                    f"names, if there is such an account already: whose it is, and what it may "
                    f"do, is not looked at"
                )
                where = place(piece.module, piece.start + set_.start(), case.route.label)
                yield finding("authz.idor", where, message, HIGH, [at_route(case)])
                return


def _of_the_house(case: Case, code: str) -> bool:
    """Whether only who looks after all accounts may do it."""
    named = re.search(
        r"(?i)['\"]?(?:super_?)?admin", " ".join(one.code for one in case.route.guards)
    )
    return named is not None or _LOOKS_AFTER_ALL.search(code) is not None
