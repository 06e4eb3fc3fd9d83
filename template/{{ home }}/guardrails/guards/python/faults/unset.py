"""What holds where nobody has set anything: every payment is good, as the program is delivered."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.modules import Function, Module, Project, is_script
from ..facts.syntax import called, dotted, found, place, text_of

_PAYMENT = re.compile(
    r"^_?(verify|check|confirm|validate)_?(\w+_)?(payment|transaction|charge|signature|webhook)s?"
    r"(_\w+)?$"
)
_GOOD = re.compile(
    r"^(success|successful|succeeded|paid|completed|verified|ok|valid)$", re.IGNORECASE
)


def look(project: Project) -> Iterator[Finding]:
    for module in project.service:
        for function in module.functions if not is_script(module.path) else ():
            if _PAYMENT.match(function.name):
                yield from _believed(project, module, function)


def _believed(project: Project, module: Module, function: Function) -> Iterator[Finding]:
    """`if mode() != "live": return {"status": "success"}`."""
    for node in function.body:
        last = node.body[-1] if isinstance(node, ast.If) else None
        good = isinstance(last, ast.Return) and _says_good(last.value)
        if isinstance(node, ast.If) and last and good and _holds(project, module, node.test):
            yield found(
                "payments.unverified", module, last,
                f"{function.name} says that it is paid as long as nobody sets it otherwise: "
                f"{ast.unparse(node.test)[:60]} holds as delivered.",
                severity=Severity.HIGH, symbol=function.name,
                also=[place(module, node, function.name)],
            )  # fmt: skip
            return


def _says_good(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Constant):
        return value.value is True
    return isinstance(value, ast.Dict) and any(
        (isinstance(one, ast.Constant) and one.value is True) or _GOOD.match(text_of(one) or "")
        for one in value.values
    )


def _holds(project: Project, module: Module, test: ast.expr) -> bool:
    """Whether a test holds where no variable is set."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(_holds(project, module, one) for one in test.values)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _unset(project, module, test.operand) == ""
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotEq | ast.Eq):
        said, other = _unset(project, module, test.left), text_of(test.comparators[0])
        same = said == other
        return None not in {said, other} and same == isinstance(test.ops[0], ast.Eq)
    return False


def _unset(project: Project, module: Module, node: ast.expr) -> str | None:
    """What a variable of the environment is, read here, under a name or by a function, where it is
    not set; None where that can't be seen.
    """
    if isinstance(node, ast.Call) and called(node) in {"getenv", "get"}:
        if "environ" not in ast.unparse(node.func) and called(node) != "getenv":
            return None
        return (text_of(node.args[1]) if len(node.args) > 1 else "") if node.args else None
    there = project.resolve(module, dotted(node)).node
    if isinstance(there, ast.FunctionDef) and isinstance(there.body[-1], ast.Return):
        value = there.body[-1].value if len(there.body) == 1 else None
        return _unset(project, module, value) if isinstance(value, ast.Call) else None
    value = getattr(there, "value", None)
    return _unset(project, module, value) if isinstance(value, ast.Call) else None
