"""Who answers where a method only hands on: a documented shell around the class that does it."""

import ast

from .modules import Function, Module, Project
from .syntax import dotted


def answering(project: Project, module: Module, function: Function) -> tuple[Module, Function]:
    """`return Carts().post()` in `post`: the method of the other class, with its own checks."""
    *before, last = function.body
    call = last.value if isinstance(last, ast.Return) else None
    if all(map(_is_said, before)) and _made_for_it(call, function.name):
        meant = project.resolve(module, dotted(call))
        if isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) and meant.module:
            return meant.module, meant.node
    return module, function


def _is_said(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _made_for_it(call: ast.expr | None, name: str) -> bool:
    """`Carts().post(...)`: an object that is made only to be asked."""
    func = call.func if isinstance(call, ast.Call) else None
    return (
        isinstance(func, ast.Attribute) and func.attr == name and isinstance(func.value, ast.Call)
    )
