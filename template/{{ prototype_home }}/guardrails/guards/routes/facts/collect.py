"""All routes of a tree, each with what it runs through."""

import re
from collections.abc import Iterator

from ....engine.tree import Tree
from ...filenames import is_test
from ...idle import beside_functions
from .access import Case
from .mounted import Mounted
from .nextgate import gate
from .platforms import action_clients, actions, cloud, file_routes, nest
from .procedures import NAMED, asked_before, procedures
from .program import CODE, Program
from .servers import Servers, is_server
from .source import Module
from .table import Route


def collect(tree: Tree) -> tuple[Program, list[Case]]:
    program = Program(tree)
    routes = list(_routes(program))
    cases = []
    for route in routes:
        route.app = _app(program, route)
        case = Case(program, route)
        if route.kind in {"next", "action"}:
            case.gate = gate(program, route)
        elif route.kind == "procedure":
            case.gate = asked_before(program, route)
        cases.append(case)
    return program, cases


_ROUTED = re.compile(
    r"['\"](?:npm:|jsr:@?|https://[^'\"]*/)(?:hono/)?hono[^'\"]*['\"]"
    r"[\s\S]*\.(?:get|post|put|patch|delete|route)\(\s*['\"`]/"
)
"""An edge function with addresses of its own, or that hangs up those of other files."""


def _routes(program: Program) -> Iterator[Route]:
    files = list(file_routes(program))
    servers: list[str] = []
    for path in program.tree.files:
        if not path.endswith(CODE) or is_test(path) or path.endswith((".d.ts", ".min.js")):
            continue
        text = program.text(path)
        if text is None:
            continue
        yield from _declared(program, path, text)
        built = path.replace("/lib/", "/src/").removesuffix(".js") + ".ts" in program.tree.present
        if "firebase-functions" in text and not built and (module := program.module(path)):
            yield from cloud(module)
        if is_server(text) and ("/functions/" not in path or _ROUTED.search(text)):
            servers.append(path)
    registered = list(Servers(program, servers).routes())
    mounted = Mounted(program) if registered else None
    answers = {one: mounted is None or mounted.answers(one) for one in servers}
    program.unstarted |= beside_functions(program.tree) | (mounted.idle() if mounted else set())
    # Of two that are told as one, the living one is told.
    registered.sort(key=lambda route: route.module.path in program.unstarted)
    told = [route for route in registered if answers.get(route.module.path, True)]
    routed = {route.module.path for route in told}
    yield from (one for one in files if one.kind != "edge" or one.module.path not in routed)
    yield from told


def _declared(program: Program, path: str, text: str) -> Iterator[Route]:
    """What a file says of itself that it answers, wherever it lies."""
    acts = "'use server'" in text[:400] or '"use server"' in text[:400]
    if acts and (module := program.module(path)):
        yield from _actions(program, module)
    if "@Controller(" in text and (module := program.module(path)):
        yield from nest(module)
    if "rocedure" in text and NAMED.search(text) and (module := program.module(path)):
        yield from procedures(module)


def _actions(program: Program, module: Module) -> Iterator[Route]:
    for action in actions(module):
        action.start += tuple(action_clients(program, action))
        action.named = _in_pages(program, action.name, module.path)
        yield action


_LIBRARY = re.compile(r"(?:^|/)(?:lib|emails?|server|utils)/")
_IN_BROWSER = re.compile(r"\A\s*['\"]use client['\"]")


def _in_pages(program: Program, label: str, home: str) -> bool:
    """Whether a page or a component takes the action from its file: of what none does the browser
    is told no address. Where no page is to be seen, that can't be told.
    """
    name = re.compile(rf"\b{re.escape(label.removesuffix('()'))}\b")
    folder, _, file = home.rpartition("/")
    stem = re.escape(file.partition(".")[0].replace("index", folder.rpartition("/")[2]))
    taken = re.compile(rf"['\"][^'\"\n]*\b{stem}(?:\.\w+)?['\"]")
    pages = [
        text
        for path in program.tree.files
        if path.endswith(CODE) and path != home and (text := program.text(path) or "")
        if (path.endswith((".tsx", ".jsx")) and not _LIBRARY.search(path))
        or _IN_BROWSER.match(text)
    ]
    naming = [text for text in pages if name.search(text)]
    if not pages or any(map(taken.search, naming)):
        return True
    handed_on = re.compile(rf"\bexport\b[^;'\"\n]*\bfrom\s*{taken.pattern}")
    code = (path for path in program.tree.files if path.endswith(CODE) and path != home)
    return bool(naming) and any(handed_on.search(program.text(path) or "") for path in code)


def _app(program: Program, route: Route) -> str:
    if route.kind == "edge":
        return route.module.path.partition("supabase/functions/")[0]
    return program.app(route.module.path)
