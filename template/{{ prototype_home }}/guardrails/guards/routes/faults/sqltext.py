"""Text of the request that a helper of the tree's own puts into SQL as it came."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding, Place
from ..facts.access import Case
from ..facts.flow import Names
from ..facts.program import Piece
from .say import CRITICAL, at_route, finding, place

_RUNS = re.compile(r"\.(?:query|execute|raw|unsafe|\$queryRawUnsafe|\$executeRawUnsafe)$")
_SQL = re.compile(r"^\s*`\s*(?:SELECT|UPDATE|DELETE|INSERT|WITH)\b", re.IGNORECASE)
_PART = re.compile(r"\$\{\s*([A-Za-z_$][\w$.]*)\s*\}")
_SPELLED = r"`[^`]*`|'[^']*'|\"[^\"]*\""


def sql_texts(cases: list[Case]) -> Iterator[Finding]:
    """What the handler itself puts together is looked at by its shape; this is what it hands on."""
    for case in cases:
        for piece in case.pieces:
            at = _of_request(piece, case.flow.of(piece)) if piece.depth else None
            if at is not None:
                name, start = at
                message = (
                    f"{case.route.label} hands `{name}` of the request to SQL as text: whoever "
                    f"sends it writes the statement"
                )
                where = place(piece.module, start, case.route.label)
                also = [*_handed(piece), at_route(case)]
                yield finding("injection.sql", where, message, CRITICAL, also)
                break


def _of_request(piece: Piece, names: Names) -> tuple[str, int] | None:
    told = piece.function.parameters if piece.function else ()
    parameters = {re.split(r"\W", one, maxsplit=1)[0] for one in told}
    for call in piece.module.calls_in(piece.start, piece.end):
        given = piece.module.slice(call.arguments[0]) if call.arguments else ""
        if not _RUNS.search(call.callee) or not _SQL.match(given):
            continue
        for part in _PART.finditer(given):
            handed = part[1] in parameters and names.has_sent(part[1])
            if handed and not _kept(piece.code, part[1]):
                return part[1], call.arguments[0].start + part.start()
    return None


def _kept(code: str, name: str) -> bool:
    """Whether it is compared with a list, made a number, or spelled out by the helper itself."""
    word = re.escape(name)
    signs = (
        rf"(?i:\b(?:validate|assert|check|sanit|escape|quote|allow)\w*)\(\s*{word}\b",
        rf"(?:includes|has|test)\(\s*{word}\b|\[\s*{word}\s*\]",
        rf"\b{word}\s*=\s*(?:{_SPELLED}|\w+\.length|Number\()",
        rf"\b{word}\s*:\s*(?:number|boolean)\b",
    )
    return any(re.search(sign, code) for sign in signs)


def _handed(piece: Piece) -> Iterator[Place]:
    """Where each function on the way gave it."""
    at: Piece | None = piece
    while at is not None and at.giver is not None and at.given:
        yield place(at.giver.module, at.given[0].start)
        at = at.giver
