"""By which columns a model's rows are narrowed to whoever calls: that says whose they are."""

import ast
import re
from collections.abc import Iterator

from .handlers import Handler
from .modules import Function, Module
from .shared import subject
from .stored import statement
from .syntax import called, calls_in, dotted, handed, names_in, text_of
from .walking import nodes_in

_LONGEST_WAY = 2
_SAYS_WHOSE = re.compile(
    r"(^|_)(id|uid|by|email)$|^(user|owner|author|customer|patient)$|[a-z](Id|By)$"
)
_IN_SQL = re.compile(r"\b(\w+)\s*=\s*(?:\?|%s|[:$]\w+)", re.IGNORECASE)
_EQUAL = {"==", "eq"}
_ASKS = {"find", "find_one", "count_documents", "aggregate"}


def narrowed_to_callers(handlers: list[Handler]) -> frozenset[tuple[str, str]]:
    """`("Hive", "keeper_id")` of `Hive.keeper_id == me.id`, in a route or in a service that it
    hands `me.id` to.
    """
    return frozenset(
        (about, column)
        for handler in handlers
        for about, column in _narrowed(handler)
        if about and column != "id" and _SAYS_WHOSE.search(column)
    )


def _narrowed(handler: Handler) -> Iterator[tuple[str, str]]:
    own = frozenset(handler.users)
    waiting: list[tuple[Module, Function, frozenset[str], int]] = []
    waiting.append((handler.module, handler.function, own, _LONGEST_WAY))
    while waiting:
        module, function, own, left = waiting.pop()
        for call in calls_in(function):
            here = function is handler.function
            for column, value in _conditions(module, call):
                if (here and handler.of_the_user(value)) or names_in(value) & own:
                    yield subject(handler.project, module, call), column
            there = handler.project.resolve(module, dotted(call.func)) if left else None
            if there is None or there.module is None:
                continue
            if isinstance(there.node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = _given(handler, there.node, call, own)
                waiting += [(there.module, there.node, given, left - 1)] if given else []


def _given(
    handler: Handler, function: Function, call: ast.Call, own: frozenset[str]
) -> frozenset[str]:
    """The parameters that a call gives something of the caller's own."""
    return frozenset(
        name
        for name, value in handed(function, call).items()
        if names_in(value) & own or (not own and handler.of_the_user(value))
    )


def _conditions(module: Module, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The columns that a query says something of, with what they must be."""
    name = called(call)
    if name == "filter_by":
        yield from ((word.arg or "", word.value) for word in call.keywords)
    for one in call.args if name in {"filter", "where", "find", "find_one"} else ():
        if isinstance(one, ast.Compare) and isinstance(one.ops[0], ast.Eq):
            yield dotted(one.left).rpartition(".")[2], one.comparators[0]
    if name in {"eq", "where", "filter"} and len(call.args) in {2, 3}:
        middle = text_of(call.args[1]) if len(call.args) == 3 else "eq"
        yield (text_of(call.args[0]) or "" if middle in _EQUAL else ""), call.args[-1]
    for node in nodes_in(call.args[0]) if name in _ASKS and call.args else ():
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from ((text_of(key) or "", value) for key, value in pairs)
    yield from _of_sql(module, call)


def _of_sql(module: Module, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """`user_id` of `… WHERE user_id = ?`, where it is the only one that is asked for."""
    said = statement(module, call) if called(call).startswith(("execute", "fetch")) else ""
    asked = (
        _IN_SQL.findall(said.lower().rpartition(" where ")[2]) if " where " in said.lower() else []
    )
    given = call.args[1] if len(call.args) > 1 else None
    values = given.elts if isinstance(given, ast.Tuple | ast.List) else list(call.args[1:])
    if len(asked) == len(values):
        yield from zip(asked, values, strict=True)
