"""What is below a node of a syntax tree.

Every check asks the same functions again, and to walk them each time took half of the guard's time:
what is below a function, a class or a module is kept with it.
"""

import ast
from typing import Final

_KEPT: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_BELOW: Final = "_below"


def children(node: ast.AST) -> list[ast.AST]:
    """What `ast.iter_child_nodes` yields, as a list, in half of its time."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
    return found


def nodes_in(node: ast.AST) -> list[ast.AST]:
    """The node and all that is below it, in the order of `ast.walk`."""
    known: list[ast.AST] | None = getattr(node, _BELOW, None)
    if known is None:
        known = [node]
        for inner in known:
            known += children(inner)
        if isinstance(node, _KEPT):
            setattr(node, _BELOW, known)
    return known
