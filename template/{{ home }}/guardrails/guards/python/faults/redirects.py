"""Where visitors are sent: to an address that the link itself names."""

import ast
import re
from collections.abc import Callable, Iterator

from ....engine.finding import Finding
from ..facts.handlers import Handler
from ..facts.syntax import argument, called, dotted, found, names_in, strings_in
from ..facts.walking import nodes_in

_CLEANS = re.compile(r"escape|sanitize|clean|bleach|quote|is_safe|urlparse|urlsplit|allowed")


def look(handler: Handler, chosen: Callable[[Handler, ast.expr | None], bool]) -> Iterator[Finding]:
    """`chosen` says whether the request names an address as a whole. What else of the request is
    cleaned makes it no safer, nor that it begins with a slash: `//elsewhere.example` does, too.
    """
    for call in handler.calls:
        first = argument(call, 0, "url")
        if called(call) not in {"redirect", "RedirectResponse"} or first is None:
            continue
        if not chosen(handler, first) or _looked_at(handler, first):
            continue
        yield found(
            "web.open-redirect", handler.module, call,
            f"{handler.route.label} sends visitors to whatever address the link names.",
        )  # fmt: skip


def _looked_at(handler: Handler, address: ast.expr) -> bool:
    about, inside = names_in(address) - {"request"}, set(nodes_in(address))
    return any(
        (_CLEANS.search(dotted(call.func)) and (names_in(call) & about or call in inside))
        or (called(call) == "startswith" and "//" in strings_in(call))
        for call in handler.calls
    )
