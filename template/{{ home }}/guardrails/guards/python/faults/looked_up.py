"""Rows that a function of the program's own looks up by the id that it is handed."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts import meant
from ..facts.asking import asks_who
from ..facts.deciding import knows_caller, looked_after
from ..facts.handlers import Handler
from ..facts.modules import Function, Module, Project
from ..facts.newcomers import serves_many
from ..facts.shared import classes_in, subject
from ..facts.syntax import (
    assigns_in,
    called,
    dotted,
    found,
    names_in,
    own_body,
    parameters,
    place,
)
from ..facts.walking import nodes_in
from .ownership import CATALOGUE, is_owned, model_is_owned


def handed_on(handler: Handler, shown: set[str]) -> Iterator[tuple[Finding, ast.AST]]:
    """`return invoice(order_id)`: the function looks the row up by the id alone."""
    route = handler.route
    if not knows_caller(handler) or looked_after(handler) or not serves_many(handler):
        return
    if route.writes and CATALOGUE.search(route.path):
        return
    if _FOR_EVERYBODY.search(ast.get_docstring(handler.function) or ""):
        return
    for call in handler.calls:
        values = [*call.args, *(word.value for word in call.keywords)]
        names = [one.id for one in values if isinstance(one, ast.Name)]
        given = [name for name in names if name in handler.path_parameters]
        there = handler.project.resolve(handler.module, dotted(call.func))
        if not given or not isinstance(there.node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        way = list(_followed(handler.project, there.module or handler.module, there.node))
        looks = _lookup_on(way, handler, call)
        if looks is None or (meant.listed(handler) and not _kept_apart(handler, looks)):
            continue
        if route.writes or not _shown(handler, call, looks, shown):
            yield found(
                "authz.idor", handler.module, call,
                f"{route.label} hands {given[0]} to {there.node.name}, which takes the row of that "
                "id, whoever calls.",
                severity=Severity.HIGH, symbol=route.function.name,
                also=[place(handler.module, route.line, route.function.name)],
            ), route.function  # fmt: skip
            return


def _lookup_on(
    way: list[tuple[Module, Function]], handler: Handler, call: ast.Call
) -> tuple[Module, ast.Call] | None:
    """The first on the way that takes a row which is one person's, and not by who calls: none where
    it is asked who that is.
    """
    if any(_asks(function) for _, function in way):
        return None
    called_first = way[0][1]
    own = _given_of_the_caller(handler, call, called_first)
    for module, function in way:
        for it in _lookups(function):
            narrowed = function is called_first and names_in(it) & own
            if _held_by_one(handler, call, module, it) and not narrowed:
                return module, it
    return None


def _given_of_the_caller(handler: Handler, call: ast.Call, there: Function) -> set[str]:
    """`user_id` of a function that is called with `me.id`."""
    names = [item.arg for item, _ in parameters(there)]
    given = dict(zip(names, call.args, strict=False))
    given |= {word.arg: word.value for word in call.keywords if word.arg}
    return {name for name, value in given.items() if handler.of_the_user(value)}


_LONGEST_WAY = 2


def _followed(
    project: Project, module: Module, function: Function, left: int = _LONGEST_WAY
) -> Iterator[tuple[Module, Function]]:
    """The function, and those that it hands an id on to: a service, and behind it a repository."""
    yield module, function
    ids = _ids(function)
    for call in own_body(function) if left else ():
        if not isinstance(call, ast.Call) or not names_in(call) & ids:
            continue
        there = project.resolve(module, dotted(call.func))
        node = there.node if there.module is not None else None
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node is not function:
            yield from _followed(project, there.module or module, node, left - 1)


def _ids(function: Function) -> set[str]:
    return {item.arg for item, _ in parameters(function) if re.search(r"(^|_)id$", item.arg)}


def _asks(function: Function) -> bool:
    return any(asks_who(node) for node in own_body(function) if isinstance(node, ast.expr))


_FOR_EVERYBODY = re.compile(
    r"\b(?:all|any|every)\s?(?:roles?|users?|accounts?|members?|one|body)\b|\bpublic\b|\bshared\b",
    re.IGNORECASE,
)
"""What the handler says of itself."""


def _shown(
    handler: Handler, call: ast.Call, looks: tuple[Module, ast.Call], shown: set[str]
) -> bool:
    project = handler.project
    return bool({subject(project, handler.module, call), subject(project, *looks)} & shown)


def _kept_apart(handler: Handler, looks: tuple[Module, ast.Call]) -> bool:
    """Whether the lists of what is called like a thing on offer show each caller their own."""
    return subject(handler.project, *looks) in handler.kept


def _held_by_one(handler: Handler, call: ast.Call, module: Module, looks: ast.Call) -> bool:
    """Whether a model that is handed along has an owner, or the rows are of people by name."""
    project = handler.project
    models = [*classes_in(project, handler.module, nodes_in(call))]
    models += classes_in(project, module, nodes_in(looks))
    return is_owned(handler, looks) or any(model_is_owned(project, model) for model in models)


def _lookups(function: Function) -> Iterator[ast.Call]:
    """The queries of a function that ask for a row by an id which was handed to it."""
    ids = _ids(function)
    made = [target for target, value in assigns_in(function) if _cleaned(value, ids)]
    ids |= {target.id for target in made if isinstance(target, ast.Name)}
    for node in own_body(function):
        if isinstance(node, ast.Call) and called(node) in _BY_ID and names_in(node) & ids:
            yield node


def _cleaned(value: ast.expr, ids: set[str]) -> bool:
    """`ObjectId(stay_id)`, `UUID(stay_id)`: the same id in another form."""
    return isinstance(value, ast.Call) and called(value) in _FORMS and bool(names_in(value) & ids)


_FORMS = {"ObjectId", "PydanticObjectId", "UUID", "int", "str"}


_BY_ID = {
    "get", "get_or_404", "filter_by", "find_one", "filter", "where", "update_one", "delete_one",
    "find_one_and_update",
}  # fmt: skip
