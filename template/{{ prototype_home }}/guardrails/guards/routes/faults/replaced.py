"""A filter of Drizzle's in place of the one before: `query.where(theirs)`, and then
`query.where(asked)`. Each `where` of a query replaces what was asked for until then.
"""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Piece
from .say import HIGH, at_route, finding, place

_NARROWED = re.compile(r"(?<![\w$.])(\w+)\s*=\s*\1\.where\(")


def replaced(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access is not Access.CALLER:
            continue
        for piece in case.pieces:
            found = _second(case, piece)
            if found is None:
                continue
            first, second = found
            message = (
                f"{case.route.label} narrows the query to what is the caller's, and replaces that "
                f"by the filter that the request names: Drizzle keeps the last `where` alone"
            )
            where = place(piece.module, second, case.route.label)
            also = [place(piece.module, first), at_route(case)]
            yield finding("authz.idor", where, message, HIGH, also)
            break


def _second(case: Case, piece: Piece) -> tuple[int, int] | None:
    """Where a query is narrowed to the caller's, and where that is lost."""
    if not any(one.source.startswith("drizzle-orm") for one in piece.module.imports.values()):
        return None
    names = case.flow.of(piece)
    own: dict[str, int] = {}
    for match in _NARROWED.finditer(piece.code):
        at = piece.start + match.start()
        call = next(
            (one for one in piece.module.calls if one.callee_end == piece.start + match.end() - 1),
            None,
        )
        given = " ".join(map(piece.module.slice, call.arguments)) if call else ""
        if names.has_caller(given):
            own.setdefault(match[1], at)
        elif match[1] in own and names.has_sent(given):
            return own[match[1]], at
    return None
