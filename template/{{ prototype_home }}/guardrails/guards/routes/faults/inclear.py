"""Tokens that open an account, kept as they are sent: whoever reads the table has them all."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ....engine.finding import Finding, Place, Severity
from ..facts.access import Case
from ..facts.program import Piece
from .say import LOW, MEDIUM, at_route, finding, place

_KEPT = re.compile(
    r"\b(?P<what>(?:password_?)?reset_?(?:password_?)?token\w*|magic_?(?:link_?)?token|login_?token)['\"]?"
    r"\s*(?::|=(?!=))\s*(?P<value>\w+)\s*[,;}\n]"
    r"|[{,]\s*(?P<short>(?:password_?)?reset_?(?:password_?)?token|magic_?token)\s*(?=[,}])",
    re.IGNORECASE,
)
_ROW = re.compile(
    r"\b(?:\w*(?P<kind>[rR]efresh|[rR]eset|[mM]agic)\w*)\.(?:create|insert|upsert|findOneAndUpdate)\w*\("
    r"(?=[^;]{0,200}?\btoken\s*(?::\s*(?P<value>\w+)\s*)?[,}])"
)
_MADE = re.compile(
    r"randomBytes\(|randomUUID\(|nanoid\(|uuid(?:v4)?\(|\.sign\(|(?:generate|create|make|sign)\w*[tT]oken\w*\("
)
_HASHED = re.compile(
    r"createHash\(|\.hash(?:Sync)?\(|\bhash\w*\(|encrypt|\.digest\(", re.IGNORECASE
)
_EXPIRY = re.compile(r"expir|at$|_at$", re.IGNORECASE)


def in_clear(cases: list[Case]) -> Iterator[Finding]:
    apps: dict[tuple[str, Severity], list[tuple[Case, Place, str]]] = defaultdict(list)
    seen: set[tuple[str, int]] = set()
    for case in cases:
        for piece in case.pieces:
            for at, what, severity in _kept(piece):
                if (piece.module.path, at) not in seen:
                    seen.add((piece.module.path, at))
                    where = place(piece.module, at, case.route.label)
                    apps[case.route.app, severity].append((case, where, what))
    for (_, severity), hits in apps.items():
        case, where, what = hits[0]
        message = (
            f"{case.route.label} keeps the {what} as it is sent: whoever reads the table, or a "
            f"backup of it, opens every account with one"
        )
        also = [one[1] for one in hits[1:]] + [at_route(case)]
        yield finding("data.sensitive-plaintext", where, message, severity, also)


def _kept(piece: Piece) -> Iterator[tuple[int, str, Severity]]:
    for match in _KEPT.finditer(piece.code):
        value = match["value"] or match["short"]
        name = match["what"] or match["short"]
        if not _EXPIRY.search(name) and _as_made(piece, value):
            yield piece.start + match.start(), "token for a new password", MEDIUM
    for match in _ROW.finditer(piece.code):
        if _as_made(piece, match["value"] or "token"):
            renews = match["kind"].lower() == "refresh"
            what = "token that renews a session" if renews else "token for a new password"
            yield piece.start + match.start(), what, LOW if renews else MEDIUM


def _as_made(piece: Piece, value: str) -> bool:
    """Whether the name holds a token as it was made, and nothing that was worked out from it."""
    made = [
        piece.module.slice(one)
        for one in piece.module.bindings_in(piece.start, piece.end)
        if one.names.split(":")[0].strip() == value
    ]
    return bool(made) and all(_MADE.search(one) and not _HASHED.search(one) for one in made)
