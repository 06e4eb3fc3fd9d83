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
