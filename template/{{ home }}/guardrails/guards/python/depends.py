"""What FastAPI asks before a handler runs: `Depends(…)`, written in place or under a name."""

import ast

from .modules import Function, Module, Project
from .syntax import argument, called, dotted, keyword, parameters

Check = tuple[Module, ast.expr]
"""A dependency, and the module in which its name means something."""


def dependencies(module: Module, call: ast.Call) -> list[Check]:
    """`dependencies=[Depends(x), …]` of a decorator, a router or an application."""
    listed = keyword(call, "dependencies")
    if not isinstance(listed, ast.List | ast.Tuple):
        return []
    return [(module, inner) for item in listed.elts if (inner := _depends_on(item)) is not None]


def parameter_checks(project: Project, module: Module, function: Function) -> list[Check]:
    """What a function's parameters depend on."""
    checks: list[Check] = []
    for parameter, default in parameters(function):
        if default is not None and (check := dependency(project, module, default)) is not None:
            checks.append(check)
        checks += annotated(project, module, parameter.annotation)
    return checks


def annotated(project: Project, module: Module, annotation: ast.expr | None) -> list[Check]:
    if annotation is None:
        return []
    if isinstance(annotation, ast.Name | ast.Attribute):
        meant = project.resolve(module, dotted(annotation))
        value = getattr(meant.node, "value", None)
        if isinstance(value, ast.Subscript) and meant.module is not None:
            return annotated(project, meant.module, value)
        return []
    if isinstance(annotation, ast.Subscript) and dotted(annotation.value).endswith("Annotated"):
        items = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else []
        return [(module, inner) for item in items if (inner := _depends_on(item)) is not None]
    return []


def dependency(project: Project, module: Module, node: ast.expr) -> Check | None:
    """What `Depends(…)` asks, written in place or under a name: `CurrentUser = Depends(…)`."""
    if isinstance(node, ast.Name | ast.Attribute):
        meant = project.resolve(module, dotted(node))
        value = getattr(meant.node, "value", None)
        if meant.module is None or not isinstance(value, ast.Call):
            return None
        module, node = meant.module, value
    inner = _depends_on(node)
    return None if inner is None else (module, inner)


def _depends_on(node: ast.AST) -> ast.expr | None:
    if called(node) in {"Depends", "Security"} and isinstance(node, ast.Call):
        return argument(node, 0, "dependency")
    return None
