"""Refusals that never come: who calls is compared with who calls."""

import ast
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.asking import asks_who
from ..facts.handlers import Handler
from ..facts.refusals import refuses
from ..facts.syntax import assigned, found, names_in, place
from ..facts.walking import nodes_in


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`if row.owner_id != me and current_id() != me: abort(403)`, where `me = current_id()`."""
    for node in handler.body:
        if not isinstance(node, ast.If) or not _all_must_hold(node.test):
            continue
        inside = (inner for one in node.body for inner in nodes_in(one))
        never = next((one for one in nodes_in(node.test) if _of_oneself(handler, one)), None)
        if never is not None and any(refuses(one, handler.function) for one in inside):
            route = handler.route
            yield found(
                "authz.fail-open", handler.module, node,
                f"{route.label} refuses nobody: who calls is compared with who calls.",
                severity=Severity.HIGH if route.writes else None, symbol=route.function.name,
                also=[place(handler.module, route.line, route.function.name)],
            ), route.function  # fmt: skip
            return


def _all_must_hold(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) or (
        isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And)
    )


def _of_oneself(handler: Handler, node: ast.AST) -> bool:
    """Both sides say who calls, and neither says anything of a row."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.NotEq):
        return False
    left, right = _meant(handler, node.left), _meant(handler, node.comparators[0])
    return left == right and isinstance(node.left, ast.Call) != isinstance(
        node.comparators[0], ast.Call
    )


def _meant(handler: Handler, side: ast.expr) -> str:
    """The call that asks who it is, which a name may hold."""
    if isinstance(side, ast.Name):
        made = assigned(handler.function, side.id)
        side = made[0] if len(made) == 1 else side
    asks = isinstance(side, ast.Call) and asks_who(side) and not names_in(side) & handler.inputs
    return ast.unparse(side) if asks else f"{id(side)}"
