"""Pages of administrators that a server fills with data, and that ask nobody."""

import posixpath
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.nextgate import gate
from ..facts.platforms import web_path
from ..facts.program import CODE, Piece, Program
from ..facts.rows import APP_PAGE, next_app
from ..facts.signs import ADMIN_PATH, ASKS_CALLER, LOGIN_PATH, PEOPLE, PERSONAL
from ..facts.source import Module
from ..facts.table import Route
from .say import CRITICAL, HIGH, MEDIUM, at_spot, finding, place

_LAYOUTS = ("layout.tsx", "layout.jsx", "layout.ts", "layout.js")
_ASKS = re.compile(
    r"\bredirect\(|cookies\(\)|\bauth\(|(?i:require|check|verify|ensure|assert)\w*\("
)
_IN_BROWSER = re.compile(r"\A\s*['\"]use client['\"]")
_SHOWN = re.compile(r"export\s+default\b")


def open_pages(program: Program) -> Iterator[Finding]:
    for path in program.tree.files:
        found = APP_PAGE.search(path)
        address = web_path(found[1] or "") if found else ""
        if not found or not ADMIN_PATH.search(address) or LOGIN_PATH.search(address):
            continue
        app = next_app(program, path) if path.endswith(CODE) else None
        module = program.module(path) if app is not None else None
        if module is None or app is None or _IN_BROWSER.match(module.text):
            continue
        case = Case(program, Route("GET", address, "next", module, 0, (_whole(module),), app=app))
        case.gate = gate(program, case.route)
        read = dict(case.effects()).get("read")
        asked = case.access is not Access.PUBLIC or _ASKS.search(module.code)
        if read is None or asked or case.bound_by_rows or _guarded_above(program, path):
            continue
        shown = _SHOWN.search(module.code)
        yield finding(
            "authz.unauthenticated-endpoint",
            at_spot(read, address),
            f"{address} shows what its server reads to anybody: neither the page nor a layout nor "
            f"a middleware asks who is calling",
            _gravity(case.code),
            [place(module, shown.start())] if shown else (),
        )


def _gravity(code: str) -> Severity:
    """What a shop shows, its administrators' page shows as well."""
    if PERSONAL.search(code):
        return CRITICAL
    return HIGH if PEOPLE.search(code) else MEDIUM


def _whole(module: Module) -> Piece:
    return Piece(module, 0, len(module.code))


def _guarded_above(program: Program, path: str) -> bool:
    """Whether a layout around the page asks; what can't be read may."""
    folder = posixpath.dirname(path)
    while folder and posixpath.basename(folder) != "app":
        for name in _LAYOUTS:
            above = posixpath.join(folder, name)
            if above in program.tree.present:
                module = program.module(above)
                if module is not None and _IN_BROWSER.match(module.text):
                    continue  # what it wraps was sent along before it asks
                code = (
                    "\n".join(one.code for one in program.reach([_whole(module)])) if module else ""
                )
                if module is None or ASKS_CALLER.search(code) or _ASKS.search(code):
                    return True
        folder = posixpath.dirname(folder)
    return False
