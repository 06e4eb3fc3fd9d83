"""What a service keeps in its memory: a restart empties it, and a second one has its own."""

import ast
from collections.abc import Iterator

from ....engine.finding import Finding
from ...passing import PASSING
from ..facts.handlers import Handler
from ..facts.modules import Function, Module
from ..facts.syntax import assigns_in, called, dotted, found, own_body, target_name
from ..facts.walking import nodes_in

_MUTATIONS = {
    "append",
    "add",
    "update",
    "pop",
    "setdefault",
    "remove",
    "clear",
    "extend",
    "appendleft",
}


def in_process(module: Module, handlers: set[Function]) -> Iterator[Finding]:
    kept = {
        target_name(target): value
        for node in module.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target, value in assigns_in(node)
        if isinstance(target, ast.Name) and _is_empty(value)
    }
    reported: set[str] = set()
    for function in handlers:
        own = {item.arg for item in function.args.args}
        for node in own_body(function):
            name = _mutated(node)
            if name in kept and name not in own | reported:
                reported.add(name)
                yield found(
                    "state.in-process", module, kept[name],
                    f"{name} lives in one process: a restart empties it, a replica has its own.",
                    symbol=name,
                )  # fmt: skip


def held_by_object(module: Module) -> Iterator[Finding]:
    """`self.rooms = {}` of a manager that the module makes one of."""
    made = {
        called(node.value)
        for node in module.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    }
    for holder in module.classes:
        kept = {
            dotted(target): value
            for target, value in assigns_in(holder)
            if dotted(target).startswith("self.") and _is_empty(value)
        }
        changed = {_mutated(node) for node in nodes_in(holder)}
        if holder.name in made and (names := sorted(set(kept) & changed)):
            yield found(
                "state.in-process", module, kept[names[0]],
                f"{names[0]} of {holder.name} lives in one process: a restart empties it, a "
                "replica has its own.",
                symbol=names[0],
            )  # fmt: skip


def changes_kept(handler: Handler) -> bool:
    """Whether it changes what the service keeps in a list or a dictionary of a module."""
    return any(_changes(handler, *reached) for reached in handler.reached())


def _changes(handler: Handler, module: Module, function: Function) -> bool:
    kept = {name for name in _containers(module) if not PASSING.search(name)}
    kept -= {item.arg for item in function.args.args}
    adds = _ADDS if handler.route.method == "POST" else set()
    return any(_mutated(node) in kept and called(node) not in adds for node in own_body(function))


_ADDS = {"append", "add", "extend", "appendleft", "setdefault"}
"""One more of a stranger's own."""


def _containers(module: Module) -> set[str]:
    return {
        target_name(target)
        for node in module.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target, value in assigns_in(node)
        if isinstance(target, ast.Name)
        and (_is_empty(value) or isinstance(value, ast.Dict | ast.List))
    }


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, ast.Dict | ast.List):
        return not (value.keys if isinstance(value, ast.Dict) else value.elts)
    return isinstance(value, ast.Call) and called(value) in {
        "dict",
        "list",
        "set",
        "defaultdict",
        "deque",
        "OrderedDict",
    }


def _mutated(node: ast.AST) -> str:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return dotted(node.value)
    if (
        isinstance(node, ast.Call)
        and called(node) in _MUTATIONS
        and isinstance(node.func, ast.Attribute)
    ):
        return dotted(node.func.value)
    return ""
