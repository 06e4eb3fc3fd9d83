"""Routes left from looking for a fault that tell strangers what the program is set up with."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler
from ..facts.syntax import called, chain, dotted, found, place, text_of
from ..facts.walking import nodes_in

_SECRET = re.compile(
    r"(^|_)(secret|key|token|passw(or)?d|pwd|dsn|credentials?)(_|$)|^(database|redis|mongo\w*)_ur[il]$",
    re.IGNORECASE,
)
_MEANT = re.compile(r"publi(c|shable)|anon|site_?key|client_?id|maps|vapid", re.IGNORECASE)


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`return {"STORE_KEY": os.getenv("STORE_KEY", "NOT_SET")}`"""
    route = handler.route
    if route.access != "public" or route.method not in {"GET", "POST"}:
        return
    for value in _answered(handler):
        name = _read(value)
        if _SECRET.search(name) and not _MEANT.search(name):
            yield found(
                "authz.unauthenticated-endpoint", handler.module, value,
                f"{route.label} tells whoever asks what {name} is.",
                severity=Severity.HIGH, symbol=handler.function.name,
                also=[place(handler.module, route.line, handler.function.name)],
            ), handler.function  # fmt: skip
            return


def _answered(handler: Handler) -> Iterator[ast.expr]:
    for node in handler.body:
        if isinstance(node, ast.Return) and node.value is not None:
            for inner in nodes_in(node.value):
                yield from inner.values if isinstance(inner, ast.Dict) else ()


def _read(value: ast.expr) -> str:
    """The variable of the environment that is handed out as it is."""
    if isinstance(value, ast.Subscript) and dotted(value.value) == "os.environ":
        return text_of(value.slice) or ""
    reads = called(value) == "getenv" or (called(value) == "get" and "environ" in chain(value))
    if isinstance(value, ast.Call) and reads and value.args:
        return text_of(value.args[0]) or ""
    return ""
