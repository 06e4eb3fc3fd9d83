"""Loops that ask the database once for every row."""

import ast
from collections.abc import Iterator

from ...engine.finding import Finding
from .handlers import is_query
from .modules import Function, Module, Project
from .syntax import called, calls_in, chain, dotted, found, names_in, own_body, text_of


def asked_for_each(project: Project, module: Module, function: Function) -> Iterator[Finding]:
    yield from _comprehensions(project, module, function)
    for loop in own_body(function):
        if not isinstance(loop, ast.For | ast.AsyncFor) or module.owners.get(loop) is not function:
            continue
        if _of_a_fixed_length(loop.iter):
            continue
        loop_names = names_in(loop.target)
        for statement in loop.body:
            call = next(
                (
                    c
                    for c in calls_in(statement)
                    if names_in(c) & loop_names and (_asks(c) or _asks_inside(project, module, c))
                ),
                None,
            )
            if call is not None:
                each = dotted(loop.target) or "row"
                yield found(
                    "perf.n-plus-1", module, call,
                    f"{function.name} asks the database once for every {each}.",
                )  # fmt: skip
                break


def _of_a_fixed_length(looped: ast.expr) -> bool:
    """What stands in the code, there or in a constant, does not grow with the data."""
    if isinstance(looped, ast.Call):
        return called(looped) == "range" or dotted(looped.func).partition(".")[0].isupper()
    return isinstance(looped, ast.List | ast.Tuple) or dotted(looped).isupper()


def _comprehensions(project: Project, module: Module, function: Function) -> Iterator[Finding]:
    """`[await as_answer(job) for job in jobs]`, where `as_answer` asks the database."""
    for node in own_body(function):
        if not isinstance(node, ast.ListComp | ast.GeneratorExp) or (
            module.owners.get(node) is not function
        ):
            continue
        made = node.generators[0]
        names = names_in(made.target)
        for call in calls_in(node.elt):
            if names_in(call) & names and (_asks(call) or _asks_inside(project, module, call)):
                each = dotted(made.target) or "row"
                yield found(
                    "perf.n-plus-1", module, call,
                    f"{function.name} asks the database once for every {each}.",
                )  # fmt: skip
                break


def _asks_inside(project: Project, module: Module, call: ast.Call) -> bool:
    """Whether a function of the program's own asks the database each time it is called."""
    meant = project.resolve(module, dotted(call.func))
    return isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
        isinstance(node, ast.Call) and _asks(node) for node in own_body(meant.node)
    )


_CURSORS = {"cursor", "cur", "conn", "connection", "c"}


def _asks(call: ast.Call) -> bool:
    name = called(call)
    if name in {
        "find_one",
        "first",
        "count_documents",
        "get_or_404",
        "fetchone",
        "to_list",
        "scalar",
    }:
        return True
    names = set(chain(call))
    if name == "execute" and call.args and names & _CURSORS:
        return (text_of(call.args[0]) or "").lstrip()[:6].lower() == "select"
    return (
        name in {"get", "all", "count", "exec", "execute"}
        and bool({"query", "session", "objects", "db"} & (names - {name}))
        and (
            name != "get"
            or bool({"query", "objects"} & names)
            # `session.get(User, key)`; with a name alone it is a dictionary, of a cookie or a file.
            or ("session" in names and len(call.args) > 1 and text_of(call.args[0]) is None)
        )
    ) and is_query(call) | (name in {"get", "all", "count"})
