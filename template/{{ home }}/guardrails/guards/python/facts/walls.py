"""What stands before many routes at once, and so who is let in to each of them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .access import Gatekeeper, Verdict, is_login, strongest
from .modules import Module
from .refusals import refuses
from .routes import Route, Router, RouteTable
from .syntax import called, dotted, strings_in, words_in
from .walking import nodes_in


def judge(table: RouteTable, keeper: Gatekeeper) -> None:
    """Give every route its access."""
    walls = list(_walls(table, keeper))
    for route in table.routes:
        if route.access != "unknown":
            continue
        verdicts = [keeper.check(module, node) for module, node in route.checks]
        verdicts += [wall.verdict for wall in walls if wall.stands_before(route)]
        before = strongest(verdicts)
        route.before = before.access if before else "public"
        inside = None if is_login(route) else keeper.function(route.module, route.function)
        if inside and inside.access == "caller" and not keeper.looks_at_caller(route):
            inside = None
        verdict = strongest([before, inside]) or Verdict("public", "nothing stands before it")
        route.access, route.why = verdict.access, verdict.why
        route.stated = verdict.access == "public" and verdict.why.startswith("it is marked")


@dataclass(frozen=True)
class _Wall:
    """A check before many routes: `before_request`, or a middleware."""

    verdict: Verdict
    module: Module
    blueprint: Router | None
    open_paths: frozenset[str]
    open_names: frozenset[str]
    only_under: tuple[str, ...] = ()

    def stands_before(self, route: Route) -> bool:
        if route.method == "WEBSOCKET":
            return False  # what is called for each request isn't called for a socket
        if self.only_under:
            return route.path.startswith(self.only_under)
        if self.blueprint is not None and route.router is not self.blueprint:
            return False
        if route.function.name in self.open_names:
            return False
        path = route.path.rstrip("/") or "/"
        return not any(
            path == text or (text != "/" and path.startswith(f"{text}/"))
            for text in self.open_paths
        )


def _walls(table: RouteTable, keeper: Gatekeeper) -> Iterator[_Wall]:
    for module in table.project.modules:
        for function in module.functions:
            for mark in function.decorator_list:
                name = dotted(mark).rpartition(".")[2]
                if name in {"before_request", "before_app_request", "middleware"}:
                    verdict = keeper.function(module, function)
                    if verdict:
                        yield _wall(table, module, function, verdict, mark)
        for call in module.calls:
            if called(call) in {"add_middleware", "before_request"} and call.args:
                yield from _added_wall(table, keeper, module, call)


def _added_wall(
    table: RouteTable, keeper: Gatekeeper, module: Module, call: ast.Call
) -> Iterator[_Wall]:
    meant = table.project.resolve(module, dotted(call.args[0]))
    if (
        meant.module is None
        or meant.node is None
        or not isinstance(meant.node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ):
        return
    verdict = keeper.check(module, call.args[0])
    if verdict:
        yield _wall(table, meant.module, meant.node, verdict, call)


def _wall(
    table: RouteTable, module: Module, node: ast.AST, verdict: Verdict, mark: ast.expr
) -> _Wall:
    texts = set(strings_in(node))
    for word in words_in(node) - words_in(mark):
        value = getattr(module.named.get(word), "value", None)
        if isinstance(value, ast.List | ast.Set | ast.Tuple | ast.Call):
            texts |= strings_in(value)
    func = mark.func if isinstance(mark, ast.Call) else mark
    holder = table.router_of(module, func.value) if isinstance(func, ast.Attribute) else None
    narrow = holder is not None and not holder.is_app and dotted(mark).endswith("before_request")
    if verdict.access == "signature":  # of some addresses; before all others it asks who calls
        verdict = replace(verdict, access="caller")
    return _Wall(
        verdict,
        module,
        holder if narrow else None,
        frozenset(text.rstrip("/") or "/" for text in texts if text.startswith("/")),
        frozenset(text.rpartition(".")[2] for text in texts if not text.startswith("/")),
        _only_under(node),
    )


def _only_under(node: ast.AST) -> tuple[str, ...]:
    """`if path.startswith("/admin"):`, where it turns strangers away in there and nowhere else."""
    functions = [
        one for one in nodes_in(node) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for function in functions:
        for branch in (one for one in nodes_in(function) if isinstance(one, ast.If)):
            under = _prefixes(branch.test)
            inside = {inner for part in branch.body for inner in nodes_in(part)}
            refusing = {one for one in nodes_in(function) if refuses(one, function)}
            if under and refusing and refusing <= inside:
                return under
    return ()


def _prefixes(test: ast.expr) -> tuple[str, ...]:
    """The beginnings of paths that a test asks for."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        parts = [_prefixes(one) for one in test.values]
        return tuple(text for part in parts for text in part) if all(parts) else ()
    if called(test) != "startswith" or not isinstance(test, ast.Call):
        return ()
    texts = strings_in(test)
    return tuple(sorted(texts)) if all(text.startswith("/") for text in texts) else ()
