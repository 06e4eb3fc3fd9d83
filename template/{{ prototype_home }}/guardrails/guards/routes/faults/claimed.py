"""Who somebody says they are, taken on trust before any route.

As in `req.userId = req.headers["x-user-id"]`.
"""

import re
from collections.abc import Iterator

from ....engine.finding import Finding, Place
from ..facts.access import Case
from ..facts.middleware import guard_pieces
from ..facts.program import Piece
from .say import CRITICAL, at_route, finding, place

_CLAIM = re.compile(
    r"\breq(?:uest)?\.(?:headers\[\s*|get\(\s*|header\(\s*|headers\.get\(\s*)['\"]x-(?:auth-)?(?:user|account"
    r"|customer)-?(?:id)?['\"]",
    re.IGNORECASE,
)
_IDENTITY = r"\breq(?:uest)?\.(?:\w*[uU]ser(?:_?[iI]d)?|auth)(?:[?!]?\.\w+)*\s*=(?!=)\s*[^;]*?"
_PROVED = re.compile(
    r"process\.env\.\w*(?:SECRET|KEY|TOKEN)|NODE_ENV|timingSafeEqual|createHmac|x-internal|x-gateway",
    re.IGNORECASE,
)
"""A gateway that shows a secret has asked already, and what helps to develop is not in service."""


def claimed(cases: list[Case]) -> Iterator[Finding]:
    told: dict[tuple[str, int], list[Case]] = {}
    places: dict[tuple[str, int], Place] = {}
    for case in cases:
        for guarding in case.route.guards:
            pieces, resolved = guard_pieces(case.program, guarding)
            if not resolved or not (found := _believed(case, pieces[0])):
                continue
            piece, at = found
            where = place(piece.module, at, case.route.label)
            told.setdefault((where.path, where.line), []).append(case)
            places.setdefault((where.path, where.line), where)
    for key, of_it in told.items():
        message = (
            f"{of_it[0].route.label} and whatever else runs through it takes who calls from a "
            f"header that anybody can write"
        )
        also = [at_route(one) for one in of_it[:20]]
        yield finding("authz.client-supplied-identity", places[key], message, CRITICAL, also)


def _believed(case: Case, guard: Piece) -> tuple[Piece, int] | None:
    """Where the header is read whose value becomes the request's user."""
    for piece in case.program.reach([guard])[:8]:
        claim = _CLAIM.search(piece.code)
        if claim is None or _PROVED.search(piece.code) or _PROVED.search(guard.code):
            continue
        if any(re.search(_IDENTITY + one, guard.code) for one in _held(guard, piece, claim)):
            return piece, piece.start + claim.start()
    return None


def _held(guard: Piece, piece: Piece, claim: "re.Match[str]") -> Iterator[str]:
    """What the value is called in the middleware, by itself or as what a helper hands back."""
    if piece.start == guard.start:
        yield re.escape(claim[0])
    helper = piece.function.name if piece.function and piece.start != guard.start else ""
    for one in guard.module.bindings_in(guard.start, guard.end):
        value = guard.module.slice(one)
        if (helper and re.search(rf"\b{helper}\(", value)) or claim[0] in value:
            yield from (rf"\b{name}\b" for name in re.findall(r"[A-Za-z_$][\w$]*", one.names)[:3])
