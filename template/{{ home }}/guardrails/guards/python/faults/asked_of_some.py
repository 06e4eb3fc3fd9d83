"""Checks of whose the row is that only accounts of one kind meet: all others pass them."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler
from ..facts.newcomers import serves_many
from ..facts.refusals import asked_about, refuses
from ..facts.storing import is_query
from ..facts.syntax import called, dotted, found, strings_in
from ..facts.walking import nodes_in
from .kinds import MANY
from .ownership import declared, is_owned, request_key

_ROLE = re.compile(r"^(user_?)?(role|type|kind)$|^account_?type$", re.IGNORECASE)
_NAMED = re.compile(r"(role|type|kind)s?\.(\w+?)(\.value)?$", re.IGNORECASE)
_OVER_ALL = re.compile(r"admin|super|root|owner|staff", re.IGNORECASE)


def asked_of_some(handler: Handler, kinds: set[str]) -> Iterator[tuple[Finding, ast.AST]]:
    """`if me.role == "customer" and order.customer_id != me.id: raise`: a courier passes, too.

    `kinds` are all of whom the service keeps the rows apart.
    """
    route = handler.route
    if route.before == "role" or route.access not in {"caller", "role"} or not _looks_up(handler):
        return
    branches = [node for node in handler.body if isinstance(node, ast.If)]
    checks = {node: kind for node in branches if (kind := _kind_asked(handler, node))}
    inside = {inner for node in checks for inner in nodes_in(node)}
    others = sorted(
        kinds - {kind for it in branches if _refused(handler, it) for kind in _kinds(it.test)}
    )
    if not checks or not others or any(_turns_away(handler, it) for it in _rest(handler, inside)):
        return
    first = min(checks, key=lambda node: node.lineno)
    yield found(
        "authz.idor", handler.module, first,
        f"{route.label} asks whose the row is only where the role is {checks[first]!r}; "
        f"{others[0]!r} reaches everybody's.",
        severity=Severity.HIGH, symbol=handler.function.name, also=declared(handler, first),
    ), handler.function  # fmt: skip


def kept_apart(handlers: list[Handler]) -> set[str]:
    """The kinds of accounts that strangers can have, or whose rows are asked for by who calls."""
    told: set[str] = set()
    for handler in handlers:
        for node in handler.body:
            if isinstance(node, ast.If | ast.Compare):
                test = node.test if isinstance(node, ast.If) else node
                kind = next(_kinds(test), "")
                inside = node.body if isinstance(node, ast.If) else []
                apart = any(handler.of_the_user(inner) for it in inside for inner in _asked(it))
                if kind and (apart or (MANY.match(kind) and serves_many(handler))):
                    told.add(kind)
    return {kind for kind in told if not _OVER_ALL.search(kind)}


def _asked(statement: ast.stmt) -> Iterator[ast.expr]:
    for node in nodes_in(statement):
        if isinstance(node, ast.Call) and called(node) in {"filter", "filter_by", "where"}:
            yield from (*node.args, *(word.value for word in node.keywords))


def _kinds(test: ast.expr) -> Iterator[str]:
    """`customer` of `me.role == "customer"` and of `me.role == Role.customer`."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    for part in parts:
        if not isinstance(part, ast.Compare) or not isinstance(part.ops[0], ast.Eq):
            continue
        if any(map(_ROLE.match, asked_about(part.left))):
            named = _NAMED.search(dotted(part.comparators[0]))
            yield from {named[2].lower()} if named else strings_in(part.comparators[0])


def _kind_asked(handler: Handler, node: ast.If) -> str:
    """The kind of which a branch asks whose the row is, and refuses."""
    if not (kind := next(_kinds(node.test), "")):
        return ""
    if isinstance(node.test, ast.BoolOp):
        compared = any(_whose(handler, part) for part in node.test.values)
        return kind if compared and any(refuses(it, handler.function) for it in node.body) else ""
    below = [it for it in node.body if isinstance(it, ast.If) and _whose(handler, it.test)]
    turned = any(refuses(inner, handler.function) for it in below for inner in it.body)
    return kind if turned and len(node.body) == len(below) else ""


def _whose(handler: Handler, test: ast.expr) -> bool:
    """`order.customer_id != me.id`"""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.NotEq)
        and not any(map(_ROLE.match, asked_about(test)))
        and any(handler.of_the_user(side) for side in (test.left, test.comparators[0]))
    )


def _rest(handler: Handler, inside: set[ast.AST]) -> Iterator[ast.If]:
    for node in handler.body:
        if isinstance(node, ast.If) and node not in inside:
            yield node


def _turns_away(handler: Handler, node: ast.If) -> bool:
    """Another check that is of who calls: whatever it asks, the others may not pass it."""
    return _refused(handler, node) and handler.of_the_user(node.test)


def _refused(handler: Handler, node: ast.If) -> bool:
    return any(refuses(inner, handler.function) for it in node.body for inner in nodes_in(it))


def _looks_up(handler: Handler) -> bool:
    return any(
        (is_query(call) or called(call) == "get")
        and request_key(handler, call)
        and is_owned(handler, call)
        for call in handler.calls
    )
