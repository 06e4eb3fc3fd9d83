"""What a decorator hands to the handler that it wraps: `return f(user_id=who, *args, **kwargs)`."""

import ast
from collections.abc import Iterator

from .access import Gatekeeper
from .modules import Function, Module, Project
from .syntax import calls_in, dotted, parameters
from .walking import nodes_in

_DATA = {"data", "body", "json", "form", "db", "conn", "cursor", "schema", "validated"}
"""What other decorators hand on, which says nothing of who calls."""


def callers(project: Project, keeper: Gatekeeper, module: Module, function: Function) -> set[str]:
    """The parameters that a check before the function fills with who is calling."""
    found: set[str] = set()
    named = [item.arg for item, _ in parameters(function)]
    for mark in function.decorator_list:
        meant = project.resolve(module, dotted(mark))
        if not isinstance(meant.node, ast.FunctionDef) or keeper.check(module, mark) is None:
            continue
        for call in _wrapped(meant.node):
            leading = [one for one in call.args if not isinstance(one, ast.Starred)]
            found |= set(named[: len(leading)])
            found |= {word.arg for word in call.keywords if word.arg} & set(named)
    return found - _DATA


def _wrapped(decorator: ast.FunctionDef) -> Iterator[ast.Call]:
    """Where a decorator, or one that it makes, calls what it was given."""
    makers = [node for node in nodes_in(decorator) if isinstance(node, ast.FunctionDef)]
    given = {maker.args.args[0].arg for maker in makers if maker.args.args}
    for call in calls_in(decorator):
        forwards = any(word.arg is None for word in call.keywords) or any(
            isinstance(one, ast.Starred) for one in call.args
        )
        if forwards and isinstance(call.func, ast.Name) and call.func.id in given:
            yield call
