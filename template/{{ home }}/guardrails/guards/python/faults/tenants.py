"""Whose organization a row goes to, and whose money is given back: the request alone says it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ....engine.finding import Finding, Severity
from ..facts import meant
from ..facts.asking import asks_who
from ..facts.deciding import decided_by_user
from ..facts.handlers import Handler, comes_from
from ..facts.modules import Function, Project
from ..facts.refusals import refuses
from ..facts.stored import along
from ..facts.syntax import (
    assigns_in,
    called,
    calls_in,
    chain,
    dotted,
    found,
    handed,
    key_of,
    names_in,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_TENANT = re.compile(
    r"^(tenant|org|organi[sz]ation|company|workspace|clinic|school|restaurant|store|shop|branch"
    r"|hotel|gym|hospital|business|household|team)_?id$",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"user|me$|caller|member|principal|identity|claims|payload|session", re.IGNORECASE
)
_MAKES = re.compile(r"^[A-Z]\w+$|^(insert|insert_one|create)$")


def for_a_tenant(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`Invoice(org_id=body.org_id)`, where the service knows the caller's own organization."""
    route = handler.route
    if not route.writes or not handler.uses_user or decided_by_user(handler):
        return
    for call in handler.calls:
        if not _MAKES.match(called(call)):
            continue
        for key, value in _given(call):
            if not _TENANT.match(key) or not _sent(handler, value):
                continue
            if key.replace("_", "").lower() in _of_the_callers(handler.project):
                yield found(
                    "authz.client-supplied-identity", handler.module, call,
                    f"{route.label} knows who is signed in, and writes for whichever {key} the "
                    "request names.",
                    severity=Severity.HIGH, symbol=route.function.name,
                ), route.function  # fmt: skip
                return


def _given(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    for word in call.keywords:
        if word.arg:
            yield word.arg, word.value
    for node in call.args:
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield text_of(key) or "", value


def _sent(handler: Handler, value: ast.expr) -> bool:
    """It is what the request says, and no row or answer of the server's own."""
    return comes_from(value, handler.inputs) and not asks_who(value)


def _of_the_callers(project: Project) -> set[str]:
    """What of the caller's own the service looks at somewhere: `current_user.org_id`."""
    return {
        key_of(node).replace("_", "").lower()
        for module in project.service
        for node in module.nodes
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Call)
        and _TENANT.match(key_of(node))
        and _WHO.search(_holder(node))
    }


def _holder(node: ast.AST) -> str:
    """`current_user` of `current_user.org_id`, `current_user["org_id"]`, `current_user.get(…)`."""
    if isinstance(node, ast.Call):
        node = node.func
    inner = node.value if isinstance(node, ast.Attribute | ast.Subscript) else None
    return dotted(inner)


_LOOKS = re.compile(r"owner|user_?id|customer|amount|status|refunded|paid", re.IGNORECASE)


def given_back(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """A refund of whichever payment the request names, for any account."""
    call = meant.gives_back(handler)
    if call is None or handler.uses_user or not handler.route.writes:
        return
    compared = any(
        isinstance(node, ast.Compare) and any(_LOOKS.search(word) for word in words_in(node))
        for node in handler.body
    )
    if not compared:
        yield found(
            "authz.idor", handler.module, call if call in handler.calls else handler.route.line,
            f"{handler.route.label} gives back the money of whichever payment the request names, "
            "and never looks at who calls.",
            severity=Severity.HIGH, symbol=handler.route.function.name,
        ), handler.route.function  # fmt: skip


# rows of another part of the organization


_PEOPLE = re.compile(
    r"user|me$|caller|member|vendor|owner|doctor|teacher|manager|staff|driver|seller|employee"
    r"|patient|student|customer"
    r"|agent|merchant|chef|principal|identity",
    re.IGNORECASE,
)
_OVER_ALL = re.compile(r"admin|super|root|platform", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """Rows of which people see only those of their own: which column says so, and of whom."""

    column: str
    whose: str


def divided(project: Project) -> dict[str, set[Part]]:
    """Models of which people see only their own part."""
    found_: dict[str, set[Part]] = defaultdict(set)
    for module in project.service:
        for name, part in _parts(module.nodes):
            found_[name].add(part)
        for function in module.functions:
            for name, part in _by_identity(function):
                found_[name].add(part)
    return found_


_PERSON = re.compile(
    r"^(manager|landlord|owner|seller|vendor|merchant|host|teacher|doctor|agent|driver|organi[sz]er"
    r"|instructor|trainer|coach|supplier|farmer|provider|chef)_?id$"
)


def _by_identity(function: Function) -> Iterator[tuple[str, Part]]:
    """`Hive.query.filter_by(keeper_id=me)`, where `me` is what the token says."""
    own = {
        target.id
        for target, value in assigns_in(function)
        if isinstance(target, ast.Name) and target.id.endswith("id") and asks_who(value)
    }
    for call in calls_in(function) if own else ():
        for column, value in _asked(call):
            if (person := _PERSON.match(column)) and isinstance(value, ast.Name):
                for model in _models_along(call) if value.id in own else ():
                    yield model, Part(column, person[1])


def _asked(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The columns that a query says something of, with what they must be."""
    if called(call) == "filter_by":
        yield from ((word.arg or "", word.value) for word in call.keywords)
    for one in call.args if called(call) in {"filter", "where"} else ():
        if isinstance(one, ast.Compare) and isinstance(one.ops[0], ast.Eq):
            yield dotted(one.left).rpartition(".")[2], one.comparators[0]


def _models_along(call: ast.Call) -> Iterator[str]:
    """`Hive` of `Hive.query…`, of `session.query(Hive)`, and what is joined to it."""
    names = chain(call)
    names += [dotted(one) for it in along(call) for one in it.args if called(it) in _OF_MODELS]
    yield from (name for name in names if name[:1].isupper() and name.isidentifier())


_OF_MODELS = {"query", "select", "join", "outerjoin"}


def _parts(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, Part]]:
    for node in nodes:
        if isinstance(node, ast.Compare) and len(node.comparators) == 1:
            yield from _by_column(dotted(node.left), dotted(node.comparators[0]))
        elif isinstance(node, ast.Call) and called(node) == "filter_by":
            model = next((one for one in chain(node) if one[:1].isupper()), "")
            for word in node.keywords if model else ():
                holder, _, last = dotted(word.value).rpartition(".")
                if last == "id" and word.arg == f"{holder}_id" and _PEOPLE.search(holder):
                    yield model, Part(word.arg, holder)


def _by_column(left: str, right: str) -> Iterator[tuple[str, Part]]:
    """`Order.stall_id == vendor.stall_id`."""
    model, _, column = left.rpartition(".")
    holder, _, other = right.rpartition(".")
    name = model.rpartition(".")[2]
    same = column == other and re.search(r"[a-z]_id$", column) is not None
    if same and name[:1].isupper() and holder[:1].islower() and _PEOPLE.search(holder):
        yield name, Part(column, "")


def across(
    handler: Handler, parts: dict[str, set[Part]], shown: set[str]
) -> Iterator[tuple[Finding, ast.AST]]:
    """`/vendor/orders/{order_id}` for any vendor, where others look whose shop the order is of."""
    route = handler.route
    if not parts or not handler.path_parameters:
        return
    roles = set(_roles(handler))
    words = words_in(handler.function) | roles
    over_all = words_in(handler.function) | (roles if all(map(_OVER_ALL.search, roles)) else set())
    reached = [function for _, function in handler.reached()]
    if any(_OVER_ALL.search(word) for word in over_all) or any(
        "user_id" in words_in(one) and one is not handler.function for one in reached
    ):
        return
    if any(_asks_about(handler, call) for call in handler.calls):
        return
    own = {name for function in reached for name, _ in _parts(nodes_in(function))}
    own |= {*_of_the_callers_own(handler), *_rows_compared(handler)}
    named = set(handler.path_parameters)
    asked = {name for one in reached for name in _by_id(one, named, one is handler.function)}
    for name in sorted(asked - own):
        part = next(
            (it for it in sorted(parts.get(name, ()), key=lambda it: it.whose) if _fits(it, words)),
            None,
        )
        if part is None or _only_added_to(handler):
            continue
        listed_apart = (name, part.column) in handler.narrowed and name not in shown
        if not part.whose and not route.writes and not listed_apart:
            continue
        unasked = _PERSON.match(part.column) and not handler.uses_user
        verb = "changes" if route.writes else "reads"
        yield found(
            "authz.idor", route.module, route.line,
            f"{route.label} {verb} whichever {name} the request names: other routes look at its "
            f"{part.column}, this one doesn't.",
            severity=Severity.MEDIUM if part.whose and not unasked else Severity.HIGH,
            symbol=route.function.name,
        ), route.function  # fmt: skip
        return


def _asks_about(handler: Handler, call: ast.Call) -> bool:
    """`check_access(me, order)`: it compares what it is given of the one with the other's, and
    refuses.
    """
    there = handler.project.resolve(handler.module, dotted(call.func)).node
    if not isinstance(there, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    given = handed(there, call)
    mine = {name for name, value in given.items() if handler.of_the_user(value)}
    refused = any(refuses(node, there) for node in nodes_in(there))
    return (
        bool(mine)
        and refused
        and any(
            names_in(side) & mine and names_in(other) & (given.keys() - mine)
            for node in nodes_in(there)
            if isinstance(node, ast.Compare)
            for side, other in (
                (node.left, node.comparators[0]),
                (node.comparators[0], node.left),
            )
        )
    )


def _roles(handler: Handler) -> Iterator[str]:
    """`manager` of `@role_required("manager")`."""
    for _, node in handler.route.checks:
        yield from strings_in(node) if isinstance(node, ast.Call) else ()


def _only_added_to(handler: Handler) -> bool:
    """A row that hangs on the one that is named: `Booking(room_id=room.id)` changes no room."""
    sets = (
        isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        for _, function in handler.reached()
        for node in nodes_in(function)
    )
    return handler.route.method == "POST" and not handler.changes and not any(sets)


def _of_the_callers_own(handler: Handler) -> Iterator[str]:
    """The models of which a row is asked for by what is the caller's own as well, here or in a
    function that is handed it: `booking_of(db, booking_id, branch_id=me.branch_id)`.
    """
    waiting = [(handler.module, handler.function, frozenset(handler.users), _LONGEST_WAY)]
    while waiting:
        module, function, own, left = waiting.pop()
        yield from _compared_with(function, own)
        for call in calls_in(function) if left else ():
            there = handler.project.resolve(module, dotted(call.func))
            if not isinstance(there.node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            given = _handed(call, there.node, own)
            if given and there.module:
                waiting.append((there.module, there.node, given, left - 1))


_LONGEST_WAY = 2


def _rows_compared(handler: Handler) -> Iterator[str]:
    """The models of the rows that are held against who calls: `order.stall_id != stall.id`."""
    rows = {
        target.id: next(_models_along(value), "")
        for target, value in assigns_in(handler.function)
        if isinstance(target, ast.Name) and isinstance(value, ast.Call)
    }
    compared = (node for node in handler.body if isinstance(node, ast.Compare))
    for node in compared:
        sides = [node.left, node.comparators[0]]
        for side, other in (sides, sides[::-1]):
            row = dotted(side).partition(".")[0]
            if rows.get(row) and row not in names_in(other) and handler.of_the_user(other):
                yield rows[row]


def _handed(call: ast.Call, function: Function, own: frozenset[str]) -> frozenset[str]:
    """The parameters of a function that a call gives something of the caller's own."""
    given = handed(function, call)
    return frozenset(name for name, value in given.items() if names_in(value) & own)


def _compared_with(function: ast.AST, own: frozenset[str]) -> Iterator[str]:
    for node in nodes_in(function):
        if isinstance(node, ast.Compare) and names_in(node.comparators[0]) & own:
            model, _, column = dotted(node.left).rpartition(".")
            if column.endswith("_id"):
                yield model.rpartition(".")[2]
        elif (
            isinstance(node, ast.Call)
            and called(node) == "filter_by"
            and any(names_in(word.value) & own for word in node.keywords if word.arg != "id")
        ):
            yield next((one for one in chain(node) if one[:1].isupper()), "")


def _fits(part: Part, words: set[str]) -> bool:
    """Whether it is for those people; others may see the rows of all."""
    return not part.whose or part.whose in words


def _by_id(function: ast.AST, named: set[str], own: bool) -> Iterator[str]:
    """The models of which rows are asked for by an id that the request names."""
    for node in nodes_in(function):
        if isinstance(node, ast.Compare) and isinstance(node.comparators[0], ast.Name):
            model, _, column = dotted(node.left).rpartition(".")
            if column == "id":
                yield model.rpartition(".")[2]
        elif isinstance(node, ast.Call) and called(node) in {"filter_by", "get", "get_or_404"}:
            values = [*node.args, *(word.value for word in node.keywords)]
            if own and any(isinstance(one, ast.Name) and one.id in named for one in values):
                yield next((one for one in chain(node) if one[:1].isupper()), "")
