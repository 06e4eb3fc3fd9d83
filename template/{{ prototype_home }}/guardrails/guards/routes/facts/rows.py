"""The route table and the pages as facts for the report, and for whoever guards them."""

import posixpath
import re
from collections.abc import Iterator

from ...web_paths import nature, patterns
from .access import Case
from .nextgate import gate
from .platforms import EdgeProject, web_path
from .procedures import mounts
from .program import CODE, Piece, Program
from .table import Route

APP_PAGE = re.compile(r"(?:^|/)app/(?:(.*)/)?page\.(?:tsx|ts|jsx|js|mdx)$")
_PAGES_PAGE = re.compile(r"(?:^|/)pages/((?!api/|_)[^.]*)\.(?:tsx|jsx)$")
_APP_FILE = re.compile(r"(?:^|/)app/(.*)/route\.\w+$")
_API_FILE = re.compile(r"(?:^|/)pages/(api/.*)\.\w+$")
_MOST_FILES = 200

Row = dict[str, object]


def route_rows(program: Program, cases: list[Case], projects: list[EdgeProject]) -> list[Row]:
    has_procedures = any(case.route.kind == "procedure" for case in cases)
    at = [f"{mount}/**" for mount in sorted(mounts(program))] if has_procedures else []
    return [_route_row(case, projects, at) for case in cases]


def _route_row(case: Case, projects: list[EdgeProject], procedures_at: list[str]) -> Row:
    route = case.route
    return {
        "method": route.method,
        "path": route.path,
        "patterns": procedures_at if route.kind == "procedure" else list(_patterns(route)),
        "file": route.module.path,
        "line": route.line,
        "kind": route.kind,
        "app": route.app,
        "name": route.label,
        "access": case.access.value,
        "why": case.why,
        "nature": nature(route.path),
        "inside": case.why.startswith("the caller, line"),
        "gateway": route.kind == "edge" and not _is_unchecked(route, projects),
    }


def _patterns(route: Route) -> tuple[str, ...]:
    """None for a server action, which has no path of its own."""
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
    """The pages of Next.js, and what they or the middleware file ask before they are shown."""
    for path in program.tree.files:
        found = APP_PAGE.search(path) or _PAGES_PAGE.search(path)
        if found is None or (app := next_app(program, path)) is None:
            continue
        inner = _without_groups(found[1] or "").removesuffix("index")
        row: Row = {"patterns": list(patterns(inner)), "file": path, "line": 1, "app": app}
        module = program.module(path) if path.endswith(CODE) else None
        if module is None:
            yield {**row, "access": "unknown", "why": "it is no code"}
            continue
        whole = (Piece(module, 0, len(module.code)),)
        case = Case(program, Route("GET", web_path(inner), "next", module, 0, whole, app=app))
        case.gate = gate(program, case.route)
        yield {**row, "access": case.access.value, "why": case.why}


def public_files(program: Program) -> list[Row]:
    """What lies in a folder `public` beside a manifest, which servers hand out as it is."""
    found: dict[tuple[str, str], None] = {}
    for path in program.tree.files:
        app, public, rest = path.rpartition("public/")
        manifest = f"{app}package.json"
        if public and app[-1:] in {"", "/"} and manifest in program.tree.present:
            name, below, _ = rest.partition("/")
            found[app.rstrip("/"), f"/{name}/**" if below else f"/{name}"] = None
    rows: list[Row] = [{"app": app, "pattern": pattern} for app, pattern in sorted(found)]
    return rows[:_MOST_FILES]


def _without_groups(path: str) -> str:
    """Route groups and parallel routes are folders that no address names."""
    return "/".join(part for part in path.split("/") if not re.match(r"\(.*\)$|@", part))


def next_app(program: Program, path: str) -> str | None:
    folder = posixpath.dirname(path)
    while True:
        manifest = posixpath.join(folder, "package.json")
        if manifest in program.tree.present:
            return folder if '"next"' in (program.text(manifest) or "") else None
        if not folder:
            return None
        folder = posixpath.dirname(folder)
