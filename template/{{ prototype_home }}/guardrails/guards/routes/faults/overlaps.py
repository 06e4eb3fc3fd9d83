"""What is added up or looked over first, and then taken in a statement of its own."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.program import Piece
from .say import HIGH, MEDIUM, at_route, finding, place

_KEPT_APART = re.compile(
    r"\$transaction\(|\.transaction\(|isolationLevel|Serializable|withTransaction|startSession\("
    r"|FOR\s+UPDATE|pg_advisory|\block\w*\(|Redlock|P2002|\b11000\b|runTransaction\(",
    re.IGNORECASE,
)
_FREE = re.compile(
    r"\bif\s*\(\s*(?:\w+\s*&&\s*)?(?P<flag>\w*(?:[oO]verlap|[cC]onflict|[cC]lash|[bB]ooked|[tT]aken)\w*)"
    r"(?:\.length(?:\s*>\s*0)?)?\s*\)\s*\{?[^{}]{0,40}(?:\{[^{}]*\}[^{}]*)*?\b(?:return|throw)\b"
)
_BOOKS = re.compile(
    r"\b(?:prisma|db|tx)\.\w*(?:booking|reservation|appointment)\w*\.create\("
    r"|\b\w*(?:Booking|Reservation|Appointment)\w*\.create\(|\bnew\s+\w*(?:Booking|Reservation|Appointment)\w*\(",
    re.IGNORECASE,
)
_SUM = re.compile(
    r"\b(?:const|let)\s+(?P<left>\w*(?:[aA]vailable|[bB]alance|[wW]ithdrawable)\w*)\s*=\s*await\s+[\w.]+\("
)
_PAYS = re.compile(
    r"\b(?:(?:prisma|db|tx)\.)?\w*(?:payout|withdraw|redemption|cashout|transfer)\w*\.create\(",
    re.IGNORECASE,
)


def overlaps(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if not case.route.writes or _KEPT_APART.search(case.code):
            continue
        for piece in case.pieces[:4]:
            yield from _twice_at_once(case, piece)
            yield from _paid_twice(case, piece)


def _twice_at_once(case: Case, piece: Piece) -> Iterator[Finding]:
    """`if (hasOverlap) throw`, then `booking.create(...)`."""
    asked = _FREE.search(piece.code)
    added = asked and _BOOKS.search(piece.code, asked.end())
    made = asked and _made_of_rows(piece, asked["flag"])
    if not asked or not added or not made:
        return
    message = (
        f"{case.route.label} looks over the bookings there are and adds one in a statement of its "
        f"own: of two at once both get the time"
    )
    where = place(piece.module, piece.start + asked.start(), case.route.label)
    also = [place(piece.module, piece.start + added.start()), at_route(case)]
    yield finding("data.check-then-insert", where, message, MEDIUM, also)


def _made_of_rows(piece: Piece, flag: str) -> bool:
    """Whether what is asked was found among rows: `rows.some(…)`, `await Booking.findOne(…)`."""
    return any(
        one.names.strip() == flag
        and re.search(r"\.(?:some|find|filter)\(|\.find\w*\(|\.query\(", piece.module.slice(one))
        for one in piece.module.bindings_in(piece.start, piece.end)
    )


def _paid_twice(case: Case, piece: Piece) -> Iterator[Finding]:
    """What may be paid out is added up, and the payout is put down beside it."""
    for left in _SUM.finditer(piece.code):
        name = left["left"]
        asked = re.search(rf"\b{name}\s*<=?\s*\w|\w\s*>=?\s*{name}\b", piece.code[left.end() :])
        paid = asked and _PAYS.search(piece.code, left.end() + asked.end())
        if not asked or not paid:
            continue
        message = (
            f"{case.route.label} adds up what may be paid out and puts down the payout in a "
            f"statement of its own: of two at once both are paid"
        )
        where = place(piece.module, piece.start + left.start(), case.route.label)
        also = [place(piece.module, piece.start + paid.start()), at_route(case)]
        yield finding("data.read-modify-write", where, message, HIGH, also)
        return
