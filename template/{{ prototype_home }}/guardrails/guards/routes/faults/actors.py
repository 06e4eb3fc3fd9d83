"""Who somebody says they are, looked up and asked for a role: `if (admin.role !== "admin")` of
whichever administrator the request names."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding, Place
from ..facts.access import Case
from ..facts.given import named_by_client
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.queries import stem, table
from ..facts.signs import READS
from .say import CRITICAL, at_route, finding, place

_PEOPLE = {"user", "account", "admin", "profil", "member", "employe", "staff"}
_BY = re.compile(
    r"\b_?id\s*:\s*([\w$.?!]+)|\{\s*(id)\s*[,}]|(?:findById\w*|findByPk|ById)\(\s*([\w$.?!]+)\s*[,)]"
    r"|\beq\(\s*\w+\.id\s*,\s*([\w$.?!]+)|\.eq\(\s*['\"]id['\"]\s*,\s*([\w$.?!]+)"
)
_TURNED_AWAY = (
    r"\bif\s*\([^{{}};]{{0,80}}(?:!\s*{row}\??\.(?:is_?[aA]dmin|isSuperAdmin)\b"
    r"|\b{row}\??\.(?:\w*[rR]ole|type)\s*!==?\s*['\"]\w*(?i:admin)\w*['\"])[^{{}};]{{0,80}}\)\s*\{{?"
    r"[^{{}}]{{0,200}}?\b(?:return|throw)\b"
)


def actors(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access not in {Access.PUBLIC, Access.CALLER} or not case.route.known:
            continue
        for piece in case.pieces:
            if at := _asked(case, piece):
                message = (
                    f"{case.route.label} asks whether somebody is an administrator, and the "
                    f"request says who that is: whoever knows an administrator's id is one"
                )
                where = place(piece.module, at, case.route.label)
                rule = "authz.client-supplied-identity"
                yield finding(rule, where, message, CRITICAL, [*_sent(case), at_route(case)])
                break


def _asked(case: Case, piece: Piece) -> int:
    """Where the row of whoever is named is looked up, to be asked for the role of its, or 0."""
    for one in piece.module.bindings_in(piece.start, piece.end):
        value, row = piece.module.slice(one)[:600], one.names.partition(":")[0].strip()
        by = _BY.search(value) if re.fullmatch(r"\w+", row) and READS.search(value) else None
        if by is None or stem(table(value)) not in _PEOPLE:
            continue
        named = next(filter(None, by.groups()))
        test = re.compile(_TURNED_AWAY.format(row=re.escape(row)))
        if test.search(piece.module.code, one.end, piece.end) and named_by_client(
            case, piece, named
        ):
            return one.start
    return 0


_ACTOR = re.compile(r"\b(?:admin|requester|actor|user|caller)_?[iI]d\b")


def _sent(case: Case) -> Iterator[Place]:
    for piece in case.pieces[:1]:
        for one in piece.module.bindings_in(piece.start, piece.end):
            if _ACTOR.search(one.names):
                yield place(piece.module, one.at)
