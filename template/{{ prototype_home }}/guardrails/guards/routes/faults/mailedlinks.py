"""Links in mails, made with the address that the request says it was sent to or wants to go to."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.flow import mentions
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.signs import MAIL
from .say import HIGH, MEDIUM, at_route, finding, place

_ABOUT = re.compile(r"reset|forgot|recover|magic|verif|confirm|invit|activat|resend", re.IGNORECASE)
_TAKES_OVER = re.compile(r"reset|forgot|recover|magic|password", re.IGNORECASE)
_REQUEST = r"\b\w{0,20}[rR]eq(?:uest)?"
_HEADER = r"(?:x-forwarded-host|host|origin|referer)"
_SAID = re.compile(
    rf"{_REQUEST}\.(?:get|header)\(\s*['\"]{_HEADER}['\"]\s*\)|{_REQUEST}\.headers\.(?:host|origin|referer)\b"
    rf"|{_REQUEST}\.headers\[\s*['\"]{_HEADER}['\"]|\bheaders(?:\(\))?\)?\.get\(\s*['\"]{_HEADER}['\"]"
    rf"|{_REQUEST}\.(?:hostname|host)\b"
    rf"|{_REQUEST}\.body\??\.(?:\w*[uU]rl|origin|host|domain|redirect\w*)\b",
    re.IGNORECASE,
)
_WANTED = re.compile(
    r"(?:(?:redirect|reset|client|frontend|base|app|site|callback|return)_?(?:url|to|link)|origin|domain)$",
    re.IGNORECASE,
)
_SETTLED = re.compile(r"^\s*(?:\(?\s*process\.env|[A-Z][A-Z_]+\b|env\.|config\.)")
"""The settings win; what the request says only stands in where there are none."""
_LOOKED_AT = re.compile(
    r"(?:allowed|trusted|valid|safe(?!Parse)|white|known)\w*(?:\.(?:includes|has|some)\(|\()"
    r"|\.(?:includes|has|some)\(\s*(?:origin|host)",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"(?:https?://|\$\{[^{}`]*\}://)?\$\{([^{}`]*)\}[/?][^`\n]*|([\w$.]+)\s*\+\s*['\"`][/?][^;\n]*"
)
_SECRET = re.compile(r"token|code|otp|secret|key", re.IGNORECASE)


def mailed_links(cases: list[Case]) -> Iterator[Finding]:
    """`${req.headers.origin}/reset?token=...`, mailed to whomever a stranger names."""
    for case in cases:
        label = case.route.label
        if case.access is not Access.PUBLIC or not _ABOUT.search(label):
            continue
        if case.first(MAIL) is None or any(_LOOKED_AT.search(one.code) for one in case.pieces):
            continue
        said: dict[tuple[str, int], set[str]] = {}
        for piece in case.pieces:
            names = _names(case, piece, said)
            said[piece.module.path, piece.start] = names
            if at := _linked(piece, names):
                message = (
                    f"{label} mails a link with a secret in it to whatever host the request names"
                )
                where = place(piece.module, at, label)
                severity = HIGH if _TAKES_OVER.search(label) else MEDIUM
                yield finding("web.host-header", where, message, severity, [at_route(case)])
                break


def _names(case: Case, piece: Piece, said: dict[tuple[str, int], set[str]]) -> set[str]:
    """What holds an address of the request's: by itself, or handed on to the function."""
    names = {one for one in case.flow.of(piece).sent if _WANTED.search(one)}
    giver = piece.giver
    if giver is not None and piece.function is not None:
        above = said.get((giver.module.path, giver.start), set())
        for text, given in zip(piece.function.parameters, piece.given, strict=False):
            word = re.match(r"\w+", text)
            if word and _of_the_request(giver.module.slice(given), above):
                names.add(word[0])
    for one in piece.module.bindings_in(piece.start, piece.end):
        if _of_the_request(piece.module.slice(one)[:400], names):
            names |= set(re.findall(r"[A-Za-z_$][\w$]*", one.names)[:3])
    return names


def _of_the_request(value: str, names: set[str]) -> bool:
    if _SETTLED.match(value) or "=>" in value:
        return False
    return _SAID.search(value) is not None or mentions(value, names)


def _linked(piece: Piece, names: set[str]) -> int:
    """Where a link is made with it and with a secret, or 0."""
    for link in _LINK.finditer(piece.code):
        whole = piece.code[link.start() : link.end() + 120].partition("\n")[0]
        if _of_the_request(link[1] or link[2] or "", names) and _SECRET.search(whole):
            return piece.start + link.start()
    return 0
