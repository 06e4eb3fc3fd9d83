"""Whose company is meant, asked of the request before it is asked who calls.

As in `return req.query.companyId || req.companyId`: whoever is signed in, in whatever company of
their own, names another one.
"""

import re
from collections.abc import Iterator, Sequence

from ....engine.finding import Finding
from ..facts.access import Case, Spot
from ..facts.middleware import Access
from ..facts.signs import ADMIN_PATH, TENANT_ID, WEBHOOK_NAME
from ..facts.ties import tied
from .rolepaths import PRIVATE_PATH
from .say import HIGH, at_route, at_spot, finding, on_the_way

_SAID = rf"\(?\s*(?:[\w$]+[?!]?\.)+{TENANT_ID}(?:\s+as\s+[\w| ]+)?\s*\)?"
_RATHER = re.compile(
    rf"(?<![\w$.'\"])(?P<said>{_SAID})\s*(?:(?:\|\||\?\?)\s*{_SAID}\s*)*(?:\|\||\?\?)\s*"
    rf"(?P<known>(?:[\w$]+[?!]?\.)+{TENANT_ID})(?![\w$(])"
)
_OVER_ALL = re.compile(r"super|platform|system|root|global", re.IGNORECASE)
"""Who looks after all companies may name each of them."""
_QUOTED = re.compile(r"['\"](\w+)['\"]")


def organisations(cases: list[Case], found: Sequence[Finding]) -> Iterator[Finding]:
    told = {one.place.symbol for one in found if one.rule in _TOLD}
    by_helper: dict[tuple[str, int], list[tuple[Case, Spot]]] = {}
    for case in cases:
        spot = _asked_first(case) if _may_be_wrong(case) else None
        if spot is not None and case.route.label not in told:
            by_helper.setdefault((spot.piece.module.path, spot.at), []).append((case, spot))
    for reached in by_helper.values():
        yield _told(reached)


_TOLD = {"authz.idor", "authz.client-supplied-identity"}


def _may_be_wrong(case: Case) -> bool:
    if case.access not in {Access.CALLER, Access.ROLE} or case.bound_by_rows:
        return False
    if WEBHOOK_NAME.search(case.route.label) or ADMIN_PATH.search(case.route.path):
        return False
    asked = [one for it in case.route.guards for one in _QUOTED.findall(it.code)]
    if asked and all(map(_OVER_ALL.search, asked)):
        return False
    effects = {name for name, _ in case.effects()}
    private = PRIVATE_PATH.search(f"{case.route.path} {case.code}") is not None
    return (bool(effects & {"write", "delete"}) or private) and not tied(case)


def _asked_first(case: Case) -> Spot | None:
    for piece in case.pieces:
        names = case.flow.of(piece)
        for match in _RATHER.finditer(piece.code) if piece.depth < 2 else ():
            said, known = match["said"], match["known"]
            if names.has_sent(said) and not names.has_caller(said) and names.has_caller(known):
                return Spot(piece, piece.start + match.start())
    return None


def _told(reached: list[tuple[Case, Spot]]) -> Finding:
    case, spot = next((one for one in reached if one[0].route.writes), reached[0])
    ways = [*on_the_way(spot.piece), *(way for _, it in reached for way in on_the_way(it.piece))]
    more = f", and so do {len(reached) - 1} more routes" if len(reached) > 1 else ""
    message = (
        f"{case.route.label} works for whichever company the request names, and only where it "
        f"names none for the caller's own{more}"
    )
    routes = [at_route(one) for one, _ in reached]
    where = at_spot(spot, case.route.label)
    also = [*ways, at_route(case), *routes]
    return finding("authz.client-supplied-identity", where, message, HIGH, also)
