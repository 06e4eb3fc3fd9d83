"""Routes that say of themselves who they are for, and ask nobody whether they are that."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.deciding import decided_by_user, knows_caller
from ..facts.handlers import Handler
from ..facts.newcomers import serves_many
from ..facts.syntax import found

_ONLY = re.compile(
    r"\b(admin|administrator|staff|manager|super_?user|owner|moderator)s?[ -]only\b"
    r"|\bonly (for |by )?(the |an? )?(admin|administrator|staff|manager|moderator)s?\b"
    r"|\b(requires?|needs?) (an? )?(admin|administrator|staff|manager)\b",
    re.IGNORECASE,
)


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`\"\"\"Add a hive (admin only).\"\"\"`, for whoever is signed in."""
    route = handler.route
    said = _ONLY.search(_about(handler)) if route.access == "caller" else None
    if said is None or not knows_caller(handler) or decided_by_user(handler):
        return
    if (handler.writes or handler.reads) and serves_many(handler):
        yield found(
            "authz.missing-role-check", route.module, route.line,
            f"{route.label} is said to be “{said[0].lower()}”, and any account may call it.",
            severity=Severity.HIGH if route.writes else Severity.MEDIUM,
            symbol=route.function.name,
        ), route.function  # fmt: skip


def _about(handler: Handler) -> str:
    """The docstring, and the comments where the function begins."""
    function = handler.function
    first = min([function.lineno, *(mark.lineno for mark in function.decorator_list)])
    above = handler.module.lines[max(first - 2, 0) : function.body[0].lineno - 1]
    comments = [line.partition("#")[2] for line in above if line.strip().startswith("#")]
    return " ".join([ast.get_docstring(function) or "", *comments])
