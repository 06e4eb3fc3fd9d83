"""Loops that ask the database once for every row."""

import ast
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.modules import Function, Module, Project
from ..facts.storing import is_query
from ..facts.syntax import called, calls_in, chain, dotted, found, names_in, own_body, text_of


def asked_for_each(project: Project, module: Module, function: Function) -> Iterator[Finding]:
    for target, repeated in _repeated(module, function):
        names = names_in(target)
        call = next(
            (
                call
                for part in repeated
                for call in calls_in(part)
                if names_in(call) & names and (_asks(call) or _asks_inside(project, module, call))
            ),
            None,
        )
        if call is not None:
            yield found(
                "perf.n-plus-1", module, call,
                f"{function.name} asks the database once for every {dotted(target) or 'row'}.",
            )  # fmt: skip


def _repeated(module: Module, function: Function) -> Iterator[tuple[ast.expr, list[ast.AST]]]:
    """What is done for each, in a loop or in `[await as_answer(job) for job in jobs]`."""
    for node in own_body(function):
        if module.owners.get(node) is not function:
            continue
        if isinstance(node, ast.For | ast.AsyncFor) and not _of_a_fixed_length(node.iter):
            yield node.target, list(node.body)
        elif isinstance(node, ast.ListComp | ast.GeneratorExp):
            yield node.generators[0].target, [node.elt]


def _of_a_fixed_length(looped: ast.expr) -> bool:
    """What stands in the code, there or in a constant, does not grow with the data."""
    if isinstance(looped, ast.Call):
        return called(looped) == "range" or dotted(looped.func).partition(".")[0].isupper()
    return isinstance(looped, ast.List | ast.Tuple) or dotted(looped).isupper()


def _asks_inside(project: Project, module: Module, call: ast.Call) -> bool:
    """Whether a function of the program's own asks the database each time it is called."""
    meant = project.resolve(module, dotted(call.func))
    return isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
        isinstance(node, ast.Call) and _asks(node) for node in own_body(meant.node)
    )


_OF_ONE_ROW = {
    "find_one", "first", "count_documents", "get_or_404", "fetchone", "to_list", "scalar",
}  # fmt: skip
_CURSORS = {"cursor", "cur", "conn", "connection", "c"}


def _asks(call: ast.Call) -> bool:
    name = called(call)
    if name in _OF_ONE_ROW:
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
    ) and (is_query(call) or name in {"get", "all", "count"})
