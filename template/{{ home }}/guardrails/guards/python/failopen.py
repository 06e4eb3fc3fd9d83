"""Checks that let pass whom they should refuse: they answer where they should raise."""

import ast
import re
from collections.abc import Iterator

from ...engine.finding import Finding
from .modules import Function, Module, Project, is_script
from .syntax import called, calls_in, dotted, found, own_body
from .walking import nodes_in

_DECODES = re.compile(r"decode|verify|jwt|authenticate", re.IGNORECASE)
_OPTIONAL = re.compile(r"optional|maybe|or_none|if_any|anonymous|guest|demo", re.IGNORECASE)


def look(project: Project) -> Iterator[Finding]:
    asked = set(_dependencies(project))
    for module in project.service:
        if is_script(module.path):
            continue
        for function in module.functions:
            if function in asked and not _OPTIONAL.search(function.name):
                yield from _answers(module, function)


def _dependencies(project: Project) -> Iterator[ast.AST]:
    """The functions that FastAPI calls before a handler."""
    for module in project.service:
        for call in module.calls:
            if called(call) in {"Depends", "Security"} and call.args:
                meant = project.resolve(module, dotted(call.args[0]))
                if isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield meant.node


def _answers(module: Module, function: Function) -> Iterator[Finding]:
    """`except: return {"error": …}`: what a dependency returns is handed to the handler."""
    for node in own_body(function):
        if not isinstance(node, ast.Try) or not any(
            _DECODES.search(called(call)) for one in node.body for call in calls_in(one)
        ):
            continue
        for handler in node.handlers:
            returned = _returned(handler)
            if returned is not None:
                yield found(
                    "authz.fail-open", module, returned,
                    f"{function.name} returns something for a token that is not good, and the "
                    "handler runs with it: only an exception stops a request.",
                    symbol=function.name,
                )  # fmt: skip
                return


def _returned(handler: ast.ExceptHandler) -> ast.Return | None:
    """What is answered where nothing is raised; nobody may well be known by None."""
    if any(isinstance(node, ast.Raise) for node in nodes_in(handler)):
        return None
    return next(
        (
            node
            for node in nodes_in(handler)
            if isinstance(node, ast.Return)
            and node.value is not None
            and not (isinstance(node.value, ast.Constant) and node.value.value in {None, False, ""})
        ),
        None,
    )
