"""What FastAPI asks before a handler runs: `Depends(…)`, written in place or under a name."""

import ast

from .modules import Function, Module, Project
from .syntax import argument, called, dotted, keyword, parameters

_DEEPEST = 6
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


def class_checks(
    project: Project, module: Module, holder: ast.ClassDef, depth: int = 0
) -> list[Check]:
    """What the routes of a class all depend on: `user = Depends(…)` in its body, in that of a
    class that it extends, or as a parameter of its constructor.
    """
    checks: list[Check] = []
    for item in holder.body:
        value = getattr(item, "value", None)
        if isinstance(item, ast.Assign | ast.AnnAssign) and value is not None:
            found = dependency(project, module, value)
            checks += [found] if found else []
        if isinstance(item, ast.AnnAssign):
            checks += annotated(project, module, item.annotation)
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            checks += parameter_checks(project, module, item)
    for base in holder.bases if depth < _DEEPEST else ():
        meant = project.resolve(module, dotted(base))
        if isinstance(meant.node, ast.ClassDef) and meant.module:
            checks += class_checks(project, meant.module, meant.node, depth + 1)
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
