"""Roles that those who are trusted with less than all may give: to anybody, and to themselves."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler, comes_from
from ..facts.refusals import ROLES, asked_about
from ..facts.syntax import found, names_in, place, strings_in
from ..facts.walking import nodes_in
from .assignment import POWERS, is_limited

_HIGHEST = re.compile(r"admin|super|root|owner", re.IGNORECASE)


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`user.role = data["role"]`, "admin" too, where the check lets in staff as well."""
    route = handler.route
    if not route.writes or route.access != "role" or is_limited(handler):
        return
    asked = list(_let_in(handler))
    lesser = sorted({role for one in asked for role in one if not _HIGHEST.search(role)})
    if not lesser or any(all(map(_HIGHEST.search, one)) for one in asked):
        return
    for node in handler.body:
        if isinstance(node, ast.Assign) and _gives(handler, node):
            yield found(
                "authz.self-assigned-role", handler.module, node,
                f"{route.label}: whoever is {lesser[0]} gives anybody any role, and themselves.",
                severity=Severity.HIGH, symbol=handler.function.name,
                also=[place(route.module, route.line, route.function.name)],
            ), handler.function  # fmt: skip
            return


def _gives(handler: Handler, node: ast.Assign) -> bool:
    """A role of some row gets what the request says; one's choice of the lower ones is kept."""
    target = node.targets[0]
    if not isinstance(target, ast.Attribute) or not POWERS.match(target.attr):
        return False
    if not comes_from(node.value, handler.inputs):
        return False
    choices = [
        strings_in(test.comparators[0])
        for test in handler.body
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.In | ast.NotIn)
        if names_in(test.left) & names_in(node.value)
    ]
    return all(any(map(_HIGHEST.search, one)) for one in choices)


def _let_in(handler: Handler) -> Iterator[set[str]]:
    """The roles that each test on the way lets in: `claims["role"] not in ("admin", "staff")`."""
    for _, check in handler.route.checks:
        if isinstance(check, ast.Call) and (told := strings_in(check)):
            yield told
    for _, function in handler.reached():
        for node in nodes_in(function):
            if isinstance(node, ast.Compare) and any(map(ROLES.search, asked_about(node.left))):
                told = strings_in(node.comparators[0])
                if told and not names_in(node.left) & handler.inputs:
                    yield told
