"""Whether what a handler is asked for is tied to who asks for it."""

import re

from .access import Case
from .flow import PAGED, Names
from .program import Piece
from .queries import CREATES, LOG, chosen, statement, stem, table
from .signs import TENANT_ID

_COMPARES = re.compile(
    r"[^=!<>]={2,3}[^=]|!==?|\.includes\(|\.some\(|\.find\(|\.has\(|\.equals\(|\.every\("
)
_OF_SESSION = re.compile(r"[!=]==?\s*session\??\.user\??\.\w*(?:[iI]d|email)\b")
"""Where the session comes from was not seen, and nobody else's is called so."""


_OF_A_ROLE = re.compile(r"[\w$.?!]*\b\w*[rR]ole\s*[!=]==?\s*['\"]\w+['\"]")
"""It says what kind of user calls, and nothing of whose the record is."""


def tied(case: Case) -> bool:
    """Whether anything ties what is asked for to the caller: a comparison, or a call of both."""
    for piece in case.pieces:
        if _told_nothing(piece):
            continue
        names = case.flow.of(piece)
        for line in re.split(r"[;\n]", _OF_A_ROLE.sub(" ", piece.code)):
            known = names.has_caller(line) or _OF_SESSION.search(line) is not None
            if known and _COMPARES.search(line) and not _nothing_test(line):
                return True
        for call in piece.module.calls_in(piece.start, piece.end):
            if LOG.match(call.callee) or call.end - call.start > 3_000 or not call.arguments:
                continue
            code = PAGED.sub("", chosen(piece, call, statement(piece, call)))
            inner = "".join(piece.module.slice(one) for one in call.arguments)
            if (
                names.has_caller(code)
                and names.has_sent(code)
                and (names.has_sent(inner) or ".eq(" in code)
            ) and not call.callee.endswith(
                (".insert", ".json", "Response", ".stringify", ".create", "serve")
            ):
                return True
    return False


def _told_nothing(piece: Piece) -> bool:
    """Whether it is, or is called by, a helper without arguments: that finds out who calls, and
    can't know what is asked for.
    """
    at: Piece | None = piece
    while at is not None and at.depth:
        if not at.given and (at.function is None or at.function.name[:1].islower()):
            return True
        at = at.giver
    return False


def _nothing_test(line: str) -> bool:
    return (
        re.search(
            r"[!=]==?\s*(?:null|undefined|'undefined'|\"string\"|'string')|\.method\b"
            r"|\bstatus\s*[!=]==?\s*\d",
            line,
        )
        is not None
    )


_TENANT = re.compile(rf"{TENANT_ID}\b")


def tenant_tables(cases: list[Case]) -> set[str]:
    """Tables of which some route asks only for what is of the caller's own organisation."""
    found: set[str] = set()
    for case in cases:
        for piece in case.pieces[:3]:
            names = case.flow.of(piece)
            for call in piece.module.calls_in(piece.start, piece.end):
                arguments = " ".join(piece.module.slice(one) for one in call.arguments)
                stored = call.callee.endswith((").update", ").upsert"))  # and filters stand behind
                if stored or len(arguments) > 1_500 or not _TENANT.search(arguments):
                    continue
                if names.has_caller(arguments) and not CREATES.search(call.callee):
                    found.add(stem(table(statement(piece, call))))
    return found - {""}


def in_their_folder(piece: Piece, names: Names, path: str) -> bool:
    """``path.startsWith(`${userId}/`)``: what is named lies below the caller's own folder."""
    return any(
        call.callee == f"{path}.startsWith"
        and bool(call.arguments)
        and names.has_caller(piece.module.slice(call.arguments[0]))
        for call in piece.module.calls_in(piece.start, piece.end)
    )
