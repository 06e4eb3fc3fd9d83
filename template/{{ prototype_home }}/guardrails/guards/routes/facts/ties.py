"""Whether what a handler is asked for is tied to who asks for it."""

import re
from collections.abc import Iterator

from .access import Case
from .flow import PAGED, Names
from .program import Piece
from .queries import CREATES, LOG, chosen, statement, stem, table
from .signs import READS, TENANT_ID, WRITES
from .source import Call

_COMPARES = re.compile(
    r"[^=!<>]={2,3}[^=]|!==?|\.includes\(|\.some\(|\.find\(|\.has\(|\.equals\(|\.every\("
)
_OF_SESSION = re.compile(r"[!=]==?\s*session\??\.user\??\.\w*(?:[iI]d|email)\b")
"""Where the session comes from was not seen, and nobody else's is called so."""


_OF_A_KIND = re.compile(
    r"[\w$.?!]*\b(?:\w*[rR]ole|\w*[sS]tatus|\w*[pP]lan|tier|\w*[sS]tate|\w*[tT]ype)\s*[!=]==?\s*['\"]\w+['\"]"
    r"|(?:\[[^\[\]]*\]|\b[\w$.]+)\s*\.(?:includes|has)\(\s*[\w$.?!]*\b\w*[rR]ole\w*\s*\)"
)
"""It says what kind of user calls, and how they stand, and nothing of whose the record is."""


def tied(case: Case) -> bool:
    """Whether anything ties what is asked for to the caller: a comparison, or a call of both."""
    for piece in case.pieces:
        if _told_nothing(piece):
            continue
        names = case.flow.of(piece)
        for line in re.split(r"[;\n]", _OF_A_KIND.sub(" ", piece.code)):
            known = names.has_caller(line) or _OF_SESSION.search(line) is not None
            if known and _COMPARES.search(line) and not _nothing_test(line):
                return True
        told = [one for one in _calls(piece) if _looked_into(case, piece, one)]
        if any(_both_in(piece, call, names, told) for call in _calls(piece) if call not in told):
            return True
        for one in piece.module.bindings_in(piece.start, piece.end):
            value = piece.module.slice(one)
            filters = _FILTER.fullmatch(one.names) is not None and value.startswith("{")
            if filters and names.has_caller(value) and names.has_sent(value):
                return True
    return False


_FILTER = re.compile(r"\w*(?:where|filter|query|criteria|condition)\w*", re.IGNORECASE)


def _calls(piece: Piece) -> Iterator[Call]:
    for call in piece.module.calls_in(piece.start, piece.end):
        if LOG.match(call.callee) or call.end - call.start > 3_000 or not call.arguments:
            continue
        if not call.callee.endswith(_STORED) and not _puts(piece, call):
            yield call


_MADE = re.compile(r"[A-Z]\w*")
_AT_HAND = re.compile(r"[a-z]\w*\.(?:update|set|assign)")
_WHICH = re.compile(r"\bwhere\s*:")


def _puts(piece: Piece, call: Call) -> bool:
    """`new Order({ buyer: buyerId, enteredBy: me })`, `order.update({ status, decidedBy: me })`:
    what is put into a row asks for none.
    """
    if _MADE.fullmatch(call.callee):
        return True
    given = piece.module.slice(call.arguments[0])
    at_hand = _AT_HAND.fullmatch(call.callee) and len(call.arguments) == 1
    return bool(at_hand) and given.startswith("{") and not _WHICH.search(given)


_STORED = (
    ".insert", ".insertOne", ".values", ".json", "Response", ".stringify", ".create", "serve",
    ".emit", ".send",
)  # fmt: skip


def _looked_into(case: Case, piece: Piece, call: Call) -> bool:
    """A function of the tree's own that is looked into says itself what it does with the two."""
    there = case.program.function(piece.module, call.callee)
    return there is not None and any(
        one.function is there[1] and one.module is there[0] and _acts(one) for one in case.pieces
    )


def _acts(piece: Piece) -> bool:
    """Whether it asks a store by itself: what only compares or only throws was meant as a check."""
    return READS.search(piece.code) is not None or WRITES.search(piece.code) is not None


_KIND_OF_CALLER = re.compile(r"(?<![\w$.])(?:[\w$]+[?!]?\.)+\w*[rR]ole\b(?![\w$(.])")
"""`service.update(id, req.user.role)`: whose the record is that doesn't say."""
_PROGRAM = re.compile(r"\A\s*(?:async\b|\(?[\w\s,{}]*\)?\s*=>)[\s\S]*\bawait\b")
"""`$transaction(async (tx) => ...)`: what is done in it is judged by itself."""


def _both_in(piece: Piece, call: Call, names: Names, told: list[Call]) -> bool:
    within = [piece.module.slice(one) for one in call.arguments]
    code = _KIND_OF_CALLER.sub("''", PAGED.sub("", chosen(piece, call, statement(piece, call))))
    inside = (piece.module.slice(one) for one in told if call.start <= one.start < call.end)
    for one in (*filter(_PROGRAM.search, within), *inside):
        code = code.replace(one, "")
    inner = "".join(within)
    return (
        names.has_caller(code)
        and names.has_sent(code)
        and (names.has_sent(inner) or ".eq(" in code)
    )


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


_TENANT = re.compile(rf"([\w$.?!]*{TENANT_ID})\b(?:['\"]?\s*[:,]\s*([^,}})]+))?")
_CHANGES = re.compile(r"\.(?:update|set|save)[A-Z]\w*$")
"""`storage.updateUser(id, { accountId })`: what is written chooses no row."""


def tenant_tables(cases: list[Case]) -> set[str]:
    """Tables of which some route asks only for what is of the caller's own organisation."""
    found: set[str] = set()
    for case in cases:
        for piece in case.pieces[:3]:
            names = case.flow.of(piece)
            for call in piece.module.calls_in(piece.start, piece.end):
                asked = call.arguments[:1] if _CHANGES.search(call.callee) else call.arguments
                arguments = " ".join(piece.module.slice(one) for one in asked)
                stored = call.callee.endswith((").update", ").upsert"))  # and filters stand behind
                if stored or len(arguments) > 1_500 or CREATES.search(call.callee):
                    continue
                if any(map(names.has_caller, _organisations(arguments))):
                    found.add(stem(table(statement(piece, call))))
    return found - {""}


def _organisations(arguments: str) -> Iterator[str]:
    """Which organisation a call asks for: the caller's may stand beside the id of another's."""
    for named in _TENANT.finditer(arguments):
        yield named[1]
        yield named[2] or ""


def in_their_folder(piece: Piece, names: Names, path: str) -> bool:
    """``path.startsWith(`${userId}/`)``: what is named lies below the caller's own folder."""
    return any(
        call.callee == f"{path}.startsWith"
        and bool(call.arguments)
        and names.has_caller(piece.module.slice(call.arguments[0]))
        for call in piece.module.calls_in(piece.start, piece.end)
    )
