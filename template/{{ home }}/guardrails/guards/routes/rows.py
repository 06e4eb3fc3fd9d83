"""The route table and the pages as facts for the report, and for whoever guards them."""

import posixpath
import re
from collections.abc import Iterator

from ..web_paths import patterns
from .access import Case
from .nextgate import gate
from .platforms import EdgeProject, web_path
from .program import Program
from .table import Route

_APP_PAGE = re.compile(r"(?:^|/)app/(?:(.*)/)?page\.(?:tsx|ts|jsx|js|mdx)$")
_PAGES_PAGE = re.compile(r"(?:^|/)pages/((?!api/|_)[^.]*)\.(?:tsx|jsx)$")
_APP_FILE = re.compile(r"(?:^|/)app/(.*)/route\.\w+$")
_API_FILE = re.compile(r"(?:^|/)pages/(api/.*)\.\w+$")

Row = dict[str, object]


def route_row(case: Case, projects: list[EdgeProject]) -> Row:
    route = case.route
    return {
        "method": route.method,
        "path": route.path,
        "patterns": list(_patterns(route)),
        "file": route.module.path,
        "line": route.line,
        "kind": route.kind,
        "app": route.app,
        "name": route.label,
        "access": case.access.value,
        "why": case.why,
        "gateway": route.kind == "edge" and not _is_unchecked(route, projects),
    }


def _patterns(route: Route) -> tuple[str, ...]:
    """None for a server action: it has no path of its own."""
    if route.kind == "action":
        return ()
    for sign in (_APP_FILE, _API_FILE):
        if route.kind == "next" and (found := sign.search(route.module.path)):
            # The route table forgets which parameter takes all the rest.
            return patterns(_without_groups(found[1]))
    return patterns(route.path)


def _is_unchecked(route: Route, projects: list[EdgeProject]) -> bool:
    return any(
        route.name in project.unchecked
        and route.module.path.startswith(project.path.removesuffix("config.toml"))
        for project in projects
    )


def page_rows(program: Program) -> Iterator[Row]:
    """The pages of Next.js, and what the middleware file asks before each."""
    for path in program.tree.files:
        found = _APP_PAGE.search(path) or _PAGES_PAGE.search(path)
        if found is None or not (app := _next_app(program, path)):
            continue
        inner = _without_groups(found[1] or "").removesuffix("index")
        module = program.module(path) if path.endswith((".tsx", ".ts", ".jsx", ".js")) else None
        asked = ""
        if module is not None:
            route = Route("GET", web_path(inner), "next", module, 0, (), app=app[0])
            asked = gate(program, route)
        yield {"patterns": list(patterns(inner)), "file": path, "app": app[0], "asked": asked}


def _without_groups(path: str) -> str:
    """Route groups and parallel routes are folders that no address names."""
    return "/".join(part for part in path.split("/") if not re.match(r"\(.*\)$|@", part))


def _next_app(program: Program, path: str) -> tuple[str] | None:
    folder = posixpath.dirname(path)
    while True:
        manifest = posixpath.join(folder, "package.json")
        if manifest in program.tree.present:
            return (folder,) if '"next"' in (program.text(manifest) or "") else None
        if not folder:
            return None
        folder = posixpath.dirname(folder)
