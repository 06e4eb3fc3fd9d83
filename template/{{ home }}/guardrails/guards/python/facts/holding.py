"""What kind of object a parameter of a module's functions, or `self.x` of its classes, holds."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def held_in(
    functions: Iterable[_Function], holders: Mapping[ast.AST, ast.ClassDef]
) -> dict[str, str]:
    """`service` of `service: Bookings`, `self.rows` of `self.rows = Rows(db)`: the class by its
    name, where the module says one and the same everywhere.
    """
    said: dict[str, set[str]] = defaultdict(set)
    for function in functions:
        kinds = {item.arg: kind_of(item.annotation) for item in _arguments(function)}
        for name, kind in kinds.items():
            said[name] |= {kind} if kind else set()
        holder = holders.get(function)
        if holder is not None:
            said["self"].add(holder.name)
            for name, kind in _given_to_self(function, kinds):
                said[name].add(kind)
    return {name: next(iter(kinds)) for name, kinds in said.items() if len(kinds) == 1}


def _arguments(function: _Function) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def kind_of(annotation: ast.expr | None) -> str:
    """The class of `service: Bookings` and of `Annotated[Bookings, Depends(...)]`."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        inner = annotation.slice
        annotation = inner.elts[0] if isinstance(inner, ast.Tuple) else inner
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return ast.unparse(annotation) if isinstance(annotation, ast.Name | ast.Attribute) else ""


def _given_to_self(function: _Function, kinds: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """`self.rows = Rows(db)`, and `self.rows = rows` of a parameter."""
    for node in function.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if not isinstance(node, ast.Assign) or not isinstance(target, ast.Attribute):
            continue
        name, value = ast.unparse(target), node.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name | ast.Attribute):
            yield name, ast.unparse(value.func)
        elif isinstance(value, ast.Name) and kinds.get(value.id):
            yield name, kinds[value.id]
