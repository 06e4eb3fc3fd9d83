"""What a switch of the configuration says where nobody has set it."""

import ast
import re

from .modules import Module, Project
from .syntax import argument, called, dotted, keyword, text_of

_OF_THE_CHECK = re.compile(
    r"auth|log_?in|secur|strict|verif|protect|enforce|bypass|skip|disable|mock|insecure|no_?check",
    re.IGNORECASE,
)
_TRUE = {"1", "true", "yes", "on", "y", "t"}
_READS = {
    "getenv",
    "get",
    "bool",
    "config",
    "env",
    "getbool",
    "str2bool",
    "strtobool",
    "parse_bool",
}
_DEEPEST = 4


def stands(project: Project, module: Module, test: ast.expr) -> bool | None:
    """Whether a test of switches holds as delivered; None where that can't be seen."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = stands(project, module, test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.Name | ast.Attribute):
        if not _OF_THE_CHECK.search(dotted(test).rpartition(".")[2]):
            return None
        value = _value(project, module, test)
        return None if value is None else _holds(*value)
    if isinstance(test, ast.Call | ast.Compare) and _OF_THE_CHECK.search(ast.unparse(test)):
        return _holds(module, test)
    return None


def _value(
    project: Project, module: Module, node: ast.Name | ast.Attribute
) -> tuple[Module, ast.expr] | None:
    """What a name is set to, or the field of that name in the class of the settings."""
    meant = project.resolve(module, dotted(node))
    value = getattr(meant.node, "value", None)
    if isinstance(node, ast.Name):
        return (meant.module, value) if meant.module and isinstance(value, ast.expr) else None
    held = [
        (other, item.value)
        for other in project.service
        for holder in other.classes
        for item in holder.body
        if isinstance(item, ast.AnnAssign | ast.Assign) and item.value is not None
        if dotted(item.target if isinstance(item, ast.AnnAssign) else item.targets[0]) == node.attr
    ]
    return held[0] if len(held) == 1 else None


def _holds(module: Module, value: ast.expr, left: int = _DEEPEST) -> bool | None:
    said = _said(module, value, left)
    if isinstance(said, bool):
        return said
    return said.lower() in _TRUE if isinstance(said, str) else None


def _said(module: Module, value: ast.expr, left: int) -> bool | str | None:
    """`"false"` of `os.getenv("STRICT_AUTH", "false").lower()`, False of it `== "true"`."""
    if left == 0:
        return None
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, bool | str) else None
    if isinstance(value, ast.Compare):
        return _compared(module, value, left)
    if not isinstance(value, ast.Call):
        return None
    inner = _within(value)
    return None if inner is None else _said(module, inner, left - 1)


def _within(call: ast.Call) -> ast.expr | None:
    """What a call makes its answer of where nothing is set."""
    if called(call) in {"lower", "strip", "upper"} and isinstance(call.func, ast.Attribute):
        return call.func.value
    if called(call) == "Field":
        return keyword(call, "default") or argument(call, 0)
    if called(call) in _READS and len(call.args) + len(call.keywords) > 1:
        return keyword(call, "default", "cast") or argument(call, 1)
    return argument(call, 0) if called(call) == "bool" else None


def _compared(module: Module, test: ast.Compare, left: int) -> bool | None:
    said, side = _said(module, test.left, left - 1), test.comparators[0]
    if not isinstance(said, str):
        return None
    if isinstance(side, ast.Tuple | ast.List | ast.Set):
        inside = said.lower() in {(text_of(one) or "").lower() for one in side.elts}
        return inside if isinstance(test.ops[0], ast.In) else not inside
    other = text_of(side)
    if other is None or not isinstance(test.ops[0], ast.Eq | ast.NotEq):
        return None
    same = said.lower() == other.lower()
    return same if isinstance(test.ops[0], ast.Eq) else not same
