"""Supabase clients that act as whoever calls, beside one with the service key in the same route."""

import re

from .program import Piece, Program
from .signs import SERVICE

_FROM = re.compile(r"([A-Za-z_$][\w$]*)\s*\??\.from\(\s*['\"`]\w+['\"`]\s*\)\s*$")
_MADE_BY = re.compile(r"\s*(?:await\s+)?([A-Za-z_$][\w$.]*)\(\s*\)\s*$")
_PUBLIC_KEY = re.compile(r"ANON|PUBLISHABLE")
_OF_THE_CALLER = re.compile(r"\bcookies?\b|[cC]ookieStore|['\"]?[Aa]uthorization['\"]?\s*:")


def rows_decide(program: Program, piece: Piece, at: int) -> bool:
    """Whether what is done there (`….from("x")` ends at it) is done with the caller's own client,
    which some function makes out of the public key and the caller's cookies."""
    named = _FROM.search(piece.module.code, max(piece.start, at - 200), at)
    if named is None:
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
