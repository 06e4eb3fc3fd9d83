"""Rows, money and time: what breaks when the data grows or two people act at once."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ...filenames import is_test
from ..facts.modules import Function, Module, Project, is_script
from ..facts.routes import Route, RouteTable
from ..facts.storing import is_write
from ..facts.syntax import (
    called,
    calls_in,
    chain,
    dotted,
    found,
    keyword,
    names_in,
    own_body,
    place,
    strings_in,
    words_in,
)
from ..facts.walking import nodes_in
from . import columns, counted, loops, races

_STOCKS = re.compile(
    r"^(stock|balance|quantity|credits?|points|seats?|inventory|available\w*|stock_\w+|\w*_stock|"
    r"wallet\w*|\w+_balance|dues?|total_(spent|sales|orders|revenue)|amount_(paid|due)|likes|votes|views|loyalty_points|usage_count|used_count|\w+_remaining)$"
)
_LIMITS = {"limit", "paginate", "first", "one", "one_or_none", "slice", "paginate_queryset", "get"}
_COUNTERS = {"len", "sum"}
_HARD_CAP = 100


def look(table: RouteTable) -> Iterator[Finding]:
    project = table.project
    routes = [route for route in table.routes if route.served]
    handlers = {route.function for route in routes}
    served = {function for route in routes for function in _called_by(project, route)}
    indexed = columns.indexed_columns(project)
    for module in project.service:
        if is_script(module.path) or is_test(module.path):
            continue
        yield from columns.look(module, indexed)
        for function in module.functions:
            yield from _reads(module, function)
            yield from loops.asked_for_each(project, module, function)
            yield from _races(module, function)
            yield from races.claimed(module, function)
            yield from counted.look(module, function)
            if function in handlers or module.is_web:
                yield from _torn(project, module, function)
                yield from races.added_twice(project, module, function)
            if function in handlers or module.is_web or function in served:
                yield from races.booked_twice(project, module, function)
    yield from _no_index(project)


def _called_by(project: Project, route: Route) -> Iterator[ast.AST]:
    """The functions of the services that a handler calls."""
    for call in calls_in(route.function):
        there = project.resolve(route.module, dotted(call.func)).node
        if isinstance(there, ast.FunctionDef | ast.AsyncFunctionDef):
            yield there


# reads


def _reads(module: Module, function: Function) -> Iterator[Finding]:
    counted = _only_counted(function)
    for node in own_body(function):
        if isinstance(node, ast.Call) and called(node) == "fetchall" and _whole_table(function):
            yield found(
                "data.unbounded-query", module, node, f"{function.name} reads without a limit."
            )
            return
        if called(node) not in {"all", "to_list", "list"} or not isinstance(node, ast.Call):
            continue
        if module.owners.get(node) is not function:
            continue
        cap = _cap(node)
        if cap:
            yield found(
                "data.silent-truncation", module, node,
                f"{function.name} reads the first {cap} rows and drops the rest without a word.",
            )  # fmt: skip
        elif not _is_unbounded(node) or _is_limited_before(function, node):
            continue
        elif node in counted:
            yield found(
                "perf.load-all", module, node,
                f"{function.name} loads every row to count or add them up.",
            )  # fmt: skip
        else:
            yield found(
                "data.unbounded-query", module, node, f"{function.name} reads without a limit."
            )


_WHOLE = re.compile(
    r"^\s*select\b(?!.*\b(?:where|limit|count|sum|max|group\s+by|having)\b)",
    re.IGNORECASE | re.DOTALL,
)


def _whole_table(function: Function) -> bool:
    """All SQL of the function reads a table to its end."""
    texts = [text for text in strings_in(function) if re.match(r"\s*select\b", text, re.IGNORECASE)]
    return bool(texts) and all(_WHOLE.match(text) for text in texts)


def _cap(call: ast.Call) -> int:
    if called(call) != "to_list" or not (call.args or call.keywords):
        return 0
    value = keyword(call, "length") or (call.args[0] if call.args else None)
    if (
        isinstance(value, ast.Constant)
        and isinstance(value.value, int)
        and value.value >= _HARD_CAP
    ):
        return 0 if {"limit", "skip"} & set(chain(call)) else value.value
    return 0


def _is_unbounded(call: ast.Call) -> bool:
    names = chain(call)
    if called(call) == "to_list":
        value = keyword(call, "length") or (call.args[0] if call.args else None)
        return isinstance(value, ast.Constant) and value.value is None and not _LIMITS & set(names)
    if called(call) == "fetchall":
        return False
    if isinstance(call.func, ast.Name) and call.func.id == "list" and call.args:
        cursor = chain(call.args[0])
        return "find" in cursor[2:] and not _LIMITS & set(cursor)
    if called(call) != "all" or call.args:
        return False
    inner = set(names) | {
        name for node in nodes_in(call) if isinstance(node, ast.Call) for name in chain(node)
    }
    return (
        bool({"query", "exec", "scalars", "execute", "objects"} & inner)
        and not _LIMITS & (inner - {"get"})
        and "count" not in inner
        and not ("objects" in inner and len(names) == 3)
    )


def _only_counted(function: Function) -> set[ast.AST]:
    """Reads of every row whose result is only counted or summed."""
    found_calls: set[ast.AST] = set()
    for node in own_body(function):
        inner = node.args[0] if isinstance(node, ast.Call) and node.args else None
        if called(node) == "len" and isinstance(inner, ast.Call) and _is_unbounded(inner):
            found_calls.add(inner)
        if not isinstance(node, ast.Assign):
            continue
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call) and (_is_unbounded(value) or _cap(value)):
            name = dotted(node.targets[0])
            if _is_for_counting(function, name):
                found_calls.add(value)
    return found_calls


def _is_for_counting(function: Function, name: str) -> bool:
    """Its elements are counted or added up by a condition, or nothing else is done with it."""
    uses = [
        node
        for node in own_body(function)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    counts = [
        call
        for call in own_body(function)
        if isinstance(call, ast.Call)
        and called(call) in _COUNTERS
        and call.args
        and name in names_in(call.args[0])
    ]
    filtered = [call for call in counts if not isinstance(call.args[0], ast.Name)]
    return bool(filtered) or bool(uses and len(counts) >= len(uses))


def _is_limited_before(function: Function, call: ast.Call) -> bool:
    """The statement is a variable: its limit, if any, stands where it was made."""
    names = {
        argument.id
        for inner in nodes_in(call)
        if isinstance(inner, ast.Call)
        for argument in inner.args[:1]
        if isinstance(argument, ast.Name)
    } | set(chain(call)[:1])
    made = [
        node.value
        for node in own_body(function)
        if isinstance(node, ast.Assign) and dotted(node.targets[0]) in names
    ]
    if any(
        _LIMITS
        & {
            name
            for inner in nodes_in(value)
            if isinstance(inner, ast.Call)
            for name in chain(inner)
        }
        - {"get"}
        for value in made
    ):
        return True
    return (
        not made and not ({"select", "query", "objects"} & words_in(call)) and called(call) == "all"
    )


# writes


def _races(module: Module, function: Function) -> Iterator[Finding]:
    words = {word for node in [function] for word in words_in(node)}
    if {"with_for_update", "select_for_update", "F"} & words:
        return
    if not any(isinstance(node, ast.Call) and is_write(node) for node in own_body(function)):
        return
    for node in own_body(function):
        target: ast.expr | None = None
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            target = node.target
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.BinOp)
            and isinstance(node.value.op, ast.Add | ast.Sub)
        ):
            one = node.targets[0]
            target = one if ast.unparse(one) == ast.unparse(_number(node.value.left)) else None
        if (
            isinstance(target, ast.Attribute)
            and _STOCKS.match(target.attr)
            and not (dotted(target).startswith("self."))
        ):
            yield found(
                "data.read-modify-write", module, node,
                f"{function.name} reads {target.attr}, changes it and writes it back: of two at "
                "once one is lost.",
            )  # fmt: skip
            return


def _number(value: ast.expr) -> ast.expr:
    """`int(user.dues)` is the same column."""
    made = isinstance(value, ast.Call) and called(value) in {"int", "float", "Decimal"}
    return value.args[0] if made and isinstance(value, ast.Call) and value.args else value


def _torn(project: Project, module: Module, function: Function) -> Iterator[Finding]:
    """Several commits in a row, or writes to several collections: half may stay."""
    commits = [
        node
        for node in _straight(function.body)
        if _is_commit(node) or _commits(project, module, node)
    ]
    if len(commits) > 1:
        yield found(
            "data.no-transaction", module, commits[0],
            f"{function.name} commits {len(commits)} times: what fails in between stays half done.",
        )  # fmt: skip
        return
    touched: dict[str, ast.Call] = {}
    for node in own_body(function):
        if isinstance(node, ast.Call) and re.match(
            r"(insert|update|delete|replace)_(one|many)$|find_one_and", called(node)
        ):
            names = chain(node)
            touched.setdefault(names[-2] if len(names) > 1 else "", node)
    if len(touched) > 1 and "start_session" not in words_in(function):
        yield found(
            "data.no-transaction", module, next(iter(touched.values())),
            f"{function.name} writes to {', '.join(sorted(touched))} without a transaction.",
        )  # fmt: skip


def _straight(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run one after the other, not either-or."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.Try | ast.With | ast.AsyncWith):
            yield from _straight(statement.body)


def _commits(project: Project, module: Module, node: ast.stmt) -> bool:
    """Whether a function of the program's own, which ends with a commit, is called."""
    value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
    value = value.value if isinstance(value, ast.Await) else value
    if not isinstance(value, ast.Call):
        return False
    meant = project.resolve(module, dotted(value.func))
    return isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
        _is_commit(inner) for inner in _straight(meant.node.body)
    )


def _is_commit(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    value = value.value if isinstance(value, ast.Await) else value
    return isinstance(value, ast.Call) and called(value) == "commit"


# indexes


def _no_index(project: Project) -> Iterator[Finding]:
    if not project.imports_any("motor", "pymongo", "beanie", "odmantic", "mongoengine"):
        return
    places = []
    for module in project.service:
        if re.search(
            r"create_index|create_indexes|ensure_index|IndexModel|\bindexes\b|Indexed\(",
            module.text,
        ):
            return
        for call in module.calls:
            looks_up = called(call) in {"find_one", "update_one", "delete_one", "find"}
            what = call.args[0] if looks_up and call.args else None
            if isinstance(what, ast.Dict) and strings_in(what) - {"_id"}:
                places.append(place(module, call))
    if places:
        yield Finding(
            "db.no-index", places[0],
            f"No index is ever created: each of {len(places)} lookups reads a whole collection.",
            also=tuple(places[1:30]),
        )  # fmt: skip
