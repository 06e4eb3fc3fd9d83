"""Routes that any account may call, beside routes of their kind that look at the role."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler, comes_from
from ..facts.newcomers import serves_many
from ..facts.syntax import called, calls_in, found, names_in, place, words_in
from .ownership import is_owned, model_is_owned


def left_open(handlers: list[Handler]) -> Iterator[tuple[Finding, ast.AST]]:
    """Routes that any account may call, beside routes of the same kind that look at the role."""
    asks = {_kind(one) for one in handlers if one.route.access == "role" and one.route.writes}
    roles = any(one.route.access == "role" for one in handlers)
    for handler in handlers:
        route = handler.route
        if route.access != "caller" or route.before != "caller" or handler.uses_user:
            continue
        if not serves_many(handler):
            continue
        if route.method in {"PUT", "PATCH", "DELETE"} and _kind(handler) in asks:
            if handler.path_parameters and handler.writes:
                yield found(
                    "authz.missing-role-check", route.module, route.line,
                    f"{route.label} may be called by any account; another route that changes the "
                    "same rows looks at the role.",
                    symbol=route.function.name,
                ), route.function  # fmt: skip
        elif roles and route.writes and (row := _sets_price(handler)) is not None:
            yield found(
                "authz.missing-role-check", handler.module, row,
                f"{route.label}: any account says what is sold, and for how much.",
                symbol=route.function.name,
                also=[place(route.module, route.line, route.function.name)],
            ), route.function  # fmt: skip
        elif roles and route.method == "GET" and _lists_people(handler):
            yield found(
                "authz.missing-role-check", route.module, route.line,
                f"{route.label} lists everybody's rows for any account.",
                severity=Severity.MEDIUM, symbol=route.function.name,
            ), route.function  # fmt: skip


_PRICE = re.compile(r"^(unit_|base_|selling_)?price(_cents)?$")


def _sets_price(handler: Handler) -> ast.Call | None:
    """`Product(price=data["price"])`: a row of the shop's own, for it names nobody it is of."""
    for call in handler.calls if handler.writes else ():
        given = {word.arg or "": word.value for word in call.keywords}
        meant_ = handler.project.resolve(handler.module, called(call))
        if not isinstance(meant_.node, ast.ClassDef) or not called(call)[:1].isupper():
            continue
        priced = any(_PRICE.match(name) and _sent(handler, given[name]) for name in given)
        if priced and not model_is_owned(handler.project, meant_.node):
            return call
    return None


def _sent(handler: Handler, value: ast.expr) -> bool:
    named = names_in(value) & handler.inputs
    return bool(named) or comes_from(value, handler.inputs)


def _kind(handler: Handler) -> tuple[str, str]:
    """The file, and the first word of the path that is no parameter."""
    words = [part for part in handler.route.path.split("/") if part and part[0] not in "{<"]
    return handler.module.path, words[-1] if len(words) == 1 else "/".join(words[:2])


_LISTS = {"all", "to_list", "fetchall"}
_FOR_ALL = re.compile(
    r"public|search|leader|director|/me\b|mine|available|count|team|doctor|chat|stats",
    re.IGNORECASE,
)


def _lists_people(handler: Handler) -> bool:
    route = handler.route
    if handler.path_parameters or _FOR_ALL.search(f"{route.path} {route.function.name}"):
        return False
    return any(
        called(call) in _LISTS
        and not any(_narrows(inner) for inner in calls_in(call))
        and is_owned(handler, call)
        for call in handler.calls
    )


def _narrows(call: ast.Call) -> bool:
    if called(call) in {"filter_by", "where"}:
        return True
    if called(call) == "find":
        return bool(call.args) and not (
            isinstance(call.args[0], ast.Dict) and not call.args[0].keys
        )
    return (
        called(call) == "filter" and "like" not in words_in(call) and "ilike" not in words_in(call)
    )
