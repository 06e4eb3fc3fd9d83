"""The procedures of tRPC: each is an endpoint, and what its builder asks stands before it."""

import re
from collections.abc import Iterator

from .program import CODE, Piece, Program
from .signs import REFUSES, ROLE_TEST
from .source import Call, Function, Module
from .table import Route

NAMED = re.compile(r"[pP]rocedure\w*\b[\s\S]*?\.(?:query|mutation|subscription)\(")
_BUILT = re.compile(r"\s*(?P<builder>(?:[\w$]+\.)*\w*[pP]rocedure\w*)\b")
_ENDS = (".query", ".mutation", ".subscription")
_ROUTER = re.compile(r"(?:^|\.)(?:\w*[rR]outer|mergeRouters)$")
_KEY = re.compile(r"([\w$]+)['\"]?\s*(?::\s*|=\s*)(?:protect\()?$")
_OF_A_ROUTER = re.compile(r"_?[rR]outers?$")
_DEEPEST = 3

_ADDS = re.compile(r"(?:create|add|submit|new|insert|place|make|book|post|send|store)(?![a-z])")
_LISTS = re.compile(r"(?:list|getAll|all|findAll|findMany|index|getMany)(?![a-z])")
_ONE = re.compile(
    r"(?:by|get|find|getBy|findBy)_?I[dD]$|(?:get|find|one|detail|details|show|single)$"
)
_CHANGES = re.compile(
    r"(?:update|edit|set|change|patch|save|toggle|mark|approve|reject|assign|confirm)(?![a-z])"
)
_REMOVES = re.compile(r"(?:delete|remove|destroy|cancel)(?![a-z])")

_OVER_REST = (
    (True, _ADDS, "POST", False),
    (True, _REMOVES, "DELETE", True),
    (True, _CHANGES, "PATCH", True),
    (False, _LISTS, "GET", False),
    (False, _ONE, "GET", True),
)
_MOUNTS = (
    re.compile(
        r"""\.use\(\s*['"`](/[^'"`]*)['"`]\s*,[^;]{0,200}?\b(?:createExpressMiddleware|trpcServer)\("""
    ),
    re.compile(r"""\bfetchRequestHandler\(\s*\{[^;]{0,400}?\bendpoint:\s*['"`](/[^'"`]*)['"`]"""),
    re.compile(r"""\bfastifyTRPCPlugin\s*,\s*\{[^;]{0,200}?\bprefix:\s*['"`](/[^'"`]*)['"`]"""),
)
_NEXT_PAGE = re.compile(r"(?:^|/)pages(/api/.+)/\[\w+\]\.[jt]s$")


def mounts(program: Program) -> set[str]:
    """The addresses below which a server answers for all procedures: several may be asked for in
    one request, by their names with commas between them.
    """
    found = set()
    for path in program.tree.files:
        text = (program.text(path) if path.endswith(CODE) else None) or ""
        if "trpc" not in text.lower():
            continue
        found |= {at.rstrip("/*") for sign in _MOUNTS for at in sign.findall(text)}
        if "createNextApiHandler" in text and (page := _NEXT_PAGE.search(path)):
            found.add(page[1])
    return found - {""}


def procedures(module: Module) -> Iterator[Route]:
    for call in module.calls:
        built = _BUILT.match(module.code, call.start) if call.callee.endswith(_ENDS) else None
        if built is None or built.end() > call.callee_end or not call.arguments:
            continue
        named = _KEY.search(module.code, max(0, call.start - 80), call.start)
        function = _function(module, call)
        if named is None or function is None:
            continue
        routers = _routers(module, call)
        writes = call.callee.endswith(".mutation")
        method, path = _address([*routers, named[1]], writes, ".input(" in call.callee)
        label = ".".join([*routers, named[1]])
        piece = Piece(module, call.start, call.end, 0, function)
        yield Route(method, path, "procedure", module, named.start(1), (piece,), name=f"{label}()")


def _function(module: Module, call: Call) -> Function | None:
    given = call.arguments[-1]
    if found := module.starting.get(given.start):
        return found
    return next((one for one in module.functions if given.start <= one.start < given.end), None)


def _routers(module: Module, call: Call) -> list[str]:
    """The names of the routers that the procedure lies in, the outermost first: the root of all of
    them names nothing.
    """
    around = sorted(
        (one.start, one)
        for one in module.calls
        if _ROUTER.search(one.callee) and one.start < call.start < one.end
    )
    names = []
    for start, _ in around:
        found = _KEY.search(module.code, max(0, start - 80), start)
        name = _OF_A_ROUTER.sub("", found[1]) if found else ""
        if name and name != "app":
            names.append(name)
    return names


def _address(names: list[str], writes: bool, asks: bool) -> tuple[str, str]:
    """What it would be called over REST, as rules know addresses: `PATCH /orders/:id`."""
    *above, name = names
    below = "/" + "/".join(above)
    for changes, sign, method, one in _OVER_REST if above else ():
        said = sign.match(name) if changes is writes and (asks or not one) else None
        if said:
            what = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name[said.end() :]).lower()
            more = f"/{what}" if what and not one and what.rstrip("s") not in below.lower() else ""
            return method, f"{below}/:id" if one else f"{below}{more}"
    return ("POST" if writes else "GET"), f"{below.rstrip('/')}/{name}"


def asked_before(program: Program, route: Route) -> str:
    """What the builder of a procedure asks before it runs, and which role; nothing for one that is
    open. What is not to be found is judged by its name.
    """
    built = _BUILT.match(route.start[0].code)
    if built is None:
        return ""
    builder = built["builder"]
    code = "\n".join(_middleware(program, route.module, builder))
    used = (
        route.start[0].code.partition(route.module.slice(route.start[0].function))[0]
        if (route.start[0].function)
        else ""
    )
    code += used if ".use(" in used else ""
    if code and not REFUSES.search(code):
        return ""
    if not code and not re.search(r"(?i)protect|auth|private|admin|secure|user|staff", builder):
        return ""
    role = ROLE_TEST.search(code) or re.search(r"(?i)admin|staff|manager|owner", builder)
    return f"{builder}, which asks for a role" if role else builder


def _middleware(program: Program, module: Module, builder: str, deep: int = 0) -> Iterator[str]:
    """The code of a builder and of what it is built on."""
    there = program.find(module, builder.partition(".")[0]) if deep < _DEEPEST else None
    value = there and there[0].outer_values.get(there[1])
    if not there or not value:
        return
    code = there[0].slice(value)
    yield code
    for name in re.findall(r"\.use\(\s*([\w$]+)", code):
        made = there[0].outer_values.get(name) or there[0].named.get(name)
        if made:
            yield there[0].slice(made)
        else:
            yield from _middleware(program, there[0], name, deep + 1)
    below = _BUILT.match(code.lstrip().removeprefix("=").lstrip())
    if below and below["builder"].partition(".")[0] != builder:
        yield from _middleware(program, there[0], below["builder"], deep + 1)
