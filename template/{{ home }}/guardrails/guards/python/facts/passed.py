"""Functions of the program's own that a handler hands the request on to: a service behind it."""

import ast
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

from .handlers import Body, comes_from
from .modules import Function, Module, Project
from .syntax import assigns_in, called, calls_in, dotted, handed

Models = list[tuple[str, Module, ast.ClassDef]]
_KEEPS = re.compile(
    r"^(get|get_json|json|loads|dict|model_dump|float|int|Decimal|str|round|list|abs|max|sum)$"
)
"""What leaves the request's own value in what it makes of it."""
_LONGEST_WAY = 2
_ROUNDS = 3


class Seen(Protocol):
    """What can be asked of a handler, and of a function behind it."""

    project: Project
    module: Module
    function: Function

    @property
    def body(self) -> list[ast.AST]: ...
    @property
    def calls(self) -> list[ast.Call]: ...
    @property
    def inputs(self) -> set[str]: ...
    @property
    def models(self) -> Models: ...


class Passed(Body):
    """A function that is handed something of the request, looked at as a handler is."""

    def __init__(self, project: Project, module: Module, function: Function, way: ast.Call) -> None:
        self.project = project
        self.module = module
        self.function = function
        self.way = way
        """The call in the handler that leads to it."""
        self.models: Models = []
        self._given: set[str] = set()

    def take(self, name: str, model: tuple[Module, ast.ClassDef] | None) -> None:
        self._given.add(name)
        if model is not None:
            self.models.append((name, *model))

    @cached_property
    def inputs(self) -> set[str]:
        """What it is given, and what is that under another name: what it asks of anybody is not."""
        return _renamed(self.function, set(self._given))


def _renamed(function: Function, known: set[str]) -> set[str]:
    for _ in range(_ROUNDS):
        for target, value in assigns_in(function):
            if isinstance(target, ast.Name) and as_sent(value, known):
                known.add(target.id)
    return known


def as_sent(value: ast.expr, known: set[str]) -> bool:
    """Whether a value is the request's own, with no row and no function of ours in between."""
    if isinstance(value, ast.Call) and called(value) in _NUMBERS and value.args:
        return as_sent(value.args[0], known)
    calls = list(calls_in(value))
    apart = any(not _KEEPS.match(called(call)) or _of_a_store(call, known) for call in calls)
    return not apart and comes_from(value, known)


_NUMBERS = {"int", "float", "Decimal", "round", "str"}


def _of_a_store(call: ast.Call, known: set[str]) -> bool:
    """`db.get(Dish, wish.dish)`, where `wish.get("dish")` is what was sent."""
    holder = getattr(call.func, "value", None)
    return called(call) == "get" and not (holder is not None and comes_from(holder, known))


def behind(seen: Seen, left: int = _LONGEST_WAY) -> Iterator[Passed]:
    """The functions that what was sent is handed on to, each as what it is given makes it."""
    made = {target.id for target, _ in assigns_in(seen.function) if isinstance(target, ast.Name)}
    known = seen.inputs if isinstance(seen, Passed) else _renamed(seen.function, seen.inputs - made)
    models = {name: (module, model) for name, module, model in seen.models}
    for call in seen.calls:
        there = seen.project.resolve(seen.module, dotted(call.func))
        node = there.node if there.node is not seen.function else None
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or there.module is None:
            continue
        way = seen.way if isinstance(seen, Passed) else call
        passed = Passed(seen.project, there.module, node, way)
        for name, value in handed(node, call).items():
            if as_sent(value, known):
                passed.take(name, models.get(value.id if isinstance(value, ast.Name) else ""))
        if passed.inputs:
            yield passed
            yield from behind(passed, left - 1) if left else ()
