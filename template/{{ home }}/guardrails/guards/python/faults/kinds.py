"""Roles: a check that only one of them meets, and a role that many strangers have."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts import meant
from ..facts.asking import asks_who
from ..facts.handlers import Handler
from ..facts.modules import Project
from ..facts.newcomers import serves_many
from ..facts.refusals import asked_about, refuses
from ..facts.shared import classes_in
from ..facts.stored import along
from ..facts.storing import is_write
from ..facts.syntax import (
    assigns_in,
    called,
    calls_in,
    chain,
    dotted,
    found,
    names_in,
    place,
    strings_in,
    words_in,
)
from ..facts.walking import nodes_in
from .ownership import changed_rows, looked_up, model_is_owned


def one_kind_only(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """A permission check inside `if user.role == "x"`: everybody else passes."""
    if not handler.path_parameters or not handler.writes or handler.route.before == "role":
        return
    for statement in _statements(handler.function.body):
        if not isinstance(statement, ast.If) or statement.orelse or not _asks_role(statement.test):
            continue
        inside = [node for inner in statement.body for node in nodes_in(inner)]
        if not any(refuses(node, handler.function) for node in inside) or _refuses_all(statement):
            continue
        outside = set(handler.body) - set(inside)
        if any(_ties(node, handler) for node in outside):
            continue
        role = next(iter(sorted(strings_in(statement.test))), "one role")
        yield found(
            "authz.missing-role-check", handler.module, statement,
            f"{handler.route.label}: only {role!r} is checked; every other account passes.",
            symbol=handler.function.name,
        ), statement  # fmt: skip


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, ast.Try | ast.With | ast.AsyncWith):
            yield from _statements(statement.body)


def _asks_role(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.Eq)
        and bool({"role", "user_type", "account_type"} & words_in(test))
        and bool(strings_in(test))
    )


def _refuses_all(statement: ast.If) -> bool:
    """The branch itself refuses: those of that role are kept out, nothing else is meant."""
    return any(refuses(node) for node in statement.body)


def _ties(node: ast.AST, handler: Handler) -> bool:
    if not isinstance(node, ast.If):
        return False
    if _asks_role(node.test):
        return False
    return any(refuses(inner, handler.function) for inner in nodes_in(node)) and bool(
        set(names_in(node.test)) & handler.users or asks_who(node.test)
    )


MANY = re.compile(
    r"^(seller|vendor|merchant|landlord|host|driver|carrier|courier|rider|walker|freelancer|provider"
    r"|tutor|instructor|mentor|agent|broker|organi[sz]er|customer|client|buyer|student|patient"
    r"|tenant|renter|guest|member|user|creator|contractor|farmer|chef|company|employer|recruiter)s?$",
    re.IGNORECASE,
)
"""People who sign up by themselves, and don't work together."""


def any_of_a_kind(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`/rooms/{id}` is changed by any landlord: that one is a landlord is all that is asked."""
    route = handler.route
    if route.access != "role" or not route.writes or not handler.path_parameters:
        return
    tests = [node for node in handler.body if isinstance(node, ast.If) and _of_role(node.test)]
    kinds = {text for node in tests for text in strings_in(node.test)} | set(_by_decorator(handler))
    if not any(MANY.match(kind) for kind in kinds) or not serves_many(handler):
        return
    if tests and not any(
        refuses(node, handler.function) for one in tests for node in nodes_in(one)
    ):
        return
    roles = [part for one in tests for part in _parts(one.test) if _of_role(part)]
    if _looked_at_elsewhere(handler, {inner for part in roles for inner in nodes_in(part)}):
        return
    ids = set(handler.path_parameters)
    changes = [it for it in handler.calls if is_write(it) and names_in(it) & ids]
    changes += changed_rows(handler)
    if change := next(iter(changes), None):
        kind = next(kind for kind in sorted(kinds) if MANY.match(kind))
        yield found(
            "authz.idor", handler.module, change,
            f"{route.label} changes the row that the request names for any {kind.lower()}, "
            "whosever it is.",
            severity=Severity.HIGH, symbol=route.function.name,
            also=[
                place(handler.module, route.line, route.function.name),
                *(place(handler.module, it) for it in looked_up(handler) if it is not change),
            ],
        ), route.function  # fmt: skip


def listed_for_a_kind(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`/bookings/by-status/{status}` for any patient: the rows of all of them go out."""
    route = handler.route
    if route.method != "GET" or route.before != "role" or handler.uses_user:
        return
    kinds = set(_by_check(handler))
    if not kinds or not all(map(MANY.match, kinds)) or not serves_many(handler):
        return
    if meant.free_places(f"{route.path} {route.function.name}") or not _answers_with(handler):
        return
    if meant.listed(handler) or not _rows_of_people(handler):
        return
    yield found(
        "authz.missing-role-check", route.module, route.line,
        f"{route.label} lists everybody's rows for any {min(kinds).lower()}.",
        severity=Severity.HIGH, symbol=route.function.name,
    ), route.function  # fmt: skip


def listed_for_the_rest(handler: Handler, roles: set[str]) -> Iterator[tuple[Finding, ast.AST]]:
    """`if me.role == "tenant": … else: Payment.query.all()`: a landlord is no tenant, either."""
    route = handler.route
    if route.method != "GET" or route.access != "caller" or not serves_many(handler):
        return
    below = {one for node in handler.body if isinstance(node, ast.If) for one in node.orelse}
    for node in handler.body:
        if not isinstance(node, ast.If) or node in below or not _asks_role(node.test):
            continue
        kinds, rest = _last_branch(node)
        others = sorted(one for one in roles - kinds if MANY.match(one))
        listed = next((call for one in rest for call in calls_in(one) if _all_rows(call)), None)
        if listed is None or not others or not _rows_of_people(handler):
            continue
        yield found(
            "authz.missing-role-check", handler.module, listed,
            f"{route.label} lists everybody's rows for whoever is no {min(kinds)}: any "
            f"{others[0]}, too.",
            severity=Severity.HIGH, symbol=route.function.name,
            also=[place(handler.module, route.line, route.function.name)],
        ), route.function  # fmt: skip
        return


def roles_of(project: Project) -> set[str]:
    """The roles that the service tells apart."""
    return {
        text
        for module in project.service
        for node in module.nodes
        if isinstance(node, ast.Compare) and asked_about(node.left) & _SAID
        for text in strings_in(node.comparators[0])
    }


def _last_branch(node: ast.If) -> tuple[set[str], list[ast.stmt]]:
    """What is done for those whom no branch of `if … elif …` names, and whom they name."""
    kinds = strings_in(node.test) - _SAID
    while len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        node = node.orelse[0]
        kinds |= strings_in(node.test) - _SAID
    return kinds, node.orelse


def _all_rows(call: ast.Call) -> bool:
    """`Payment.query.order_by(…).all()`, of which nothing is left out."""
    narrowed = any(
        called(one) in {"find", "find_one"} and any(not _is_empty(given) for given in one.args)
        for one in along(call)
    )
    left_out = {"filter", "filter_by", "where"} & set(chain(call))
    return called(call) in _ROWS and not narrowed and not left_out


def _is_empty(given: ast.expr) -> bool:
    return isinstance(given, ast.Dict) and not given.keys


def _by_check(handler: Handler) -> Iterator[str]:
    """`patient` of a dependency that says `if me.role != "patient": raise …`."""
    for module, node in handler.route.checks:
        name = dotted(node.func if isinstance(node, ast.Call) else node)
        there = handler.project.resolve(module, name).node
        for inner in nodes_in(there) if there is not None else ():
            if isinstance(inner, ast.Compare) and _of_role(inner):
                yield from strings_in(inner)


def _answers_with(handler: Handler) -> bool:
    """The rows themselves go out, and nothing that was worked out from them."""
    asked = {
        name
        for target, value in assigns_in(handler.function)
        if any(called(call) in _ROWS or _own(handler, call) for call in calls_in(value))
        for name in names_in(target)
    }
    for node in handler.body:
        if isinstance(node, ast.Return) and node.value is not None:
            value = node.value
            taken = value.generators[0].iter if isinstance(value, ast.ListComp) else value
            first = value if isinstance(value, ast.Name | ast.Call) else taken
            if (isinstance(first, ast.Name) and first.id in asked) or (
                isinstance(first, ast.Call) and (called(first) in _ROWS or _own(handler, first))
            ):
                return True
    return False


_ROWS = {"all", "to_list", "fetchall", "scalars"}


def _own(handler: Handler, call: ast.Call) -> bool:
    there = handler.project.resolve(handler.module, dotted(call.func)).node
    return isinstance(there, ast.FunctionDef | ast.AsyncFunctionDef) and any(
        called(inner) in _ROWS for inner in calls_in(there)
    )


def _rows_of_people(handler: Handler) -> bool:
    """Whether a list that is asked for, here or in what it calls, is of rows that have owners."""
    return any(_listed_are_owned(handler))


def rows_of_nobody(handler: Handler) -> bool:
    """The models of all that it lists are known, and none has an owner: slides, opening hours."""
    owned = list(_listed_are_owned(handler))
    return bool(owned) and not any(owned)


def _listed_are_owned(handler: Handler) -> Iterator[bool]:
    for module, function in handler.reached():
        for call in calls_in(function):
            if called(call) in _ROWS:
                for model in classes_in(handler.project, module, nodes_in(call)):
                    yield model_is_owned(handler.project, model)


def _of_role(test: ast.expr) -> bool:
    about = words_in(test) | strings_in(test)
    return bool({"role", "user_type", "account_type"} & about)


_KEY = re.compile(r"_id$|^(role|user_type|account_type)$")


def for_many(handler: Handler) -> bool:
    """Anybody may have the one kind of account that is asked for inside:
    `session["user_type"] != "patient"`.
    """
    asked = [node.test for node in handler.body if isinstance(node, ast.If)]
    named = {text for test in asked if _of_role(test) for text in strings_in(test)}
    kinds = {text for text in named if not _KEY.search(text)}
    return handler.route.before != "role" and bool(kinds) and all(map(MANY.match, kinds))


_CUSTOMERS = re.compile(
    r"user|customer|buyer|client|member|student|account|patient|tenant|renter|guest", re.IGNORECASE
)
_STAFF = re.compile(r"admin|staff|manage|super", re.IGNORECASE)


def customers_may(handler: Handler) -> bool:
    """Anybody who signs up may: the role that is asked for, if any, is theirs."""
    route = handler.route
    if route.access in {"public", "caller"} or for_many(handler):
        return True
    if any(isinstance(node, ast.If) and _of_staff(node.test) for node in handler.body):
        return False
    asked = [
        dotted(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]
        for _, node in route.checks
    ]
    asked = [name for name in asked if re.search(r"current|require|role|only", name)]
    return (
        route.before == "role"
        and bool(asked)
        and all(_CUSTOMERS.search(name) and not _STAFF.search(name) for name in asked)
    )


def _of_staff(test: ast.expr) -> bool:
    """`me.role not in (Role.ADMIN, Role.ACCOUNTANT)`"""
    named = words_in(test) | strings_in(test)
    return _of_role(test) and any(_STAFF.search(word) for word in named)


def _parts(test: ast.expr) -> list[ast.expr]:
    """`me.role != "admin" and row.owner != me.id` asks two things."""
    if not isinstance(test, ast.BoolOp):
        return [test]
    return [part for value in test.values for part in _parts(value)]


def _by_decorator(handler: Handler) -> Iterator[str]:
    """`landlord` of `@role_required("landlord")`, and of `Depends(require_landlord)`."""
    for _, node in handler.route.checks:
        name = dotted(node).rpartition(".")[2]
        yield from strings_in(node) if isinstance(node, ast.Call) else ()
        if kind := re.match(
            r"(?:require|only)_(?!user|member)(\w+)$|(\w+)_(?:required|only)$", name
        ):
            yield kind[1] or kind[2]


def _looked_at_elsewhere(handler: Handler, tests: set[ast.AST]) -> bool:
    """Whether anything but the role of who calls is used."""
    for node in handler.body:
        if node in tests:
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id in handler.users and not _only_role(node.id):
                return True
        elif isinstance(node, ast.Call | ast.Subscript) and asks_who(node):
            asked = strings_in(node)
            if not asked or not asked <= _SAID:
                return True
    return False


_SAID = {"role", "user_type", "account_type", "name", "username"}


def _only_role(name: str) -> bool:
    """`role = session.get("role")`."""
    return name in _SAID
