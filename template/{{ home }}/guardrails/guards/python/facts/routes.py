"""The route table of FastAPI and Flask services, across files."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ....engine.tree import Tree
from ...idle import idle, settings_of
from ...web_paths import patterns
from .answering import answering
from .depends import Check, class_checks, dependencies, parameter_checks
from .modules import Function, Module, Project
from .syntax import (
    argument,
    called,
    dotted,
    keyword,
    parameters,
    strings_in,
    text_of,
    words_in,
)
from .walking import nodes_in

_VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "websocket"}
_MAKERS = {
    "FastAPI": "fastapi", "APIRouter": "fastapi", "Starlette": "fastapi",
    "Flask": "flask", "Blueprint": "flask", "Quart": "flask", "APIBlueprint": "flask",
    "Api": "flask", "Namespace": "flask", "namespace": "flask", "OpenAPI": "flask",
}  # fmt: skip
_APPS = {"FastAPI", "Flask", "Quart", "Starlette", "OpenAPI"}
_JOINS = {"include_router", "register_blueprint", "mount", "add_namespace", "init_app"}
_DEEPEST = 6


@dataclass(eq=False)
class Router:
    """An application, a router or a blueprint."""

    name: str
    module: Module
    call: ast.Call
    maker: str
    prefix: str = ""
    checks: list[Check] = field(default_factory=list)
    parents: "list[Join]" = field(default_factory=list)

    @property
    def is_app(self) -> bool:
        return self.maker in _APPS

    @property
    def kind(self) -> str:
        return _MAKERS[self.maker]


@dataclass(eq=False)
class Join:
    """A router hung into another one, under a prefix, with further checks."""

    parent: Router | None
    prefix: str
    checks: list[Check]
    at_home: bool = False


@dataclass(eq=False)
class Route:
    """One method and path, who handles it, and every check that stands before it."""

    method: str
    path: str
    module: Module
    function: Function
    kind: str
    line: int
    checks: list[Check] = field(default_factory=list)
    too_high: list[ast.expr] = field(default_factory=list)
    router: Router | None = None
    served: bool = True
    access: str = "unknown"
    before: str = "public"
    why: str = ""
    stated: bool = False
    whole_model: bool = False
    behind: "Route | None" = None
    """The route that answers before it what it would answer."""

    @property
    def writes(self) -> bool:
        return self.method in {"POST", "PUT", "PATCH", "DELETE"}

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"


class RouteTable:
    """Finds routers, hangs them together, and lists what they serve."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.routers: dict[tuple[str, str], Router] = {}
        self.loose = False
        self._find_routers()
        self._join()
        self.routes = list({_key(route): route for route in self._routes()}.values())
        self._hide_second_ones()

    def _hide_second_ones(self) -> None:
        """Of two functions for one method and path the first one answers."""
        first: dict[tuple[object, ...], Route] = {}
        for route in sorted(self.routes, key=lambda one: one.line):
            if route.function in route.module.tree.body:
                key = (route.module.path, route.router, route.method, patterns(route.path))
                there = first.setdefault(key, route)
                route.behind = None if there.function is route.function else there
                route.served = route.served and route.behind is None

    def router_of(self, module: Module, node: ast.AST | None) -> Router | None:
        name = dotted(node)
        meant = self.project.resolve(module, name) if name else None
        if meant is None or meant.module is None:
            return None
        return self.routers.get((meant.module.path, meant.name.rpartition(".")[2]))

    def _find_routers(self) -> None:
        for module in self.project.modules:
            for node in module.nodes:
                if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(
                    node.value, ast.Call
                ):
                    self._router(module, node, node.value)

    def _router(self, module: Module, node: ast.Assign | ast.AnnAssign, call: ast.Call) -> None:
        maker = self._maker(module, call.func)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        name = dotted(targets[0]).rpartition(".")[2]
        if not maker or not name:
            return
        prefix = text_of(keyword(call, "prefix", "url_prefix", "path")) or ""
        if maker.lower() == "namespace" and not prefix and call.args:
            prefix = f"/{text_of(call.args[0]) or ''}"  # of Flask-RESTX: it is called as its path
        self.routers[module.path, name] = Router(
            name, module, call, maker, prefix, dependencies(module, call)
        )

    def _maker(self, module: Module, node: ast.expr) -> str:
        name = dotted(node).rpartition(".")[2]
        if name in _MAKERS:
            return name
        meant = self.project.resolve(module, dotted(node)) if name else None
        if meant and isinstance(meant.node, ast.ClassDef):
            bases = (dotted(base).rpartition(".")[2] for base in meant.node.bases)
            return next((base for base in bases if base in _MAKERS), "")
        return ""

    def _join(self) -> None:
        for module in self.project.modules:
            joins = [call for call in module.calls if called(call) in _JOINS]
            at_home = _only_at_home(module) if joins else set()
            for call in joins:
                if isinstance(call.func, ast.Attribute):
                    self._hang(module, call, call.func.value, at_home=call in at_home)

    def _hang(self, module: Module, call: ast.Call, parent: ast.expr, *, at_home: bool) -> None:
        child = argument(call, 0, "router", "blueprint")
        router = self.router_of(module, child)
        if called(call) == "mount":
            router = self.router_of(module, argument(call, 1, "app"))
        if called(call) == "init_app":
            router = self.router_of(module, parent)
            parent = child or parent
        if router is None:
            hangs = called(call) in {"include_router", "register_blueprint"}
            self.loose = self.loose or (hangs and not self._never_run(module, call, parent))
            return
        prefix = text_of(keyword(call, "prefix", "url_prefix"))
        if prefix is not None and router.kind == "flask":
            router.prefix = ""  # Flask: registering with a prefix replaces the blueprint's own
        router.parents.append(
            Join(self.router_of(module, parent), prefix or "", dependencies(module, call), at_home)
        )

    def _never_run(self, module: Module, call: ast.Call, parent: ast.expr) -> bool:
        """Whether the line stands in a function that is given the application, and nobody calls:
        `def register_all(app)`.
        """
        owner = module.owners.get(call)
        given = {parameter.arg for parameter, _ in parameters(owner)} if owner else set()
        if owner is None or dotted(parent) not in given:
            return False
        for other in self.project.modules:
            for one in other.calls:
                if called(one) == owner.name:
                    meant = self.project.resolve(other, dotted(one.func))
                    if meant.node is owner or (meant.node is None and meant.module is None):
                        return False
        return True

    def _routes(self) -> Iterator[Route]:
        for module in self.project.modules:
            for function in module.functions:
                yield from self._decorated(module, function)
            for node in module.classes:
                yield from self._resource(module, node)
            for call in module.calls:
                if called(call) in {"add_url_rule", "add_api_route", "add_resource"}:
                    yield from self._added(module, call)

    def _decorated(self, module: Module, function: Function) -> Iterator[Route]:
        marks = [
            at for at, node in enumerate(function.decorator_list) if self._is_route(module, node)
        ]
        for at in marks:
            call = function.decorator_list[at]
            assert isinstance(call, ast.Call)
            assert isinstance(call.func, ast.Attribute)
            router = self.router_of(module, call.func.value)
            kind = router.kind if router else _kind_of(module)
            low: list[Check] = [(module, node) for node in function.decorator_list[marks[-1] + 1 :]]
            checks = [*low, *dependencies(module, call)]
            checks += parameter_checks(self.project, module, function)
            holder = module.holders.get(function)
            if (
                holder is not None and holder.decorator_list
            ):  # `@cbv(router)`, `@controller(router)`
                checks += class_checks(self.project, module, holder)
            path = text_of(argument(call, 0, "path", "rule")) or ""
            for method in _methods(call, called(call)):
                for prefix, above, served in self._positions(router):
                    yield Route(
                        method, f"{prefix}{path}".replace("//", "/") or "/", module, function, kind,
                        function.lineno, [*above, *checks],
                        function.decorator_list[: marks[0]] if kind == "flask" else [],
                        router, served,
                    )  # fmt: skip

    def _is_route(self, module: Module, node: ast.expr) -> bool:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        if node.func.attr not in _VERBS | {"route", "api_route"}:
            return False
        path = text_of(argument(node, 0, "path", "rule"))
        if self.router_of(module, node.func.value) is not None:
            return path is not None
        return path is not None and path.startswith("/") and bool(_kind_of(module))

    def _positions(
        self, router: Router | None, depth: int = 0
    ) -> Iterator[tuple[str, list[Check], bool]]:
        """Every prefix under which a router is served, with the checks on the way to it."""
        if router is None:
            yield "", [], True
        elif router.is_app or not router.parents or depth > _DEEPEST:
            unknown = self._may_be_hung(router)
            yield router.prefix, list(router.checks), router.is_app or unknown
        else:
            for join in router.parents:
                for prefix, checks, served in self._positions(join.parent, depth + 1):
                    whole = f"{prefix}{join.prefix}{router.prefix}"
                    above = [*checks, *join.checks, *router.checks]
                    yield whole, above, served and not join.at_home

    def _may_be_hung(self, router: Router) -> bool:
        """Whether it may be served although no line says so: where another part of the program
        has its module, and what is hung up isn't always seen.
        """
        if not any(other.is_app for other in self.routers.values()):
            return True
        return self.loose and (not self._used or router.module.path in self._used)

    def unstarted(self, tree: Tree) -> set[str]:
        """Files that make a server which nobody starts, beside one that runs."""
        paths = {router.module.path for router in self.routers.values() if router.is_app}
        if len(paths) < 2:
            return set()
        servers = {path: path.rpartition("/")[0] for path in paths}
        return idle(tree, servers, self._used, settings_of(tree))

    @cached_property
    def _used(self) -> set[str]:
        """The modules that others import; none where modules are looked up by their names."""
        used: set[str] = set()
        for module in self.project.modules:
            for target in module.imports.values():
                if target.partition(".")[0] in {"importlib", "pkgutil"}:
                    return set()
                for name in (target, target.rpartition(".")[0]):
                    there = self.project.module_named(name, module) if name else None
                    used |= {there.path} if there and there is not module else set()
        return used

    def _resource(self, module: Module, node: ast.ClassDef) -> Iterator[Route]:
        """A class of Flask-RESTX: `@api.route("/x") class X(Resource)`."""
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and called(mark) == "route":
                path = text_of(argument(mark, 0)) or ""
                router = self.router_of(module, getattr(mark.func, "value", None))
                for prefix in {prefix for prefix, _, _ in self._positions(router)}:
                    yield from self._methods_of(module, node, f"{prefix}{path}".replace("//", "/"))

    def _added(self, module: Module, call: ast.Call) -> Iterator[Route]:
        name = called(call)
        path = text_of(argument(call, 1 if name == "add_resource" else 0, "path", "rule"))
        view = argument(call, 0, "resource") if name == "add_resource" else None
        view = view or argument(call, 2 if name == "add_url_rule" else 1, "view_func", "endpoint")
        if isinstance(view, ast.Call) and called(view) == "as_view":
            view = view.func.value if isinstance(view.func, ast.Attribute) else view
        meant = self.project.resolve(module, dotted(view)) if view is not None else None
        if path is None or meant is None or meant.module is None:
            return
        if isinstance(meant.node, ast.ClassDef):
            yield from self._methods_of(meant.module, meant.node, path)
        elif isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = meant.node
            checks: list[Check] = [(meant.module, node) for node in function.decorator_list]
            checks += dependencies(module, call)
            checks += parameter_checks(self.project, meant.module, function)
            for method in _methods(call, "route"):
                yield Route(
                    method, path, meant.module, function, _kind_of(module), function.lineno, checks
                )

    def _methods_of(self, module: Module, node: ast.ClassDef, path: str) -> Iterator[Route]:
        shared: list[Check] = [(module, mark) for mark in node.decorator_list]
        for target, value in (
            (statement.targets[0], statement.value)
            for statement in node.body
            if isinstance(statement, ast.Assign)
        ):
            if dotted(target) in {"decorators", "method_decorators"} and isinstance(
                value, ast.List
            ):
                shared += [(module, mark) for mark in value.elts]
        for function in node.body:
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and (
                function.name in _VERBS
            ):
                own: list[Check] = [(module, mark) for mark in function.decorator_list]
                there, meant = answering(self.project, module, function)
                if meant is not function:
                    own += [(there, mark) for mark in meant.decorator_list]
                yield Route(
                    function.name.upper(), path, there, meant, "flask", meant.lineno,
                    [*shared, *own],
                )  # fmt: skip


_AT_HOME = re.compile(r"^(local|dev|develop\w*|test\w*|debug|is_dev\w*)$", re.IGNORECASE)


def _only_at_home(module: Module) -> set[ast.AST]:
    """What is done under `if settings.ENVIRONMENT == "local":`."""
    return {
        inner
        for node in module.nodes
        if isinstance(node, ast.If)
        and any(_AT_HOME.match(word) for word in words_in(node.test) | strings_in(node.test))
        and not any(isinstance(one, ast.Not | ast.NotEq) for one in nodes_in(node.test))
        for statement in node.body
        for inner in nodes_in(statement)
    }


def _key(route: Route) -> tuple[str, str, str, int]:
    return route.method, route.path, route.module.path, route.line


def _kind_of(module: Module) -> str:
    roots = {target.partition(".")[0] for target in module.imports.values()}
    if "fastapi" in roots:
        return "fastapi"
    if roots & {"flask", "quart", "flask_restful", "flask_restx"}:
        return "flask"
    return ""


def _methods(call: ast.Call, verb: str) -> list[str]:
    listed = keyword(call, "methods")
    if isinstance(listed, ast.List | ast.Tuple | ast.Set):
        return sorted({(text_of(item) or "").upper() for item in listed.elts} - {"", "OPTIONS"})
    return [verb.upper()] if verb in _VERBS else ["GET"]
