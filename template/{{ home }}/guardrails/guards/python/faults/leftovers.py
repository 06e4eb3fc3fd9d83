"""What was left from building it: routes that fill or empty the database, and mails for a try."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts import meant
from ..facts.access import is_login
from ..facts.handlers import Handler
from ..facts.syntax import called, found, strings_in

_FILLS = re.compile(
    r"(^|[/_-])(re-?)?(seed|init|reset|clear|drop|wipe|populate|purge|truncate|re-?create|setup)"
    r"([_-]?(the|all))?([_-]?(db|database|data|tables?|demo|users?|admins?|everything))?/?$",
    re.IGNORECASE,
)
_TRIES = re.compile(r"(^|[/_-])(test|debug)([/_-]|$)", re.IGNORECASE)
_EMPTIES = {"drop_all", "delete_many", "drop_collection", "drop_database", "drop", "truncate"}
_SENDS = re.compile(r"^(send|deliver)(_|$)|sendmail|send_message", re.IGNORECASE)


def left_over(handlers: list[Handler], told: set[ast.AST]) -> Iterator[tuple[Finding, ast.AST]]:
    """Where other routes ask who calls; those in `told` have been named already."""
    if not any(one.route.access not in {"public", "unknown"} for one in handlers):
        return
    for handler in handlers:
        route = handler.route
        if route.access != "public" or route.stated or is_login(route) or handler.function in told:
            continue
        if route.method == "GET" and handler.writes and _FILLS.search(route.path):
            if not meant.first_start(handler, route.path):
                yield _left(handler, "writes into the database", _harm(handler))
        elif route.method == "GET" and _hands_out_the_store(handler):
            yield _left(handler, "hands out the whole database", Severity.CRITICAL)
        elif route.writes and _TRIES.search(route.path) and _sends(handler):
            yield _left(handler, "sends a message to whomever the request names", Severity.MEDIUM)


_STORE = re.compile(r"\.(db|sqlite3?|sql|dump|bak)$", re.IGNORECASE)


def _hands_out_the_store(handler: Handler) -> bool:
    sends = any(
        called(call) in {"send_file", "FileResponse", "send_from_directory"}
        for call in handler.calls
    )
    return sends and any(map(_STORE.search, strings_in(handler.function)))


def _harm(handler: Handler) -> Severity:
    empties = any(called(call) in _EMPTIES for call in handler.all_calls)
    return Severity.CRITICAL if empties else Severity.MEDIUM


def _sends(handler: Handler) -> bool:
    takes = bool(handler.inputs) or any(called(call) == "get_json" for call in handler.calls)
    return takes and any(_SENDS.search(called(call)) for call in handler.calls)


def _left(handler: Handler, what: str, severity: Severity) -> tuple[Finding, ast.AST]:
    route = handler.route
    return found(
        "authz.unauthenticated-endpoint", route.module, route.line,
        f"{route.label} ({route.function.name}) {what} for anybody: it was for building the "
        "program, and is served with it.",
        severity=severity, symbol=route.function.name,
    ), route.function  # fmt: skip
