"""Roles that many have who are nothing to one another: owners of shops, sellers, hosts."""

import re
from collections.abc import Iterator

from ...everybody import EVERYBODY
from ..facts.access import Case
from ..facts.middleware import Access, judge
from ..facts.program import Piece
from ..facts.queries import stem, table
from ..facts.signs import READS
from ..facts.table import Guarding
from .rolepaths import PRIVATE_PATH

_QUOTED = re.compile(r"['\"](\w+)['\"]|\b\w*(?:[rR]oles?|ROLES?)\.(\w+)")
_REFUSED = re.compile(r"\w*[rR]ole\s*!==?\s*['\"](\w+)['\"]")
_REFUSED_ALL = re.compile(r"!\s*\[([^\]]*)\]\.includes\([^()]*\b\w*[rR]ole\b")
"""`if (!["admin", "shop"].includes(role))`"""
_OF_MANY = re.compile(
    r"(?:\w+_)?(?:owner|barber|stylist|mentor|coach|tutor|organi[sz]er|provider|partner|supplier"
    r"|retailer|farmer|employer|recruiter|restaurant|shop|store|company|agency|contractor|artist"
    r"|creator|photographer|distributor|wholesaler|dealer|reseller|transporter|carrier|shipper|technician|mechanic|artisan|professional)s?$",
    re.IGNORECASE,
)
OF_A_BUSINESS = re.compile(
    r"(?:company|tenant|org(?:ani[sz]ation)?|shop|store|salon|restaurant|clinic|hospital|school|hotel"
    r"|gym|agency|vendor|merchant|business|branch|club|property|workspace)_?"
    r"(?:admin|owner|manager|staff|user)s?$",
    re.IGNORECASE,
)
"""Who runs one business of many that are there side by side."""
_OF_THE_HOUSE = re.compile(r"super|platform|system|site|app_?owner", re.IGNORECASE)


def of_parties(case: Case) -> bool:
    """Whether the role that is asked for says what kind of business calls, and not whose: it opens
    the page, and no row of anybody else's.
    """
    if case.access is not Access.ROLE:
        return False
    guards = (one for one in case.route.guards if _asks_for_a_role(case, one))
    asked = [name for one in guards for name in _names(one.code)]
    if not asked and case.role is not None:
        begins = max(0, case.role.at - case.role.piece.start - 60)
        line = case.role.piece.code[begins:][:200]
        asked = [found[1] for found in _REFUSED.finditer(line)]
        listed = _REFUSED_ALL.search(line)
        asked += [found[1] for found in _QUOTED.finditer(listed[1])] if listed else []
    return any(
        EVERYBODY.match(f"'{name.lower()}'")
        or OF_A_BUSINESS.match(name)
        or (_OF_MANY.match(name) and not _OF_THE_HOUSE.search(name))
        for name in asked
    )


def _asks_for_a_role(case: Case, guarding: Guarding) -> bool:
    """What reads the body or writes the log stands before the handler as well."""
    judged = judge(case.program, guarding)
    return judged is not None and judged[0] is Access.ROLE


def _names(code: str) -> Iterator[str]:
    for found in _QUOTED.finditer(code):
        yield found[1] or found[2]


def private(tables: set[str]) -> set[str]:
    """Of these, what nobody but its owner is to read."""
    ends = ("", "e", "s")  # a stem has lost its own
    return {one for one in tables if any(PRIVATE_PATH.search(one + end) for end in ends)}


_SAME = re.compile(
    r"(?<![\w$.])(?P<row>[a-z]\w*)[?!]?\.(?P<column>\w+(?:[?!]?\.\w+)*?)"
    r"(?:(?:[?!]?\.toString\(\))?\s*[!=]==?|[?!]?\.equals\()(?P<who>[^;&|)\n]{1,80})"
)


def compared(cases: list[Case]) -> set[str]:
    """Tables of which some route compares a row's column with the caller: they have owners."""
    found: set[str] = set()
    for case in cases:
        for piece in case.pieces:
            found |= set(_compared(case, piece))
    return found - {"", "user", "account", "profil", "member"}


def _compared(case: Case, piece: Piece) -> Iterator[str]:
    rows: dict[str, str] = {}
    for row, column in own_columns(case, piece):
        *between, last = re.split(r"[?!]?\.", column)
        rows = rows or _rows(piece)
        if row in rows and not re.search(r"(?i)role|status|type|email$", last):
            yield stem(between[-1]) if between else rows[row]


def own_columns(case: Case, piece: Piece) -> Iterator[tuple[str, str]]:
    """What is compared with the caller: `lesson.teacherId !== userId`, the row and its column."""
    names = case.flow.of(piece)
    for match in _SAME.finditer(piece.code):
        if names.has_caller(match["who"]) and not names.has_caller(match["row"]):
            yield match["row"], match["column"]


def _rows(piece: Piece) -> dict[str, str]:
    """The names of a piece that hold a row, and the stems of the tables they are of."""
    bindings = piece.module.bindings_in(piece.start, piece.end)
    values = ((one.names.strip(), piece.module.slice(one)[:2_000]) for one in bindings)
    return {name: stem(table(value)) for name, value in values if READS.search(value)}
