"""Supabase clients that act as whoever calls, beside one with the service key in the same route."""

import re
from collections.abc import Sequence

from .program import Piece, Program
from .signs import SERVICE
from .source import Function

_FROM = re.compile(r"([A-Za-z_$][\w$]*)\s*\??\.from\(\s*['\"`]\w+['\"`]\s*\)\s*$")
_MADE_BY = re.compile(r"\s*(?:await\s+)?([A-Za-z_$][\w$.]*)\(\s*\)\s*$")
_PUBLIC_KEY = re.compile(r"ANON|PUBLISHABLE")
_OF_THE_CALLER = re.compile(r"\bcookies?\b|[cC]ookieStore|['\"]?[Aa]uthorization['\"]?\s*:")


_SWITCH = re.compile(r"(\w+)\s*(?:\?\s*:\s*boolean|(?::\s*boolean\s*)?=\s*false)\s*")


def taken(piece: Piece, pieces: Sequence[Piece]) -> str:
    """A helper's code without what only a switch brings in that nobody turns on here:
    `createClient(asService = false)`.
    """
    code, function = piece.code, piece.function
    if not piece.depth or function is None:
        return code
    switches = {
        named[1]
        for at, text in enumerate(function.parameters)
        if (named := _SWITCH.fullmatch(text)) and not _given(function, at, pieces)
    }
    for one in piece.module.conditions if switches else ():
        if piece.start <= one.start < piece.end and piece.module.slice(one.test)[1:-1] in switches:
            code = code.replace(piece.module.slice(one.then), "{}")
    for switch in switches:
        code = re.sub(rf"\b{switch}\b", "_", code)
    return code


def _given(function: Function, at: int, pieces: Sequence[Piece]) -> bool:
    return any(
        len(call.arguments) > at and call.callee.rpartition(".")[2] == function.name
        for piece in pieces
        if piece.function != function  # what it calls under its own name is the library's
        for call in piece.module.calls_in(piece.start, piece.end)
    )


def rows_decide(program: Program, piece: Piece, at: int) -> bool:
    """Whether what is done there (`….from("x")` ends at it) is done with the caller's own client,
    which some function makes out of the public key and the caller's cookies."""
    named = _FROM.search(piece.module.code, max(piece.start, at - 200), at)
    if named is None or not program.rows_know_callers:
        return False
    made = [
        one for one in piece.module.bindings_in(piece.start, at) if one.names.strip() == named[1]
    ]
    by = _MADE_BY.match(piece.module.slice(made[-1])) if made else None
    found = program.function(piece.module, by[1]) if by else None
    if found is None:
        return False
    code = found[0].slice(found[1])
    acts_as_caller = _PUBLIC_KEY.search(code) and _OF_THE_CALLER.search(code)
    return bool(acts_as_caller) and SERVICE.search(code) is None


_CHOSEN_BY = re.compile(r"\.eq\(\s*['\"`]\w+['\"`]\s*,\s*([A-Za-z_$][\w$]*)[!?]?\.\w+\s*\)")
_STATEMENT = re.compile(r";|\n\s*\n|\bawait\b|\breturn\b")


def found_first(program: Program, piece: Piece, at: int) -> bool:
    """Whether the rows done with there are those of a row that the caller's own client found:
    `service.from("moves")….eq("purse_id", purse.id)`, and no purse is found for a stranger."""
    code = piece.module.code
    statement = _STATEMENT.split(code[at : min(piece.end, at + 600)], maxsplit=1)[0]
    chosen = _CHOSEN_BY.search(statement)
    if chosen is None or not re.search(rf"!\s*{re.escape(chosen[1])}\b", code[piece.start : at]):
        return False
    named = re.compile(rf"(?<![\w$]){re.escape(chosen[1])}(?![\w$]|\s*:)")
    for binding in piece.module.bindings_in(piece.start, at):
        asked = re.search(r"\.from\(\s*['\"`]\w+['\"`]\s*\)\s*", code[binding.start : binding.end])
        if asked and named.search(binding.names):
            return rows_decide(program, piece, binding.start + asked.end())
    return False
