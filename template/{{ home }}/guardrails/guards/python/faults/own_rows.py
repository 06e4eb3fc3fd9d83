"""What somebody writes about themselves into their own row, that others should decide."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler, comes_from
from ..facts.modules import Function, Project
from ..facts.refusals import ROLES
from ..facts.syntax import (
    assigned,
    called,
    dotted,
    found,
    handed,
    names_in,
    own_body,
    strings_in,
    words_in,
)
from ..facts.walking import nodes_in
from .assignment import POWERS, is_limited

_BOUGHT = re.compile(
    r"^is_(premium|pro|vip|subscribed)$|^(plan|tier|subscription(_(plan|tier|status|type))?)$",
    re.IGNORECASE,
)
_OWED = re.compile(
    r"^(wallet_|account_)?balance$|^(credits?|points|coins)(_balance)?$|^credit_limit$|^capital_share$"
    r"|^loan_(eligib\w+|limit)$|^kyc_(status|verified)$",
    re.IGNORECASE,
)
_SOLD = re.compile(r"premium|stripe|razorpay|paypal|billing|checkout", re.IGNORECASE)
_ASKED = re.compile(
    r"stripe|razorpay|paypal|signature|verif|retrieve|webhook|payment_?status|capture"
    r"|transaction_?(id|ref\w*|hash|status|data)|_transaction$"
    r"|gateway|\bpaid\b",
    re.IGNORECASE,
)


def look(handler: Handler, roles: bool) -> Iterator[tuple[Finding, ast.AST]]:
    """`current_user.role = payload.role`, `user.balance = float(data["balance"])`."""
    route = handler.route
    if not route.writes or route.access != "caller" or is_limited(handler):
        return
    decided = _for_some_roles(handler)
    for node in handler.body:
        name = _set(handler, node) if node not in decided else ""
        if not name:
            continue
        if roles and POWERS.match(name):
            yield found(
                "authz.self-assigned-role", handler.module, node,
                f"{route.label}: whoever calls sets their own {name}.",
                symbol=handler.function.name,
            ), handler.function  # fmt: skip
            return
        if _is_entitlement(handler, name):
            yield found(
                "authz.client-supplied-entitlement", handler.module, node,
                f"{route.label}: whoever calls sets their own {name}, to whatever they like.",
                severity=Severity.HIGH, symbol=handler.function.name,
            ), handler.function  # fmt: skip
            return


def _target(node: ast.AST) -> ast.expr | None:
    """What is set, or counted up: what is taken off costs nobody else anything."""
    if isinstance(node, ast.Assign):
        return node.targets[0]
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        return node.target
    return None


def _set(handler: Handler, node: ast.AST) -> str:
    """The column of the caller's own row that gets what the request says."""
    if isinstance(node, ast.Call):
        return _filled(handler, node)
    return dotted(_target(node)).rpartition(".")[2] if _of_caller(handler, node) else ""


def _filled(handler: Handler, call: ast.Call) -> str:
    """`me.add_to_wallet(amount)`, a method that counts up a column of the row by what it gets."""
    if dotted(call.func).rpartition(".")[0] not in handler.users:
        return ""
    for method in _methods(handler.project, called(call)):
        given = handed(method, call)
        sent = {name for name, value in given.items() if _as_number(handler, value)}
        for node in own_body(method):
            column = dotted(_target(node) if isinstance(node, ast.AugAssign) else None)
            if column.startswith("self.") and names_in(getattr(node, "value", None)) & sent:
                return column.removeprefix("self.")
    return ""


def _methods(project: Project, name: str) -> Iterator[Function]:
    for module in project.service:
        for holder in module.classes:
            for item in holder.body:
                if isinstance(item, ast.FunctionDef) and item.name == name:
                    yield item


def _as_number(handler: Handler, value: ast.expr) -> bool:
    """What the request says, also where it is made a number and kept under a name before."""
    made = assigned(handler.function, value.id) if isinstance(value, ast.Name) else []
    return any(comes_from(_number(one), handler.inputs) for one in (value, *made))


def _of_caller(handler: Handler, node: ast.AST) -> bool:
    """A column of the caller's own row, and a value of the request."""
    target = _target(node)
    if not isinstance(node, ast.Assign | ast.AugAssign) or not isinstance(target, ast.Attribute):
        return False
    if not isinstance(target.value, ast.Name) or target.value.id not in handler.users:
        return False
    return _as_number(handler, node.value)


def _number(value: ast.expr) -> ast.expr:
    if isinstance(value, ast.Call) and value.args and called(value) in {"float", "int", "Decimal"}:
        return value.args[0]
    return value


def _for_some_roles(handler: Handler) -> set[ast.AST]:
    """What is done only for those whose role is looked at."""
    return {
        inner
        for node in handler.body
        if isinstance(node, ast.If) and any(ROLES.search(word) for word in _asked(handler, node))
        for part in node.body
        for inner in nodes_in(part)
    }


def _asked(handler: Handler, node: ast.If) -> set[str]:
    """What a test asks of the caller's own row."""
    return {
        inner.attr
        for inner in nodes_in(node.test)
        if isinstance(inner, ast.Attribute) and dotted(inner.value) in handler.users
    }


def _is_entitlement(handler: Handler, name: str) -> bool:
    if any(
        _ASKED.search(word) for word in words_in(handler.function) | strings_in(handler.function)
    ):
        return False
    return bool(_OWED.match(name)) or (bool(_BOUGHT.match(name)) and _sells(handler.project))


def _sells(project: Project) -> bool:
    """Something is paid for: a meal plan and a study plan are anybody's to choose."""
    return any(_SOLD.search(module.text) for module in project.service)
