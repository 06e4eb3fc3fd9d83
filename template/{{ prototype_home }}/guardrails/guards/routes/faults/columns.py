"""Schemas that a tool makes of a table: they let through every column that nobody took out."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.paths import property_of
from ..facts.program import Piece, Program
from ..facts.shapes import allowed, definition, fields
from ..facts.signs import WRITES
from ..facts.source import WORD, Call, Module
from .parties import of_parties
from .say import CRITICAL, HIGH, at_route, finding, place

_PARSES = re.compile(r"\.(?:parse|safeParse|parseAsync|safeParseAsync)$")
_WHOLE = re.compile(
    r"\s*(?:req|request)\.body\s*|\s*\{\s*\.\.\.\s*(?:req|request)\.body\b.*", re.DOTALL
)
_MADE = re.compile(r"\bcreate(?:Insert|Update)Schema\(\s*(\w+)")
_COLUMN = re.compile(r"(?m)^\s*(\w+)\s*:\s*\w+\(")
_KEY = re.compile(r"\b(\w+)\s*:")
_POWER = re.compile(r"(?:user_?)?roles?|is_?(?:super_?)?admin", re.IGNORECASE)
_STANDING = re.compile(
    r"password_?hash|hashed_?password|(?:wallet_?)?balance|credits|points|is_?(?:verified|approved|premium|pro)"
    r"|verified|approved|approval_?status|kyc_?status|payment_?status|subscription_?(?:tier|status|plan)"
    r"|stripe_?(?:account|customer)_?id|commission\w*",
    re.IGNORECASE,
)
"""What only the server, or who looks after the others, is to say."""


def columns(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        anybody = case.access in {Access.PUBLIC, Access.CALLER} or of_parties(case)
        if not anybody or not case.route.writes:
            continue
        if case.bound_by_rows or WRITES.search(case.code) is None:
            continue
        for piece in case.pieces[:2]:
            for call in piece.module.calls_in(piece.start, piece.end):
                if left := _left(case.program, piece, call):
                    yield _told(case, piece, call, left)
                elif _OF_ACCOUNTS.search(case.route.label):
                    yield from _spelled_out(case, piece, call)


_OF_ACCOUNTS = re.compile(
    r"regist|sign-?up|profile|users?\b|account|auth|members?\b|/me\b", re.IGNORECASE
)


def _spelled_out(case: Case, piece: Piece, call: Call) -> Iterator[Finding]:
    """A shape with the role in it, and all that it lets through is kept."""
    given = piece.module.slice(call.arguments[0]) if call.arguments else ""
    if not _PARSES.search(call.callee) or not _WHOLE.fullmatch(given):
        return
    name = call.callee.partition(".")[0]
    made = definition(case.program, piece.module, name)
    left = fields(case.program, *made) if made else set()
    power = sorted(one for one in left if _POWER.fullmatch(one))
    listed = [allowed(case.program, *made, one) for one in power] if made else []
    if listed and all(listed) and not any(map(_ABOVE_OTHERS.search, listed)):
        return
    later = piece.module.code[call.end : piece.end]
    said = any(re.search(rf"\b{one}\b", later + piece.code) for one in power)
    if not made or not power or said or not _kept_whole(piece, call):
        return
    message = (
        f"{case.route.label} stores what the request says of {', '.join(power)}: the shape that it "
        f"is read by lets that in"
    )
    there = case.program.find(piece.module, name)
    value = there and there[0].outer_values.get(there[1])
    also = [place(there[0], value.start)] if there and value else []
    where = place(piece.module, call.start, case.route.label)
    yield finding("authz.mass-assignment", where, message, CRITICAL, [*also, at_route(case)])


_ABOVE_OTHERS = re.compile(
    r"admin|super|owner|staff|manager|moderator|employee|operator|root|agent", re.IGNORECASE
)


def _kept_whole(piece: Piece, call: Call) -> bool:
    """Whether what was read is handed on as it is, or with something added."""
    into = [
        one.names.strip()
        for one in piece.module.bindings_in(piece.start, piece.end)
        if one.start <= call.start < one.end
    ]
    if not into or not WORD.fullmatch(into[-1]):
        return False
    later = piece.module.code[call.end : piece.end]
    read = rf"{into[-1]}\.data" if ".safeParse" in call.callee else into[-1]
    names = [read, *re.findall(rf"\b(?:const|let)\s+(\w+)[^=\n]*=\s*{read}\b\s*;?\s*\n", later)]
    return any(
        re.search(rf"[(,]\s*(?:\{{\s*\.\.\.)?{one}(?:\s+as\s+\w+)?\s*[,)}}]", later)
        for one in names
    )


def _told(case: Case, piece: Piece, call: Call, left: list[str]) -> Finding:
    power = any(_POWER.fullmatch(one) for one in left)
    message = (
        f"{case.route.label} stores what the request says of {', '.join(left[:4])}: the schema is "
        f"made of the table and leaves every column in"
    )
    where = place(piece.module, call.start, case.route.label)
    severity = CRITICAL if power else HIGH
    return finding("authz.mass-assignment", where, message, severity, [at_route(case)])


def _left(program: Program, piece: Piece, call: Call) -> list[str]:
    """The columns that the client decides, and should not."""
    if not _PARSES.search(call.callee) or not call.arguments:
        return []
    given = piece.module.slice(call.arguments[0])
    schema = _schema(program, piece.module, call.callee) if _WHOLE.fullmatch(given) else None
    if schema is None:
        return []
    home, text = schema
    made = _MADE.search(text)
    table = definition(program, home, made[1]) if made else None
    whole = text + call.callee
    if table is None or ".pick(" in whole:
        return []
    later = piece.module.code[call.end : piece.end]
    out = {*_KEY.findall(whole.partition(".omit(")[2]), *_KEY.findall(given)}
    return [
        one
        for one in _COLUMN.findall(table[1])
        if (_POWER.fullmatch(one) or _STANDING.fullmatch(one))
        and one not in out
        and not re.search(rf"\b{one}\b", later)
    ]


_DEEPEST = 3


def _schema(program: Program, module: Module, callee: str) -> tuple[Module, str] | None:
    """What `schema.parse` checks by, and `api.orders.create.input.parse`: an object of the
    tree's own may hold the schema under a key, or under the name it has elsewhere.
    """
    head, *keys = callee.split(".")[:-1]
    found = definition(program, module, head)
    for key in keys:
        if found is None or not WORD.fullmatch(key):
            break
        inside = property_of(found[1], key)
        found = (found[0], inside) if inside else found
    for _ in range(_DEEPEST):
        if found is None or not WORD.fullmatch(found[1].strip()):
            break
        found = definition(program, found[0], found[1].strip())
    return found
