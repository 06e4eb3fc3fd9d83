"""How the apps are reached from outside: servers, functions and pages, found by their code."""

import ast
import re
import warnings
from collections.abc import Iterator

from ..engine.tree import Tree
from .apps import App, app_of
from .signs import Fact
from .starting import Starting

_SERVERS = {"FastAPI": "FastAPI", "Flask": "Flask", "Starlette": "Starlette", "Sanic": "Sanic"}
_LISTEN = re.compile(r"\.listen\s*\(|createServer\s*\(|\bserve\s*\(\s*\{")
_SQLITE = re.compile(r"\bsqlite3\.connect\s*\(|[\"']sqlite(\+\w+)?:///")
_EDGE = re.compile(r"(^|/)supabase/functions/(?!_)([^/]+)/index\.[jt]sx?$")
_NEXT_ROUTE = re.compile(r"(^|/)(app/(.+/)?route|pages/api/.+)\.[jt]sx?$")
_NODE = (
    ("express", "an Express server"), ("fastify", "a Fastify server"), ("hono", "a Hono server"),
    ("koa", "a Koa server"),
)  # fmt: skip
_PAGES = (
    ("next", "Next.js pages"), ("nuxt", "Nuxt pages"), ("vite", "a browser app"),
    ("react-scripts", "a browser app"), ("@angular/core", "a browser app"), ("expo", "a phone app"),
)  # fmt: skip


def entries(tree: Tree, apps: list[App]) -> Iterator[Fact]:
    yield from _pages(apps)
    yield from _counted(tree, apps, _EDGE, "Supabase edge functions")
    with_next = [app for app in apps if "next" in app.dependencies]
    if with_next:
        yield from _counted(tree, apps, _NEXT_ROUTE, "Next.js route handlers")
    yield from _node_servers(tree, apps)
    yield from _python_servers(tree, apps)
    yield from _sqlite(tree, apps)


def _pages(apps: list[App]) -> Iterator[Fact]:
    for app in apps:
        for package, name in _PAGES:
            if found := app.dependencies.get(package):
                yield Fact("exposed", name, found.shown_by, app.root)
                break


def _counted(tree: Tree, apps: list[App], pattern: re.Pattern[str], name: str) -> Iterator[Fact]:
    paths: dict[str, list[str]] = {}
    for path in tree.files:
        if pattern.search(path):
            paths.setdefault(app_of(path, apps), []).append(path)
    for app, found in paths.items():
        yield Fact("exposed", name, found[0], app, str(len(found)))


def _node_servers(tree: Tree, apps: list[App]) -> Iterator[Fact]:
    wanted = {app.root: [it for it in _NODE if it[0] in app.dependencies] for app in apps}
    for path in tree.ending(".js", ".ts", ".mjs", ".cjs") if any(wanted.values()) else ():
        app = app_of(path, apps)
        if not wanted.get(app):
            continue
        text = tree.text(path) or ""
        for package, name in list(wanted[app]):
            if re.search(rf"""["']{package}["']""", text) and _LISTEN.search(text):
                wanted[app].remove((package, name))
                yield Fact("exposed", name, path, app)


def _sqlite(tree: Tree, apps: list[App]) -> Iterator[Fact]:
    """Python has it built in, so no manifest names it."""
    for path in tree.ending(".py"):
        if _SQLITE.search(tree.text(path) or ""):
            yield Fact("database", "SQLite", path, app_of(path, apps))


def _python_servers(tree: Tree, apps: list[App]) -> Iterator[Fact]:
    found = []
    for path in tree.ending(".py"):
        text = tree.text(path) or ""
        if not any(f"{name}(" in text for name in _SERVERS) and "streamlit" not in text:
            continue
        for name, bound in _made_in(text).items():
            yield Fact("frameworks", name, path, app_of(path, apps))
            found.append((name, (path, bound)))
    if not found:
        return
    starting = Starting(tree)
    served = [(name, starting.started_as(made)) for name, made in found]
    # The first of an app is the one that counts.
    for name, server in sorted(served, key=lambda it: not starting.commanded(it[1])):
        path, bound = server
        yield Fact("exposed", f"a {name} server", path, app_of(path, apps), bound)


def _made_in(text: str) -> dict[str, str]:
    """The servers that the module itself makes, and under which name it can be imported: that of
    a variable, or of a function that makes it. Commented-out code makes none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    made: dict[str, str] = {}
    for statement in module.body:
        for node in ast.walk(statement):
            if name := _server_of(node):
                made[name] = made.get(name) or _bound_by(statement)
    return made


def _server_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
        called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        return _SERVERS.get(called)
    if isinstance(node, ast.Import) and any(it.name == "streamlit" for it in node.names):
        return "Streamlit"
    return None


def _bound_by(statement: ast.stmt) -> str:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return f"{statement.name}()"
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return next((target.id for target in targets if isinstance(target, ast.Name)), "")
