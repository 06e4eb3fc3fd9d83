"""Bodies that are stored as they came: the client decides every column."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Access, Case
from .program import Piece
from .say import HIGH, LOW, MEDIUM, finding, place
from .signs import STORES
from .source import Call

_WHOLE_BODY = re.compile(
    r"\{\s*\.\.\.\s*(?:req|request|ctx\.request)\.body\b|^\s*(?:req|request"
    r"|ctx\.request)\.body\s*$|^\s*await\s+(?:req|request)\.json\(\)\s*$"
)


def mass_assignment(cases: list[Case]) -> Iterator[Finding]:
    files: dict[tuple[str, bool], list[tuple[Case, Piece, int, str]]] = defaultdict(list)
    for case in cases:
        if case.access is Access.SIGNATURE or case.bound_by_rows:
            continue
        trusted = case.access is Access.ROLE
        for piece in case.pieces[:1]:
            for call in piece.module.calls_in(piece.start, piece.end):
                if _stores_body(piece, call):
                    hit = (case, piece, call.start, call.callee)
                    files[case.route.module.path, trusted].append(hit)
    for (_, trusted), hits in files.items():
        case, piece, at, callee = hits[0]
        user = re.search(r"(?i)user|account", callee)
        more = f", and {len(hits) - 1} more routes of this file do" if len(hits) > 1 else ""
        message = (
            f"{case.route.label} stores the whole body of the request ({callee}): the "
            f"client decides every column{more}"
        )
        also = [place(one[1].module, one[2]) for one in hits]
        yield finding(
            "authz.mass-assignment",
            place(piece.module, at, callee),
            message,
            LOW if trusted else HIGH if user else MEDIUM,
            also,
        )


def _stores_body(piece: Piece, call: Call) -> bool:
    if call.callee == "Object.assign":
        copied = any(_WHOLE_BODY.search(piece.module.slice(one)) for one in call.arguments[1:])
        return copied and ".save(" in piece.code
    if not (STORES.search("." + call.callee) or re.match(r"[A-Z]\w+$", call.callee)):
        return False
    if re.search(r"[Ss]chema|Object|Response|safeParse|Error|URL|Set|Map", call.callee):
        return False
    return any(_WHOLE_BODY.search(piece.module.slice(one)) for one in call.arguments)
