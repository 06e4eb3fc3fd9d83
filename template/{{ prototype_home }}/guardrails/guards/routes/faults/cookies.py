"""Callers whom nothing proves: a number or role in a cookie that nobody signed, an id that a
function stores without knowing who calls."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from ....engine.finding import Finding, Place
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.nextgate import FILES
from ..facts.signs import BODY, CALLER_HEADER
from ..facts.source import Module
from .say import CRITICAL, HIGH, at_route, at_spot, finding, place

_WHO = (
    r"[\w-]*?(?:(?:user|account|customer|admin|member|employee|staff|student|driver)_?-?id"
    r"|\buid|[uU]ser_?[rR]ole|(?<![a-zA-Z])role|[iI]s_?[aA]dmin)"
)
_SET = re.compile(
    rf"\.(?:set|cookie)\(\s*(?:\{{\s*name\s*:\s*)?(['\"])({_WHO})\1\s*,\s*(?:value\s*:\s*)?([^,\n]+)",
    re.IGNORECASE,
)
_JAR = re.compile(r"\bcookies\(|\bcookies\.set\(|\.cookie\(")
_PROTECTED = re.compile(
    r"token|sign|encrypt|seal|jwt|hash|random|uuid|nonce|^\s*['\"]['\"]|\bnull\b", re.IGNORECASE
)
_PLAIN = re.compile(r"\b\w*(?:[iI]d|uid|[rR]ole|[aA]dmin)\b|['\"][A-Za-z]+['\"]|\btrue\b")
_VERIFIES = re.compile(r"verify\w*\(|jwt|unsign|decrypt|signedCookies|unseal", re.IGNORECASE)


def cookies(cases: list[Case]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for app, of_app in apps.items():
        yield from _unsigned(app, of_app)


_OWNER = re.compile(
    r"\b(?:user|customer|buyer|owner|author|sender|client)_?id\s*(?::\s*([^,}\n]+)|(?=[,}]))",
    re.IGNORECASE,
)


def stored_unasked(cases: list[Case]) -> Iterator[Finding]:
    """An edge function works as nobody in particular, and stores for whom the request names: the
    database can't know the caller there, so no policy of it compares anything with them."""
    for case in cases:
        if case.route.kind != "edge" or case.access is not Access.PUBLIC or not case.bound_by_rows:
            continue
        for piece in case.pieces[:1]:
            if CALLER_HEADER.search(piece.module.code) or "ANON" not in piece.module.code:
                continue
            names = case.flow.of(piece)
            for call in piece.module.calls_in(piece.start, piece.end):
                if not call.callee.endswith((".insert", ".upsert")) or not call.arguments:
                    continue
                given = piece.module.slice(call.arguments[0])
                match = _OWNER.search(given)
                if match and names.has_sent(match[1] or match[0]):
                    at = call.arguments[0].start + match.start()
                    where = place(piece.module, at, case.route.label)
                    message = (
                        f"{case.route.label} asks nobody who is calling, and stores for the user "
                        "that the request names"
                    )
                    body = case.first(BODY, own=True)
                    also = [*([at_spot(body)] if body else []), at_route(case)]
                    yield finding("authz.client-supplied-identity", where, message, HIGH, also)
                    break


def _unsigned(app: str, cases: list[Case]) -> Iterator[Finding]:
    modules = {piece.module.path: piece.module for case in cases for piece in case.pieces}
    told: dict[str, list[Place]] = defaultdict(list)
    for module in modules.values():
        for name, at in _told(module):
            told[name].append(place(module, at))
    if not told:
        return
    program = cases[0].program
    gates = [posixpath.join(app, name) for name in FILES]
    found = [program.module(path) for path in gates if path in program.tree.present]
    readers = [*(gate for gate in found if gate), *modules.values()]
    believed = {name: list(_believed(readers, name)) for name in sorted(told, key=_rank)}
    names = [name for name, places in believed.items() if places]
    if names:
        made = sorted((one for name in names for one in told[name]), key=_at_log_in)
        kept = " and ".join(f"`{name}`" for name in names[:3])
        cookies_are = f"cookie {kept}" if len(names) == 1 else f"cookies {kept}"
        message = (
            f"Who the caller is stands in the {cookies_are}, and nobody signs that: whoever "
            "writes another value there is another user"
        )
        also = [*made[1:4], *(one for name in names for one in believed[name])]
        yield finding("authz.client-supplied-identity", made[0], message, CRITICAL, also)


def _rank(name: str) -> tuple[bool, str]:
    """What decides rights before what only names somebody."""
    return not re.search(r"(?i)role|admin", name), name


def _at_log_in(one: Place) -> bool:
    return not re.search(r"(?i)(?<!admin/)(?:log|sign)-?_?in\b", one.path)


def _told(module: Module) -> Iterator[tuple[str, int]]:
    if not _JAR.search(module.code):
        return
    for match in _SET.finditer(module.code):
        plain = _PLAIN.search(match[3]) and not _PROTECTED.search(match[3])
        if plain and not re.search(r"signed\s*:\s*true", module.code[match.end() :][:300]):
            yield match[2], match.start()


def _believed(modules: Iterable[Module], name: str) -> Iterator[Place]:
    """Where a server takes the cookie for what it says, once a file."""
    wanted = re.compile(rf"\bget\(\s*['\"]{re.escape(name)}['\"]|\bcookies\??\.{re.escape(name)}\b")
    for module in modules:
        match = wanted.search(module.code)
        if match and not _VERIFIES.search(module.code):
            yield place(module, match.start())
