"""Rows of which some people see only their own, and that others of them reach by an id.

Where managers are shown the leases of their own houses alone, one manager is no colleague of the
next: a route that any manager may call for any lease lets them into each other's business.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from ....engine.finding import Finding, Severity
from ..facts.deciding import decided_by_user, narrowed
from ..facts.handlers import Handler, comes_from
from ..facts.modules import Function, Module, Project
from ..facts.refusals import ROLES, refuses
from ..facts.shared import behind, classes_in
from ..facts.stored import along
from ..facts.storing import is_query, is_write
from ..facts.syntax import (
    assigns_in,
    called,
    calls_in,
    dotted,
    found,
    handed,
    names_in,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in
from .ownership import declared, request_key

Kind = frozenset[str]
"""Who is let in, as the checks before a route say it: `{"role_required", "manager"}`."""

_ACCOUNTS = re.compile(r"^(auth_)?(users?|accounts?|members?)$", re.IGNORECASE)
_OVER_ALL = re.compile(r"admin|super|root|platform|staff|internal", re.IGNORECASE)
_ID = re.compile(r"(^|_)(id|uuid)$")
_ASKS = {"filter", "filter_by", "where", "find", "find_one"}


class Apart:
    """The models of which each kind of people is shown its own rows alone."""

    def __init__(self, handlers: list[Handler], shown: set[str]) -> None:
        self._by_kind: dict[Kind, set[str]] = defaultdict(set)
        for handler in handlers:
            if handler.route.access == "role" and (kind := kind_of(handler)):
                self._by_kind[kind] |= {*_narrowed(handler), *_held_against(handler)} - shown

    def of(self, handler: Handler) -> set[str]:
        kind = kind_of(handler) if handler.route.access == "role" else frozenset()
        return self._by_kind.get(kind, set()) if kind else set()


def kind_of(handler: Handler) -> Kind:
    """What stands before the route and asks for a role; nothing where it lets in those over all."""
    told: set[str] = set()
    for module, node in handler.route.checks:
        verdict = handler.keeper.check(module, node)
        if verdict is not None and verdict.access == "role":
            told |= {dotted(node).rpartition(".")[2], *strings_in(node)}
    roles = {one for one in told if " " not in one}
    return frozenset() if all(map(_OVER_ALL.search, roles)) else frozenset(roles)


def _narrowed(handler: Handler) -> Iterator[str]:
    """The models that a handler asks for by who calls, or holds against them."""
    yield from _asked_by(handler.project, handler.module, handler.function, handler.users)
    for call in handler.calls:
        there = handler.project.resolve(handler.module, dotted(call.func))
        if isinstance(there.node, ast.FunctionDef | ast.AsyncFunctionDef) and there.module:
            given = handed(there.node, call)
            own = {name for name, value in given.items() if handler.of_the_user(value)}
            if own:
                yield from _asked_by(handler.project, there.module, there.node, own)


def _held_against(handler: Handler) -> Iterator[str]:
    """The models of rows that are looked up by an id, where whoever has no part in them is
    refused: `if hive.keeper_id != me.id: raise …`.
    """
    refused = (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.ops[0], ast.NotEq)
        and handler.of_the_user(node.test)
        and not any(map(ROLES.search, words_in(node.test)))
        and isinstance(node.test.comparators[0], ast.Attribute)
        and any(refuses(inner, handler.function) for inner in node.body)
        for node in handler.body
    )
    if handler.path_parameters and any(refused):
        for _, model in _looked_up(handler):
            if not _ACCOUNTS.match(model):
                yield model


def _asked_by(
    project: Project, module: Module, function: Function, own: Iterable[str]
) -> Iterator[str]:
    """`Lease` of `query.filter(Lease.house_id.in_(own_houses))`, with all that is joined to it."""
    mine = _spread(function, set(own))
    for call in calls_in(function):
        if called(call) in _ASKS and any(_of_them(one, mine) for one in _conditions(call)):
            nodes = [*nodes_in(call), *behind(module, call)]
            for model in classes_in(project, module, nodes):
                if not _ACCOUNTS.match(model.name):
                    yield model.name


def _conditions(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(word.value for word in call.keywords if word.arg != "id")]


def _of_them(condition: ast.expr, own: set[str]) -> bool:
    """It names one of the caller's own, beyond the row that is the caller."""
    by_id = isinstance(condition, ast.Compare) and dotted(condition.left).endswith(".id")
    return bool(names_in(condition) & own) and not by_id


def _spread(function: Function, own: set[str]) -> set[str]:
    for _ in range(3):
        for target, value in assigns_in(function):
            if isinstance(target, ast.Name) and names_in(value) & own:
                own = own | {target.id}
    return own


def reached_anyway(handler: Handler, apart: Apart) -> Iterator[tuple[Finding, ast.AST]]:
    """The row of an id that the request names, for anybody of a kind that is kept apart."""
    models = apart.of(handler)
    if not models or _looks_after(handler):
        return
    for call, model in [*_looked_up(handler), *_hung_on(handler), *_behind(handler)]:
        if model in models:
            verb = "changes" if handler.route.writes else "reads"
            yield found(
                "authz.idor", handler.module, call,
                f"{handler.route.label} {verb} what belongs to whichever {model} the request "
                "names; elsewhere the same people are shown only their own.",
                severity=Severity.HIGH, symbol=handler.function.name,
                also=declared(handler, call),
            ), handler.function  # fmt: skip
            return


def _looks_after(handler: Handler) -> bool:
    return handler.uses_user and (
        decided_by_user(handler) or any(narrowed(handler, call) for call in handler.calls)
    )


def _looked_up(handler: Handler) -> Iterator[tuple[ast.Call, str]]:
    """`db.query(Lease).filter(Lease.id == lease_id)`."""
    for call in handler.calls:
        asks = is_query(call) or is_write(call) or called(call) == "get"
        if asks and request_key(handler, call):
            nodes = [inner for one in along(call) for inner in nodes_in(one)]
            for model in classes_in(handler.project, handler.module, nodes):
                yield call, model.name
            for column, model in _columns(handler, call):
                yield from ((call, one) for one in _referred(handler.project, model, column))


def _columns(handler: Handler, call: ast.Call) -> Iterator[tuple[str, ast.ClassDef]]:
    """`house_id` of `Note.house_id == house_id`, with the model that it is a column of."""
    for one in along(call):
        for given in one.args:
            if isinstance(given, ast.Compare) and names_in(given.comparators[0]) & handler.inputs:
                owner, _, column = dotted(given.left).rpartition(".")
                there = handler.project.resolve(handler.module, owner).node
                if isinstance(there, ast.ClassDef):
                    yield column, there


def _hung_on(handler: Handler) -> Iterator[tuple[ast.Call, str]]:
    """`Payment(lease_id=body.lease_id)`, where the column refers to the leases."""
    for call in handler.calls if handler.route.method == "POST" else ():
        made = handler.project.resolve(handler.module, dotted(call.func)).node
        if isinstance(made, ast.ClassDef):
            for word in call.keywords:
                if word.arg and comes_from(word.value, handler.inputs):
                    yield from ((call, one) for one in _referred(handler.project, made, word.arg))


def _referred(project: Project, model: ast.ClassDef, column: str) -> Iterator[str]:
    for target, value in assigns_in(model):
        if isinstance(target, ast.Name) and target.id == column:
            for call in calls_in(value):
                named = text_of(call.args[0]) if called(call) == "ForeignKey" and call.args else ""
                there = project.tables.get((named or "").partition(".")[0])
                if there is not None:
                    yield there[1].name


def _behind(handler: Handler) -> Iterator[tuple[ast.Call, str]]:
    """`remind(hive_id)`, which looks the hive up by the id that it is handed."""
    ids = set(filter(_ID.search, handler.path_parameters))
    for call in handler.calls if ids else ():
        there = handler.project.resolve(handler.module, dotted(call.func))
        if not isinstance(there.node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        given = handed(there.node, call)
        named = {name for name, it in given.items() if names_in(it) & ids}
        for one in calls_in(there.node) if named and there.module else ():
            asks = is_query(one) or called(one) == "get"
            if there.module and asks and any(names_in(it) & named for it in _conditions(one)):
                for model in classes_in(handler.project, there.module, nodes_in(one)):
                    yield call, model.name
