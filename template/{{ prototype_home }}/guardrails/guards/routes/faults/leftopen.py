"""Routes that any account may call, beside routes that ask for a role to change the same rows."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.queries import LOG, queries, stem
from ..facts.signs import ADMIN_PATH, TENANT_ID
from .parties import own_columns
from .say import MEDIUM, at_route, finding

_OWN = re.compile(
    r"\b(?:user|account|member|session|currentUser)\??\.(?:_?id|userId|email|sub|uid)\b|\.(?:userId|uid)\b"
)
_KEEPS_BOOK = re.compile(r"(?:^|\.)(?:audit|record|track|notify|emit)\w*$|[lL]og\w*$")
_TELLS = re.compile(r"\.(?:json|send|end|render|status)$")
_OF_ALL = re.compile(rf"[\w.?!]*\b{TENANT_ID}\b")
"""What everybody of an organization has in common is nobody's own."""
_ADMINS = re.compile(r"admin|owner|manager|super", re.IGNORECASE)


def left_open(of_app: list[Case]) -> Iterator[Finding]:
    """Of those that change what only administrators change elsewhere, these ask for no role."""
    asking = [case for case in of_app if case.access is Access.ROLE and _asks_for_admins(case)]
    changed = {stem(one.table) for case in asking for one in queries(case) if one.writes} - {""}
    files = {case.route.module.path for case in asking}
    for case in of_app:
        route = case.route
        if case.access is not Access.CALLER or route.module.path not in files:
            continue
        if ADMIN_PATH.search(route.path) or case.bound_by_rows or _looks_at_own(case):
            continue
        if not route.writes:
            yield from _listed(case, changed)
            continue
        tables = {stem(one.table) for one in queries(case) if one.writes and not one.inserts}
        if tables & changed:
            message = (
                f"{route.label} asks only whether somebody is signed in ({case.why}); other routes "
                f"that change {min(tables & changed)} ask for a role"
            )
            yield finding("authz.missing-role-check", at_route(case), message)


_ROWS_OF_PEOPLE = re.compile(
    r"\bSELECT\b[^;]{0,400}?\b(?:\w+\.)?(?:email|phone)\b[^;]{0,400}?\bFROM\s+[\"`]?(\w+)",
    re.IGNORECASE,
)


def _listed(case: Case, changed: set[str]) -> Iterator[Finding]:
    """Everybody's addresses, for any account: who may change the rows is asked for a role."""
    if "/:" in case.route.path or not any(piece.depth == 0 for piece in case.pieces):
        return
    for piece in case.pieces:
        told = _ROWS_OF_PEOPLE.search(piece.code) if piece.depth == 0 else None
        if told and stem(told[1]) in changed:
            message = (
                f"{case.route.label} lists the addresses of all in {told[1]} for any account; "
                "routes that change them ask for a role"
            )
            yield finding("authz.missing-role-check", at_route(case), message, MEDIUM)
            return


def _asks_for_admins(case: Case) -> bool:
    told = " ".join([case.why, *(one.code for one in case.route.guards)])
    return _ADMINS.search(told) is not None


def _looks_at_own(case: Case) -> bool:
    """Whether who calls is used for more than for the books."""
    for piece in case.pieces[:3]:
        code, names = piece.code, case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if LOG.match(call.callee) or _KEEPS_BOOK.search(call.callee):
                code = code.replace(piece.module.slice(call), " ")
            elif (piece.depth == 0 and not _TELLS.search(call.callee)) and any(
                names.has_caller(_OF_ALL.sub("", piece.module.slice(one)))
                for one in call.arguments
                if "function" not in one.kind
            ):
                return True
        if piece.depth == 0 and _OWN.search(code):
            return True
        if any(not _OF_ALL.search(column) for _, column in own_columns(case, piece)):
            return True
    return False
