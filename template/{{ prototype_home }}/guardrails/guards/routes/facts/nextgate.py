"""Next.js' middleware file: which routes it stands before, and whether it refuses."""

import posixpath
import re

from .program import Piece, Program
from .signs import ASKS_CALLER, REFUSES
from .source import Module
from .table import Route

FILES = (
    "middleware.ts",
    "middleware.js",
    "src/middleware.ts",
    "src/middleware.js",
    "proxy.ts",
    "src/proxy.ts",
)
_ASKS = re.compile(
    r"cookies\.(?:get|has)\(|clerkMiddleware|authMiddleware|withAuth|NextAuth|\bauth\("
    r"|getToken\(|updateSession|jwtVerify"
)
_OF_ADMINISTRATORS = re.compile(r"cookies\.(?:get|has)\(\s*['\"]([\w-]*admin[\w-]*)", re.IGNORECASE)
_MATCHER = re.compile(
    r"\bmatcher\s*:\s*(\[(?:[^\]'\"`]|'[^'\n]*'|\"[^\"\n]*\"|`[^`]*`)*\]|['\"][^'\"]*['\"])"
)
"""The patterns may hold brackets of their own."""
_LITERAL = re.compile(r"['\"`](/[^'\"`\s]*)['\"`]")
_OF_STRANGERS = re.compile(r"\bif\s*\(\s*!\s*(?:user|session|token|claims)\b([^{;]*)[{;]")
_NAMES_PATHS = re.compile(r"^\s*&&[\s(]*(?:\w+\.)*(?:pathname|path)\.startsWith\([^!]*$")
_ASKS_BY_ITSELF = re.compile(r"protect\(|withAuth|authMiddleware|\bauthorized\b|\b40[13]\b")
_API_PASSES = re.compile(
    r"startsWith\(\s*['\"]/api/?['\"]\s*\)(?:(?!\bif\b|\breturn\b)[^{;])*\{?\s*return\s+(?:NextResponse\.next"
    r"|\w*[rR]esponse\b(?!\.)|res\b)"
)
_IS_API = re.compile(r"\b(\w+)\s*=\s*[^;!\n]*startsWith\(\s*['\"]/api/?['\"]\s*\)")
"""`const isApiRoute = pathname.startsWith("/api")`, and some lines on it is let through."""


_API_REFUSED = re.compile(
    r"startsWith\(\s*['\"]/api/?['\"]\s*\)[^{;]*\)?\s*\{?\s*return\b[^;]{0,160}\b40[13]\b"
)
"""What has no page to be sent to is told so; which pages are public it does not say."""


def gate(program: Program, route: Route) -> str:
    """Which middleware asks before this route, and for which cookie of administrators alone;
    empty when it lets it pass."""
    for name in FILES:
        path = posixpath.join(route.app, name)
        module = program.module(path) if path in program.tree.present else None
        if module is not None:
            asked = _OF_ADMINISTRATORS.search(module.code)
            what = f", which asks for {asked[1]}" if asked else ""
            return f"{path}{what}" if _stands_before(program, module, route) else ""
    return ""


def _stands_before(program: Program, module: Module, route: Route) -> bool:
    pieces = program.reach([Piece(module, 0, len(module.code))])
    code = "\n".join(piece.code for piece in pieces)
    if not (ASKS_CALLER.search(code) or _ASKS.search(code)):
        return False
    if not REFUSES.search(code) and not re.search(
        r"redirect|protect\(|withAuth|authMiddleware|export\s*\{\s*default", code
    ):
        return False
    path = route.path if route.kind == "next" else "/"
    if path.startswith("/api") and _lets_api_through(code):
        return False
    return _matches(module.code, path) and _body_asks(module.code, path) and not _passes(code, path)


def _lets_api_through(code: str) -> bool:
    return _API_PASSES.search(code) is not None or any(
        re.search(
            rf"\bif\s*\((?:\s*\w+\s*\|\|)*\s*{found[1]}\s*(?:\|\|[^{{;]*)?\)\s*\{{?\s*return\s+"
            r"(?:NextResponse\.next|\w*[rR]esponse\b(?!\.)|res\b)",
            code,
        )
        for found in _IS_API.finditer(code)
    )


def _matches(code: str, path: str) -> bool:
    found = _MATCHER.search(code)
    if found is None:
        return True
    return any(_fits(pattern, path) for pattern in re.findall(r"['\"`]([^'\"`]+)['\"`]", found[1]))


def _fits(pattern: str, path: str) -> bool:
    pattern = pattern.replace("\\\\", "\\")
    pattern = re.sub(r"/:\w+\*", "(?:/.*)?", pattern)
    pattern = re.sub(r"/:\w+", "/[^/]+", pattern)
    try:
        return re.fullmatch(pattern, path) is not None
    except re.error:
        return True


def _body_asks(own: str, path: str) -> bool:
    """Lists in the file name what is public, or what is protected."""
    body = _API_REFUSED.sub("", _MATCHER.sub("", own))
    if path.startswith("/api") and _API_PASSES.search(body):
        return False
    literals = [one for one in _LITERAL.findall(body) if one != "/"]
    named = [one for one in literals if _begins(one, path)]
    public = (
        re.search(r"(?i)public|unprotected|open_?routes|isAuth(?:Page|Route)", body) is not None
    )
    protected = (
        re.search(r"(?i)protected|dashboard|private|isAdmin|requires?Auth", body) is not None
    )
    if public:
        return not named
    if protected or literals:
        return bool(named) if protected else not named
    return True


def _passes(code: str, path: str) -> bool:
    """Whether everything that is asked of strangers is asked on other paths alone."""
    if _ASKS_BY_ITSELF.search(code):
        return False
    asked = [found[1] for found in _OF_STRANGERS.finditer(code)]
    only = [_LITERAL.findall(condition) for condition in asked if _NAMES_PATHS.search(condition)]
    return (
        bool(asked)
        and len(only) == len(asked)
        and not any(_begins(one, path) for literals in only for one in literals)
    )


def _begins(literal: str, path: str) -> bool:
    literal = re.sub(r"\(\.\*\)|:\w+\*?|\*", "", literal).rstrip("/")
    return bool(literal) and (path == literal or path.startswith(literal + "/"))
