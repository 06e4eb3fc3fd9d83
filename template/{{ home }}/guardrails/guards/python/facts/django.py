"""The routes of Django and Django REST framework: urls, views, and who may call them."""

import ast
import re
from collections.abc import Iterator, Mapping

from .access import Gatekeeper, Verdict, strongest
from .modules import Function, Module, Project
from .routes import Route
from .syntax import (
    argument,
    called,
    calls_in,
    chain,
    dotted,
    keyword,
    strings_in,
    target_name,
    text_of,
)
from .walking import nodes_in

_VERBS = ("get", "post", "put", "patch", "delete")
_ACTIONS = {
    "list": "GET", "retrieve": "GET", "create": "POST", "update": "PUT",
    "partial_update": "PATCH", "destroy": "DELETE",
}  # fmt: skip
_READ_ONLY = {
    "ListView",
    "DetailView",
    "TemplateView",
    "ListAPIView",
    "RetrieveAPIView",
    "ReadOnlyModelViewSet",
}
_CHANGING = {
    "CreateView",
    "CreateAPIView",
    "UpdateView",
    "DeleteView",
    "DestroyAPIView",
    "UpdateAPIView",
    "ModelViewSet",
    "ListCreateAPIView",
    "RetrieveUpdateDestroyAPIView",
    "RetrieveUpdateAPIView",
    "RetrieveDestroyAPIView",
}
_DEEPEST = 5
_FOLLOWED = 2
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class DjangoRoutes:
    """What `urlpatterns` lead to."""

    def __init__(self, project: Project, keeper: Gatekeeper) -> None:
        self._project = project
        self._keeper = keeper
        self._default, self._wall = _settings(project)

    def routes(self) -> Iterator[Route]:
        included = {name for module in self._project.modules for name in _includes(module)}
        for module in self._project.modules:
            if "urlpatterns" in module.named and not any(
                module.path.removesuffix(".py").replace("/", ".").endswith(name)
                for name in included
            ):
                yield from self._of(module, "/", 0)

    def _of(self, module: Module, prefix: str, depth: int) -> Iterator[Route]:
        for call in module.calls:
            name = called(call)
            path = text_of(argument(call, 0, "route", "prefix"))
            if path is None or depth > _DEEPEST:
                continue
            whole = f"{prefix}{path.lstrip('^/').rstrip('$')}"
            view = argument(call, 1, "view", "viewset")
            if name in {"path", "re_path", "url"} and view is not None:
                yield from self._leads_to(module, view, whole, depth)
            elif name == "register" and isinstance(call.func, ast.Attribute) and view is not None:
                yield from self._view(module, view, f"{whole}/")

    def _leads_to(self, module: Module, view: ast.expr, path: str, depth: int) -> Iterator[Route]:
        if called(view) == "include" and isinstance(view, ast.Call) and view.args:
            name = text_of(view.args[0])
            other = self._project.module_named(name, module) if name else None
            if other is not None and other is not module:
                yield from self._of(other, path, depth + 1)
        else:
            yield from self._view(module, view, path)

    def _view(self, module: Module, view: ast.expr, path: str) -> Iterator[Route]:
        wrappers: list[ast.expr] = []
        while isinstance(view, ast.Call) and called(view) != "as_view" and view.args:
            wrappers.append(view.func)
            view = view.args[0]
        if isinstance(view, ast.Call) and isinstance(view.func, ast.Attribute):
            view = view.func.value
        meant = self._project.resolve(module, dotted(view))
        around = [self._keeper.check(module, wrapper) for wrapper in wrappers]
        if isinstance(meant.node, ast.ClassDef) and meant.module:
            yield from self._class(meant.module, meant.node, path, around)
        elif isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) and meant.module:
            yield from self._function(meant.module, meant.node, path, around)

    def _function(
        self, module: Module, function: Function, path: str, around: list[Verdict | None]
    ) -> Iterator[Route]:
        verdicts = [*around, self._wall]
        marks = {called(mark) or dotted(mark): mark for mark in function.decorator_list}
        for name, mark in marks.items():
            if name == "permission_classes":
                verdicts.append(_permissions(mark))
            elif name not in {"api_view", "require_http_methods", "authentication_classes"}:
                verdicts.append(self._keeper.check(module, mark))
        if "api_view" in marks and "permission_classes" not in marks:
            verdicts.append(self._default)
        for method in _methods_asked(function, marks):
            yield self._made(module, function, path, method, verdicts)

    def _made(
        self, module: Module, function: Function, path: str, method: str,
        verdicts: list[Verdict | None], *, whole: bool = False,
    ) -> Route:  # fmt: skip
        before = strongest(verdicts)
        inside = self._keeper.function(module, function) or self._own_rows(module, function)
        verdict = strongest([before, inside])
        verdict = verdict or Verdict("public", "nothing stands before it")
        return Route(
            method, path, module, function, "django", function.lineno,
            access=verdict.access, why=verdict.why, before=before.access if before else "public",
            whole_model=whole,
        )  # fmt: skip

    def _class(
        self, module: Module, node: ast.ClassDef, path: str, around: list[Verdict | None]
    ) -> Iterator[Route]:
        verdicts = [*around, self._wall]
        verdicts += [self._keeper.check(module, mark) for mark in node.decorator_list]
        bases = list(self._bases(module, node))
        names = {dotted(base).rpartition(".")[2] for base in bases}
        verdicts += [
            Verdict("caller", f"{name} stands before it")
            for name in names
            if name.endswith(
                ("LoginRequiredMixin", "PermissionRequiredMixin", "UserPassesTestMixin")
            )
        ]
        stated = _stated(node)
        verdicts.append(stated or (self._default if _is_api(names) else None))
        for method, function in _methods(node):
            yield self._made(module, function, path, method, verdicts)
        if names & (_CHANGING | _READ_ONLY) and stated is None:
            own = [
                self._own_rows(module, item) for item in node.body if isinstance(item, _FUNCTIONS)
            ]
            made = self._made(
                module, _stub(node), path, _worst_of(names), [*verdicts, *own], whole=True
            )
            yield made

    def _own_rows(self, module: Module, function: ast.AST, depth: int = 0) -> Verdict | None:
        """A query for the rows of the visitor's own session or account."""
        for call in calls_in(function):
            given = [*call.args, *(word.value for word in call.keywords)]
            visitor = any(_is_visitor(inner) for node in given for inner in nodes_in(node))
            if visitor and "objects" in chain(call):
                return Verdict("caller", "its rows are those of the visitor")
            meant = self._project.resolve(module, dotted(call.func))
            if depth >= _FOLLOWED or not isinstance(meant.node, _FUNCTIONS) or not meant.module:
                continue
            if own := self._own_rows(meant.module, meant.node, depth + 1):
                return own
        return None

    def _bases(self, module: Module, node: ast.ClassDef, depth: int = 0) -> Iterator[ast.expr]:
        for base in node.bases:
            yield base
            meant = self._project.resolve(module, dotted(base))
            if isinstance(meant.node, ast.ClassDef) and meant.module and depth < _DEEPEST:
                yield from self._bases(meant.module, meant.node, depth + 1)


def _is_visitor(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and bool(
        re.match(r"(self\.)?request\.(session|user)\b", dotted(node))
    )


def _worst_of(names: set[str]) -> str:
    """The method that does most of those that the bases of a generic view answer."""
    if not names & _CHANGING:
        return "GET"
    if any(re.search("Destroy|Delete|^Model", name) for name in names & _CHANGING):
        return "DELETE"
    return "PATCH" if any("Update" in name for name in names & _CHANGING) else "POST"


def _stub(node: ast.ClassDef) -> ast.FunctionDef:
    """What stands for the methods that a generic view inherits."""
    stub = ast.FunctionDef(
        node.name, ast.arguments([], [], None, [], [], None, []), [ast.Pass()], [],
        lineno=node.lineno, col_offset=node.col_offset,
    )  # fmt: skip
    ast.copy_location(stub.body[0], node)
    return ast.fix_missing_locations(stub)


def _includes(module: Module) -> Iterator[str]:
    for call in module.calls:
        if called(call) == "include" and call.args and (name := text_of(call.args[0])):
            yield name


def _settings(project: Project) -> tuple[Verdict | None, Verdict | None]:
    """REST framework's default permission, and Django's own middleware that asks everybody."""
    for module in project.modules:
        if "INSTALLED_APPS" not in module.named:
            continue
        default = any(_closed_by_default(other) for other in project.modules)
        middleware = getattr(module.named.get("MIDDLEWARE"), "value", None)
        walls = strings_in(middleware) if middleware is not None else set()
        return (
            Verdict("caller", "the framework's default asks everybody") if default else None,
            Verdict("caller", "a middleware asks everybody")
            if any("LoginRequired" in text for text in walls) else None,
        )  # fmt: skip
    return None, None


def _closed_by_default(module: Module) -> bool:
    """Whether REST framework's settings name a permission of any kind, the project's own too."""
    rest = getattr(module.named.get("REST_FRAMEWORK"), "value", None)
    if not isinstance(rest, ast.Dict):
        return False
    names = {
        text.rpartition(".")[2]
        for key, value in zip(rest.keys, rest.values, strict=True)
        if text_of(key) == "DEFAULT_PERMISSION_CLASSES"
        for text in strings_in(value)
    }
    return bool(names - {"AllowAny"})


def _stated(node: ast.ClassDef) -> Verdict | None:
    for item in node.body:
        if isinstance(item, ast.Assign) and target_name(item.targets[0]) == "permission_classes":
            return _permissions(item.value) or Verdict("public", "it is marked AllowAny")
        if isinstance(item, ast.FunctionDef) and item.name == "get_permissions":
            return Verdict("caller", "get_permissions decides")
    return None


def _permissions(node: ast.AST) -> Verdict | None:
    names = {
        inner.attr if isinstance(inner, ast.Attribute) else inner.id
        for inner in nodes_in(node)
        if isinstance(inner, ast.Name | ast.Attribute)
    } - {"permission_classes", "permissions"}
    if not names or names == {"AllowAny"}:
        return None
    return Verdict("role" if "IsAdminUser" in names else "caller", f"{', '.join(sorted(names))}")


def _is_api(names: set[str]) -> bool:
    return any("API" in name or "ViewSet" in name for name in names)


def _methods(node: ast.ClassDef) -> Iterator[tuple[str, Function]]:
    for item in node.body:
        if not isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        action = next((mark for mark in item.decorator_list if called(mark) == "action"), None)
        if item.name in _VERBS:
            yield item.name.upper(), item
        elif item.name in _ACTIONS:
            yield _ACTIONS[item.name], item
        elif isinstance(action, ast.Call):
            methods = keyword(action, "methods")
            for method in sorted(strings_in(methods)) if methods is not None else ["get"]:
                yield method.upper(), item


def _methods_asked(function: Function, marks: Mapping[str, ast.expr]) -> list[str]:
    stated = marks.get("api_view") or marks.get("require_http_methods")
    if stated is not None:
        return sorted(strings_in(stated)) or ["GET"]
    if any(name.endswith("require_POST") for name in marks):
        return ["POST"]
    return ["GET", "POST"] if _handles_post(function) else ["GET"]


def _handles_post(function: Function) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and dotted(node) in {"request.POST", "request.body", "request.FILES"}
        for node in nodes_in(function)
    )
