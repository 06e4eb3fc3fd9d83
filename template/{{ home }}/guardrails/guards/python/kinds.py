"""Roles: a check that only one of them meets, and a role that many strangers have."""

import ast
import re
from collections.abc import Iterator

from ...engine.finding import Finding, Severity
from . import meant
from .handlers import Handler, asks_who, is_write
from .ownership import changed_rows
from .refusals import refuses
from .syntax import dotted, found, names_in, place, strings_in, words_in
from .walking import nodes_in


def one_kind_only(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """A permission check inside `if user.role == "x"`: everybody else passes."""
    if not handler.path_parameters or not handler.writes or handler.route.before == "role":
        return
    for statement in _statements(handler.function.body):
        if not isinstance(statement, ast.If) or statement.orelse or not _asks_role(statement.test):
            continue
        inside = [node for inner in statement.body for node in nodes_in(inner)]
        if not any(refuses(node, handler.function) for node in inside) or _refuses_all(statement):
            continue
        outside = set(handler.body) - set(inside)
        if any(_ties(node, handler) for node in outside):
            continue
        role = next(iter(sorted(strings_in(statement.test))), "one role")
        yield found(
            "authz.missing-role-check", handler.module, statement,
            f"{handler.route.label}: only {role!r} is checked; every other account passes.",
            symbol=handler.function.name,
        ), statement  # fmt: skip


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, ast.Try | ast.With | ast.AsyncWith):
            yield from _statements(statement.body)


def _asks_role(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.Eq)
        and bool({"role", "user_type", "account_type"} & words_in(test))
        and bool(strings_in(test))
    )


def _refuses_all(statement: ast.If) -> bool:
    """The branch itself refuses: those of that role are kept out, nothing else is meant."""
    return any(refuses(node) for node in statement.body)


def _ties(node: ast.AST, handler: Handler) -> bool:
    if not isinstance(node, ast.If):
        return False
    if _asks_role(node.test):
        return False
    return any(refuses(inner, handler.function) for inner in nodes_in(node)) and bool(
        set(names_in(node.test)) & handler.users or asks_who(node.test)
    )


_MANY = re.compile(
    r"^(seller|vendor|merchant|landlord|host|driver|carrier|courier|rider|walker|freelancer|provider"
    r"|tutor|instructor|mentor|agent|broker|organi[sz]er|customer|client|buyer|student|patient"
    r"|tenant|renter|guest|member|user|creator|contractor|farmer|chef|company|employer|recruiter)s?$",
    re.IGNORECASE,
)
"""People who sign up by themselves, and don't work together."""


def any_of_a_kind(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`/rooms/{id}` is changed by any landlord: that one is a landlord is all that is asked."""
    route = handler.route
    if route.access != "role" or not route.writes or not handler.path_parameters:
        return
    tests = [node for node in handler.body if isinstance(node, ast.If) and _of_role(node.test)]
    kinds = {text for node in tests for text in strings_in(node.test)} | set(_by_decorator(handler))
    if not any(_MANY.match(kind) for kind in kinds) or not meant.serves_many(handler):
        return
    if tests and not any(
        refuses(node, handler.function) for one in tests for node in nodes_in(one)
    ):
        return
    if _looked_at_elsewhere(handler, {inner for one in tests for inner in nodes_in(one.test)}):
        return
    ids = set(handler.path_parameters)
    changes = [it for it in handler.calls if is_write(it) and names_in(it) & ids]
    changes += changed_rows(handler)
    if change := next(iter(changes), None):
        kind = next(kind for kind in sorted(kinds) if _MANY.match(kind))
        yield found(
            "authz.idor", handler.module, change,
            f"{route.label} changes the row that the request names for any {kind.lower()}, "
            "whosever it is.",
            severity=Severity.HIGH, symbol=route.function.name,
            also=[place(handler.module, route.line, route.function.name)],
        ), route.function  # fmt: skip


def _of_role(test: ast.expr) -> bool:
    about = words_in(test) | strings_in(test)
    return bool({"role", "user_type", "account_type"} & about)


def _by_decorator(handler: Handler) -> Iterator[str]:
    """`landlord` of `@role_required("landlord")`, and of `Depends(require_landlord)`."""
    for _, node in handler.route.checks:
        name = dotted(node).rpartition(".")[2]
        yield from strings_in(node) if isinstance(node, ast.Call) else ()
        if kind := re.match(
            r"(?:require|only)_(?!user|member)(\w+)$|(\w+)_(?:required|only)$", name
        ):
            yield kind[1] or kind[2]


def _looked_at_elsewhere(handler: Handler, tests: set[ast.AST]) -> bool:
    """Whether anything but the role of who calls is used."""
    for node in handler.body:
        if node in tests:
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id in handler.users and not _only_role(node.id):
                return True
        elif isinstance(node, ast.Call | ast.Subscript) and asks_who(node):
            asked = strings_in(node)
            if not asked or not asked <= _SAID:
                return True
    return False


_SAID = {"role", "user_type", "account_type", "name", "username"}


def _only_role(name: str) -> bool:
    """`role = session.get("role")`."""
    return name in _SAID
