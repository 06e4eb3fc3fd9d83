"""People whom any account finds by a piece of a name, and is told the addresses of."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.paths import property_of
from ..facts.queries import statement, stem, table
from ..facts.signs import ADMIN_PATH
from .parties import of_parties
from .say import MEDIUM, at_route, finding, place

_PEOPLE = {"user", "account", "profil"}
_BY_A_PIECE = re.compile(
    r"\bcontains\s*:|\$regex\b|\bnew\s+RegExp\(|\bi?like\(|\bI?LIKE\b|\.i?like\(|\.textSearch\(",
)
_ADDRESS = re.compile(r"\b(?:e_?mail|phone\w*)\b", re.IGNORECASE)
_CHOSEN = re.compile(r"\.select\(\s*['\"`]([^'\"`]*)['\"`]")
_NOT_ONESELF = re.compile(r"\b(?:NOT|\$ne|not|ne)\s*:\s*(?:\{[^{}]*\}|[\w$.?!]+)|\bne\([^()]*\)")


def found_persons(case: Case) -> Iterator[Finding]:
    """`User.find({ email: { $regex: part } }).select("name email")`, for whoever is signed in."""
    by_anybody = case.access is Access.CALLER or of_parties(case)
    if not by_anybody or case.bound_by_rows or ADMIN_PATH.search(case.route.path):
        return
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if not call.arguments or call.end - call.start > 3_000:
                continue
            whole = statement(piece, call)
            at, told = _told(whole)
            if not (told and _BY_A_PIECE.search(whole) and stem(table(whole)) in _PEOPLE):
                continue
            wanted = _NOT_ONESELF.sub(" ", whole)
            if names.has_caller(wanted) or not names.has_sent(whole):
                continue
            message = (
                f"{case.route.label} finds whoever has a piece of text in their name or address, "
                f"and tells any account their {told}"
            )
            where = place(piece.module, call.start + at, case.route.label)
            yield finding("authz.pii-exposed", where, message, MEDIUM, [at_route(case)])
            return


def _told(whole: str) -> tuple[int, str]:
    """What reaches a person among the columns that are chosen by name, and where it stands."""
    chosen = _CHOSEN.search(whole)
    columns = chosen[1] if chosen else property_of(whole, "select")
    found = None if columns.lstrip().startswith("-") else _ADDRESS.search(columns)
    return (whole.find(columns) + found.start(), found[0]) if found else (0, "")
