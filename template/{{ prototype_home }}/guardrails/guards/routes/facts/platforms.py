"""Routes that are files: Supabase edge functions, Next.js, Vercel and Netlify; and Nest classes."""

import posixpath
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...filenames import is_test
from .program import CODE, Piece, Program
from .servers import handler_pieces
from .source import Argument, Module
from .table import HEADS, Guarding, Route

_EDGE = re.compile(r"(?:^|/)supabase/functions/([^_./][^/]*)/index\.(?:ts|tsx|js|mjs)$")
_APP_ROUTE = re.compile(r"(?:^|/)app/(?:(.*)/)?route\.(?:ts|tsx|js|jsx|mjs)$")
_PAGE_API = re.compile(r"(?:^|/)pages/(api/.*)\.(?:ts|tsx|js|jsx|mjs)$")
_FILE_API = re.compile(r"^(.*?/)?((?:api|netlify/functions)/.*)\.(?:ts|js|mjs|cjs)$")
_SERVE = re.compile(r"\b(?:Deno\.)?serve\w*\(|\bexport\s+default\b")
_METHODS = "|".join(sorted(HEADS - {"ALL"}))
_EXPORTED = re.compile(
    rf"\bexport\s+(?:async\s+)?(?:function\s+({_METHODS})\b|(?:const|let)\s+({_METHODS})\b)"
)
_HANDLES = re.compile(
    r"\bexport\s+(?:default\b|(?:const|async function|function)\s+handler\b)|\bmodule\.exports\b"
    r"|\bexports\.handler\b"
)
_NETLIFY = re.compile(r"\bexport\s+default\b|\bhandler\b")
_WRAPS_AN_APP = re.compile(
    r"\bserverless\w*\(\s*\w+|\bexport\s+default\s+(?:app|server|router)\b"
    r"|\bmodule\.exports\s*=\s*(?:app|server|router)\b"
)
_ACTIONS = re.compile(r"^\s*['\"]use server['\"]")
_EXPORTED_FUNCTION = re.compile(
    r"\bexport\s+(?:default\s+)?(?:async\s+function\s+(\w+)|const\s+(\w+)\s*=)"
)
_NEST_VERB = re.compile(r"^@(Get|Post|Put|Patch|Delete|All)\(\s*(?:['\"`]([^'\"`]*))?")
_NEST_GUARD = re.compile(r"^@UseGuards\((.*)\)$", re.DOTALL)


@dataclass
class EdgeProject:
    """A `supabase/` folder's configuration: for each function, whether the gateway asks for a
    token, and at which line that is said."""

    path: str
    text: str = ""
    unchecked: dict[str, int] = field(default_factory=dict)


def file_routes(program: Program) -> Iterator[Route]:
    for path in program.tree.files:
        if not path.endswith(CODE) or (is_test(path) and not _APP_ROUTE.search(path)):
            continue
        if match := _EDGE.search(path):
            yield from _edge(program, path, match[1])
        elif match := _APP_ROUTE.search(path):
            yield from _app_route(program, path, web_path(match[1] or ""))
        elif match := _PAGE_API.search(path):
            yield from _whole(program, path, web_path(match[1]), "next")
        elif (match := _FILE_API.match(path)) and _deployed(program, match[1] or "", match[2]):
            yield from _whole(program, path, "/" + match[2], "file")


def _edge(program: Program, path: str, name: str) -> Iterator[Route]:
    module = program.module(path)
    if module is not None:
        serve = _SERVE.search(module.code)
        yield Route(
            "ANY",
            f"/functions/v1/{name}",
            "edge",
            module,
            serve.start() if serve else 0,
            (Piece(module, 0, len(module.code)),),
            name=name,
        )


_CLOUD = re.compile(
    r"\bexports?(?:\.|\s+const\s+)(\w+)\s*=\s*[\w.()\s{}:'\",\[\]-]{0,200}?\bon(Request|Call)\b"
)


def cloud(module: Module) -> Iterator[Route]:
    """Cloud Functions of Firebase: whoever knows their address may call them."""
    for match in _CLOUD.finditer(module.code):
        call = next(
            (one for one in module.calls if one.callee_end == match.end() and one.arguments), None
        )
        inner = [
            one
            for one in module.functions
            if call and call.arguments[-1].start <= one.start < call.end
        ]
        if call is None or not inner:
            continue
        function = min(inner, key=lambda one: one.start)
        piece = Piece(module, function.start, function.end, 0, function)
        kind = "file" if match[2] == "Request" else "callable"
        yield Route("POST", f"/{match[1]}", kind, module, match.start(), (piece,), name=match[1])


def _app_route(program: Program, path: str, web: str) -> Iterator[Route]:
    module = program.module(path)
    if module is None:
        return
    for match in _EXPORTED.finditer(module.code):
        method = match[1] or match[2]
        yield Route(
            method, web, "next", module, match.start(), tuple(_exported(program, module, method))
        )
    for name, entry in module.exports.items():
        if name in HEADS:
            start = module.code.find("export")
            pieces = tuple(_exported(program, module, entry.name))
            yield Route(name, web, "next", module, max(start, 0), pieces)


def _exported(program: Program, module: Module, name: str) -> Iterator[Piece]:
    function = module.named.get(name)
    value = module.outer_values.get(name)
    if value is not None:
        kind = "arrow_function" if value.start in module.starting else "call_expression"
        yield from handler_pieces(program, module, Argument(kind, value.start, value.end))
    elif function is not None:
        yield Piece(module, function.start, function.end, 0, function)
    elif found := program.function(module, name):
        yield Piece(found[0], found[1].start, found[1].end, 0, found[1])


def _whole(program: Program, path: str, web: str, kind: str) -> Iterator[Route]:
    text = program.text(path)
    if text is None or not (_HANDLES.search(text) or _EXPORTED.search(text)):
        return
    if "netlify/" in path and not _NETLIFY.search(text):
        return
    module = program.module(path)
    if module is None or posixpath.basename(path).startswith("_") or "/_" in web:
        return
    if _WRAPS_AN_APP.search(module.code):
        return  # its routes are looked at one by one
    methods = list(_EXPORTED.finditer(module.code))
    if methods:
        yield from _app_route(program, path, web)
        return
    found = _HANDLES.search(module.code)
    at = found.start() if found else 0
    yield Route("ANY", web, kind, module, at, (Piece(module, 0, len(module.code)),))


def _deployed(program: Program, folder: str, rest: str) -> bool:
    """`api/` is served by Vercel where it lies beside what Vercel builds."""
    present = program.tree.present
    if rest.startswith("netlify/") or folder + "vercel.json" in present:
        return True
    handled = program.text(folder + rest + ".ts") or program.text(folder + rest + ".js") or ""
    return folder + "package.json" in present and "VercelRequest" in handled


def actions(module: Module) -> Iterator[Route]:
    """Server actions: every exported function of a 'use server' file is an endpoint."""
    if not _ACTIONS.match(module.code):
        return
    for match in _EXPORTED_FUNCTION.finditer(module.code):
        name = match[1] or match[2]
        function = module.named.get(name)
        if function is not None:
            value = module.outer_values.get(name)
            whole = value if value and value.start < function.start < value.end else function
            piece = Piece(module, whole.start, whole.end, 0, function)
            yield Route("POST", name, "action", module, match.start(), (piece,), name=f"{name}()")


_CLIENT = re.compile(r"\s*([A-Za-z_$][\w$]*)\s*\.")


def action_clients(program: Program, action: Route) -> Iterator[Piece]:
    """What stands before an action that is built on a client: `signedIn.action(...)`."""
    at, module = action.start[0], action.module
    for _ in range(3):
        built = _CLIENT.match(at.code)
        there = program.find(module, built[1]) if built else None
        value = there and there[0].outer_values.get(there[1])
        if not there or not value:
            return
        module, at = there[0], Piece(there[0], value.start, value.end)
        yield at


def nest(module: Module) -> Iterator[Route]:
    """Controllers of Nest: decorated methods, guarded by decorators on the method or its class."""
    tops = [span for span in module.decorators if module.slice(span).startswith("@Controller(")]
    for index, top in enumerate(tops):
        end = tops[index + 1].start if index + 1 < len(tops) else len(module.code)
        prefix = re.search(r"['\"`]([^'\"`]*)", module.slice(top))
        of_class, public_class = _near_guards(module, top)
        for span in module.decorators:
            verb = _NEST_VERB.match(module.slice(span))
            if verb is None or not top.start < span.start < end:
                continue
            method = _decorated(module, span)
            own, public = _near_guards(module, span)
            path = f"/{prefix[1] if prefix else ''}/{verb[2] or ''}"
            yield Route(
                verb[1].upper(),
                re.sub(r"/{2,}", "/", path).rstrip("/"),
                "nest",
                module,
                span.start,
                (method,) if method else (),
                guards=(*(() if public else of_class), *own),
                known=not (public or public_class),
            )


def _near_guards(module: Module, verb: Argument) -> tuple[list[Guarding], bool]:
    """The decorators of one method, or of one class, stand in one run."""
    ordered = sorted(module.decorators, key=lambda one: one.start)
    at = ordered.index(verb)
    run = [verb]
    for step in (-1, 1):
        index = at + step
        while 0 <= index < len(ordered):
            low, high = sorted((ordered[index], ordered[index - step]), key=lambda one: one.start)
            if module.code[low.end : high.start].strip():
                break
            run.append(ordered[index])
            index += step
    return _guards_in(module, run)


def _guards_in(module: Module, spans: list[Argument]) -> tuple[list[Guarding], bool]:
    guards: list[Guarding] = []
    public = False
    for span in spans:
        code = module.slice(span)
        public = (
            public
            or re.match(r"@(?:Public|SkipAuth|AllowAnon\w*|NoAuth|IsPublic)\b", code) is not None
        )
        if _NEST_GUARD.match(code) or re.match(r"@(?:Roles|Auth|Authenticated|Authorized)\(", code):
            guards.append(Guarding(module, span))
    return guards, public


def _decorated(module: Module, span: Argument) -> Piece | None:
    following = (one for one in module.functions if one.start >= span.end and one.name)
    function = min(following, key=lambda one: one.start, default=None)
    if function is None:
        return None
    return Piece(module, function.start, function.end, 0, function)


def edge_projects(program: Program) -> Iterator[EdgeProject]:
    for path in program.tree.files:
        if path.endswith("supabase/config.toml"):
            text = program.text(path) or ""
            project = EdgeProject(path, text)
            project.unchecked = _unchecked(text)
            yield project


def _unchecked(text: str) -> dict[str, int]:
    try:
        functions = tomllib.loads(text).get("functions")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(functions, dict):
        return {}
    names = {
        name
        for name, entry in functions.items()
        if isinstance(entry, dict) and entry.get("verify_jwt") is False
    }
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[functions\.['\"]?([\w-]+)", line):
            section = header[1]
        elif section in names and re.match(r"\s*verify_jwt\s*=", line):
            found.setdefault(section, number)
    return found


def web_path(path: str) -> str:
    parts = [part for part in path.split("/") if part and not re.match(r"\(.*\)$|@", part)]
    return "/" + "/".join(re.sub(r"^\[+(?:\.\.\.)?(\w+)\]+$", r":\1", part) for part in parts)
