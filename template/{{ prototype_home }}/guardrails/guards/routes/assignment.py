"""Bodies that are stored as they came: the client decides every column."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Case
from .middleware import Access
from .program import Piece
from .say import HIGH, LOW, MEDIUM, finding, place
from .signs import STORES
from .source import Call

_WHOLE_BODY = re.compile(
    r"\{\s*\.\.\.\s*(?:req|request|ctx\.request)\.body\b|^\s*(?:req|request"
    r"|ctx\.request)\.body\s*$|^\s*await\s+(?:req|request)\.json\(\)\s*$"
    r"|\bdata\s*:\s*(?:req|request)\.body\s*[,}]"
)


def mass_assignment(cases: list[Case]) -> Iterator[Finding]:
    files: dict[tuple[str, bool], list[tuple[Case, Piece, int, str]]] = defaultdict(list)
    for case in cases:
        if case.access is Access.SIGNATURE or case.bound_by_rows:
            continue
        trusted = case.access is Access.ROLE
        for piece in case.pieces[:1]:
            for call in piece.module.calls_in(piece.start, piece.end):
                if _stores_body(piece, call) and not _picked(case, piece, call):
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
    names = "|".join(map(re.escape, _whole(piece)))
    stores = "." in call.callee or call.callee[:1].isupper()  # a helper may take out what it wants
    told = names and stores and not _ELSEWHERE.search(call.callee)
    given = _GIVEN.replace("NAME", names) if told else ""
    given += r"|[{,]\s*data\s*[,}]" if given and "data" in _whole(piece) else ""
    return any(
        _WHOLE_BODY.search(text) or (given and re.search(given, text))
        for text in map(piece.module.slice, call.arguments)
    )


_READ = re.compile(
    r"\s*(?:\(?\s*await\s+)?(?:req|request|_req|c\.req|ctx\.request)\.(?:json\(\)|body)\s*\)?\s*(?:as\b[^;]*)?"
    r"|\s*\{\s*\.\.\.(?:req|request|ctx\.request)\.body\s*(?:,[^{}]*)?\}\s*"
)
_REST = re.compile(r"\{[^{}]*\.\.\.\s*(\w+)\s*\}\s*$")
_GIVEN = (
    r"^\s*\[?\s*(?:NAME)\s*\]?\s*$|\bdata\s*:\s*(?:NAME)\s*[,}]"
    r"|^\s*\[?\s*\{(?:[^{}]*,)?\s*\.\.\.(?:NAME)\s*[,}]|\bdata\s*:\s*\{(?:[^{}]*,)?\s*\.\.\.(?:NAME)\s*[,}]"
)
_ELSEWHERE = re.compile(
    r"stripe|openai|anthropic|resend|mail|axios|fetch|queue|redis|cache|storage\b", re.IGNORECASE
)
"""What a provider is sent, it judges itself."""


def _whole(piece: Piece) -> set[str]:
    """The names that hold all of the body, or all that the code didn't take out of it."""
    found: set[str] = set()
    for one in piece.module.bindings_in(piece.start, piece.end):
        value, names = piece.module.slice(one), one.names.strip()
        whole = _READ.fullmatch(value) is not None or value.strip() in found
        rest = _REST.search(re.sub(r"\s*:\s*[A-Z][\w<>\[\]., |]*$", "", names))
        if whole and rest:
            found.add(rest[1])
        elif whole and re.fullmatch(r"\w+", names):
            found.add(names)
    return found


def _picked(case: Case, piece: Piece, call: Call) -> bool:
    """A function of the program's own that takes the fields one by one, and never all of them."""
    there = case.program.function(piece.module, call.callee)
    at = next(
        (n for n, it in enumerate(call.arguments) if _WHOLE_BODY.search(piece.module.slice(it))), -1
    )
    if there is None or not 0 <= at < len(there[1].parameters):
        return False
    home, function = there
    name = re.match(r"\w+", function.parameters[at])
    inside = home.code[function.start : function.end].partition("{")[2]
    if name is None:
        return function.parameters[at].startswith("{") and "..." not in function.parameters[at]
    whole = rf"(?<![\w.$])(?:\.\.\.)?{name[0]}(?![\w$?]|\s*[.?\[:])"
    return re.search(whole, inside) is None
