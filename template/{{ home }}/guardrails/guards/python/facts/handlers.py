"""What a handler does: what of the request it uses, who its user is, which rows it touches."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from .access import Gatekeeper
from .asking import asks_who
from .depends import Check, annotated, dependency
from .handed import callers
from .modules import Function, Module, Project
from .routes import Route
from .stored import along
from .storing import CHANGES, SQL_WRITE, by_its_id, changes_sql, is_query, is_write
from .syntax import (
    assigns_in,
    called,
    calls_in,
    chain,
    dotted,
    ends,
    names_in,
    own_body,
    parameters,
    strings_in,
    words_in,
)
from .walking import nodes_in

_REQUEST = frozenset({
    "json", "form", "args", "get_json", "values", "files", "data", "cookies", "headers",
    "query_params", "path_params", "body", "GET", "POST", "FILES", "get_data",
})  # fmt: skip
_PLUMBING = frozenset({"request", "req", "response", "background_tasks"})
_OF_REQUEST = re.compile(r"req(uest)?\.")
_CLEANERS = frozenset({
    "int", "float", "bool", "UUID", "len", "escape", "secure_filename", "ObjectId", "quote",
    "isinstance", "hash", "quote_plus", "clean", "basename", "hexdigest",
})  # fmt: skip
_INTEGER = re.compile(r"<int:(\w+)>")
_PATH_PARAMETER = re.compile(r"[{<](?:\w+:)?(\w+)(?::\w+)?[}>]|\(\?P<(\w+)>")


class Body:
    """What a function consists of, without what stands around it."""

    function: Function

    @cached_property
    def body(self) -> list[ast.AST]:
        return list(own_body(self.function))

    @cached_property
    def calls(self) -> list[ast.Call]:
        return [node for node in self.body if isinstance(node, ast.Call)]


class Handler(Body):
    """One function that answers requests. `depth` says how far its callees are followed."""

    kept: frozenset[str] = frozenset()
    """The models and collections whose rows are somebody's own, as the whole service tells."""
    narrowed: frozenset[tuple[str, str]] = frozenset()
    """Each with the columns by which the service shows callers only their own."""

    def __init__(self, project: Project, keeper: Gatekeeper, route: Route) -> None:
        self.project = project
        self.keeper = keeper
        self.route = route
        self.module: Module = route.module
        self.function = route.function

    @cached_property
    def path_parameters(self) -> list[str]:
        return [one or two for one, two in _PATH_PARAMETER.findall(self.route.path)]

    @cached_property
    def numbers(self) -> set[str]:
        """The parameters that can hold nothing but a number."""
        typed = {
            parameter.arg
            for parameter, _ in parameters(self.function)
            if parameter.annotation is not None and dotted(parameter.annotation) == "int"
        }
        return typed | set(_INTEGER.findall(self.route.path))

    def whole(self, call: ast.Call) -> ast.Call:
        """The statement that a call is a part of: `q.eq("id", 1).eq("owner", 2).execute()`."""
        return self._wholes.get(call, call)

    @cached_property
    def _wholes(self) -> dict[ast.AST, ast.Call]:
        found: dict[ast.AST, ast.Call] = {}
        for call in self.calls:  # outer ones first
            for inner in along(call.func):
                found.setdefault(inner, call)
        return found

    @cached_property
    def inputs(self) -> set[str]:
        """Names that hold what the caller sent."""
        start = {
            parameter.arg
            for parameter, default in parameters(self.function)
            if self._is_input(parameter, default)
        }
        return spread(self.function, start | set(self.path_parameters))

    def _is_input(self, parameter: ast.arg, default: ast.expr | None) -> bool:
        if parameter.arg in {"self", "cls"}:
            return False
        if parameter.annotation is None and parameter.arg in _PLUMBING:
            return False
        if default is not None and called(default) in {"Depends", "Security"}:
            return False
        if self._asked(parameter, default):
            return False
        kind = words_in(parameter.annotation) if parameter.annotation else set()
        if kind & {"Depends", "Request", "Response", "BackgroundTasks", "WebSocket", "Session"}:
            return False
        return self.route.kind == "fastapi" and parameter.arg not in self.users

    @cached_property
    def models(self) -> list[tuple[str, Module, ast.ClassDef]]:
        """The parameters whose type is a class of the project: request bodies."""
        found = []
        for parameter, _ in parameters(self.function):
            if parameter.annotation is None or parameter.arg in self.users:
                continue
            meant = self.project.resolve(self.module, dotted(parameter.annotation))
            if isinstance(meant.node, ast.ClassDef) and meant.module:
                found.append((parameter.arg, meant.module, meant.node))
        return found

    @cached_property
    def users(self) -> set[str]:
        """Names that hold who is calling, as the server knows it."""
        found = {"current_user"} & names_in(self.function)
        found |= callers(self.project, self.keeper, self.module, self.function)
        for parameter, default in parameters(self.function):
            if self._is_user(parameter, default):
                found.add(parameter.arg)
        for target, value in assigns_in(self.function):
            if asks_who(value) or names_in(value) & found:
                found |= _given_to(target)
        return found

    def _asked(self, parameter: ast.arg, default: ast.expr | None) -> list[Check]:
        """What the parameter depends on."""
        asked = None if default is None else dependency(self.project, self.module, default)
        named = annotated(self.project, self.module, parameter.annotation)
        return [*named, asked] if asked is not None else named

    def _is_user(self, parameter: ast.arg, default: ast.expr | None) -> bool:
        if asked := self._asked(parameter, default):
            return any(self.keeper.check(*one) is not None for one in asked)
        if isinstance(parameter.annotation, ast.Name):
            return bool(
                re.match(r"Current(User|Principal|Admin)|AuthUser", parameter.annotation.id)
            )
        return parameter.arg in {"current_user", "user_from_token"}

    @cached_property
    def uses_user(self) -> bool:
        """Whether the handler looks at who calls, beyond letting them in."""
        if self.asks_about_row or self._holds_user(self.function):
            return True
        for node in self.body:
            if isinstance(node, ast.Name) and node.id in self.users:
                if isinstance(node.ctx, ast.Load):
                    return True
            elif isinstance(node, ast.expr) and not isinstance(node, ast.Name) and asks_who(node):
                return True
        return any(
            isinstance(node, ast.Attribute) and dotted(node).startswith(("self.request.user",))
            for node in self.body
        )

    @cached_property
    def _held_users(self) -> set[str]:
        """`self.me` of a class whose routes all depend on who calls."""
        holder = self.module.holders.get(self.function)
        return {
            f"self.{target.id}"
            for item in (holder.body if holder else ())
            if isinstance(item, ast.Assign | ast.AnnAssign) and item.value is not None
            for target in (item.targets if isinstance(item, ast.Assign) else [item.target])
            if isinstance(target, ast.Name)
            and (asked := dependency(self.project, self.module, item.value))
            and self.keeper.check(*asked) is not None
        }

    def _holds_user(self, node: ast.AST) -> bool:
        return bool(self._held_users) and any(
            isinstance(inner, ast.Attribute) and dotted(inner) in self._held_users
            for inner in nodes_in(node)
        )

    def of_the_user(self, node: ast.AST, but: Iterable[str] = ()) -> bool:
        names = names_in(node)
        if names & (self.users - set(but)) or self._holds_user(node):
            return True
        only = bool(names) and names <= set(but)
        return isinstance(node, ast.expr) and asks_who(node) and not only

    @cached_property
    def asks_about_row(self) -> bool:
        """`if not can_manage(client): return …`: a function of the tree's own compares what it is
        given with who calls.
        """
        tests = (node.test for node in self.body if isinstance(node, ast.If) and ends(node))
        return any(self._compares_caller(call) for test in tests for call in calls_in(test))

    def _compares_caller(self, call: ast.Call) -> bool:
        given = {dotted(one) for one in call.args} - {"", "request", "req", "session"}
        there = self.project.resolve(self.module, dotted(call.func)).node if given else None
        if not isinstance(there, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        asks = any(asks_who(statement) for statement in there.body)
        taken = {parameter.arg for parameter, _ in parameters(there)}
        return asks and any(
            isinstance(node, ast.Compare) and taken & set(names_in(node))
            for node in own_body(there)
        )

    def reached(self, depth: int = 2) -> Iterator[tuple[Module, Function]]:
        """The handler and the project's own functions it calls."""
        seen: set[ast.AST] = set()
        waiting = [(self.module, self.function, depth)]
        while waiting:
            module, function, left = waiting.pop()
            if function in seen:
                continue
            seen.add(function)
            yield module, function
            if left:
                waiting += [(*callee, left - 1) for callee in self._callees(module, function)]

    def _callees(self, module: Module, function: Function) -> Iterator[tuple[Module, Function]]:
        for node in own_body(function):
            if isinstance(node, ast.Call):
                meant = self.project.resolve(module, dotted(node.func))
                if isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) and meant.module:
                    yield meant.module, meant.node

    @cached_property
    def all_calls(self) -> list[ast.Call]:
        return [call for _, function in self.reached() for call in calls_in(function)]

    @cached_property
    def writes(self) -> bool:
        if self.route.whole_model or self._statements:
            return True
        return any(is_write(call) for call in self.all_calls)

    @cached_property
    def _statements(self) -> set[str]:
        """The verbs of SQL that is kept in a variable before it is run."""
        return {
            found[1].lower()
            for _, function in self.reached()
            if any(called(call) in {"execute", "executemany"} for call in calls_in(function))
            for text in strings_in(function)
            if (found := SQL_WRITE.match(text))
        }

    @cached_property
    def reads(self) -> bool:
        return self.route.whole_model or any(is_query(call) for call in self.all_calls)

    @cached_property
    def changes(self) -> bool:
        """Whether it changes or deletes rows that are there, rather than adding one."""
        if self._statements - {"insert"}:
            return True
        return any(
            is_write(call) and (called(call) in CHANGES or changes_sql(call))
            for call in self.all_calls
        )


def spread(function: ast.AST, start: set[str]) -> set[str]:
    """The names that values of `start`, or of the request, flow into."""
    known = set(start)
    for _ in range(3):
        before = len(known)
        for target, value in assigns_in(function):
            if comes_from(value, known):
                known |= _given_to(target)
        for node in nodes_in(function):
            if isinstance(node, ast.For | ast.AsyncFor) and comes_from(node.iter, known):
                known |= _given_to(node.target)
        if len(known) == before:
            break
    return known


def _given_to(target: ast.expr) -> set[str]:
    """The names that get the value; a record whose field is set stays what it was."""
    if isinstance(target, ast.Attribute):
        return set()
    return {node.id for node in nodes_in(target) if isinstance(node, ast.Name)}


def comes_from(node: ast.AST, known: set[str]) -> bool:
    """Whether an expression hands on something of the request, not cleaned on the way."""
    if isinstance(node, ast.Call):
        if called(node) in _CLEANERS or is_query(node) or is_write(node) or by_its_id(node):
            return False
        if called(node) in _REQUEST and dotted(node.func).startswith(("request.", "req.")):
            return True
    body = dotted(node).partition(".")[0] in known  # a model's, that is called so, too
    if isinstance(node, ast.Attribute) and _OF_REQUEST.match(dotted(node)) and not body:
        return bool(set(chain(node)[1:]) & _REQUEST)
    if isinstance(node, ast.Name):
        return node.id in known
    return any(comes_from(child, known) for child in ast.iter_child_nodes(node))


def fields_of(project: Project, module: Module, node: ast.ClassDef) -> dict[str, ast.AnnAssign]:
    """The annotated fields of a class and of the project's classes it extends."""
    fields: dict[str, ast.AnnAssign] = {}
    for base in node.bases:
        meant = project.resolve(module, dotted(base))
        if isinstance(meant.node, ast.ClassDef) and meant.module and meant.node is not node:
            fields |= {
                item.target.id: item
                for item in meant.node.body
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
            }
    fields |= {
        item.target.id: item
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    return fields
