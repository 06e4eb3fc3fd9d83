"""Routes of Express and its kin (Fastify, Hono, Koa), in the order in which they are registered."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .paths import elements_of, path_of
from .program import Piece, Program
from .source import WORD, Argument, Call, Function, Module
from .table import VERBS, Guarding, Route

_SERVER = re.compile(
    r"""['"](?:express|fastify|hono|koa|@?koa[/-]router|@hono/[\w-]+|polka|restify|npm:[^'"]*"""
    r"""(?:express|hono|fastify)[^'"]*|jsr:@hono/hono[^'"]*|https://[^'"]*hono[^'"]*)['"]"""
    r"|\b(?:app|router|fastify|server)\.(?:get|post|put|patch|delete|use|route)\("
)
_IN_SERVERS = (
    "express", "fastify", "hono", "koa", "polka", "restify", "app.", "router.", "server.",
)  # fmt: skip
"""Each way to be a `_SERVER` holds one of them; most files hold none, which is soon seen."""
_MAKERS = re.compile(
    r"\b(?:express|Router|Fastify|fastify|Hono|OpenAPIHono|Koa|KoaRouter|polka|createServer)\s*"
    r"(?:<[^>()]*>)?\(|require\(['\"]express['\"]\)(?:\.Router)?\("
)
_GIVEN = re.compile(r"^(?:app|router|fastify|server|api|instance|hono|expressApp|r)\b")
_CHAINED = re.compile(r"^(\w+)\.route\((['\"`])(.*?)\2\)")
_HOOKS = {"onRequest", "preHandler", "preValidation", "preParsing"}
_ADDS_HOOK = re.compile(
    r"\.addHook\(\s*['\"](?:onRequest|preHandler|preValidation|preParsing)['\"]"
)
_STRINGS = {"string", "template_string"}
_PATHS = {*_STRINGS, "member_expression", "identifier", "binary_expression"}
_INLINE = {"arrow_function", "function_expression"}
_OPTION = re.compile(r"\b(?:preHandler|onRequest|preValidation|beforeHandle)\s*:\s*")

Key = tuple[str, str]


def is_server(text: str) -> bool:
    return any(word in text for word in _IN_SERVERS) and _SERVER.search(text) is not None


@dataclass(frozen=True)
class _Use:
    module: Module
    at: int
    prefix: str
    argument: Argument
    anywhere: bool = False


@dataclass(frozen=True)
class _Mount:
    parent: Key
    module: Module
    at: int
    prefix: str
    guards: tuple[Guarding, ...]


@dataclass(frozen=True)
class _Endpoint:
    module: Module
    at: int
    method: str
    path: str
    arguments: tuple[Argument, ...]


@dataclass
class _Router:
    uses: list[_Use] = field(default_factory=list)
    mounts: list[_Mount] = field(default_factory=list)
    endpoints: list[_Endpoint] = field(default_factory=list)
    lent: list[tuple[int, Key]] = field(default_factory=list)
    """Where the router is handed to a function that registers on it."""
    root: bool = False


class Servers:
    """All routers of a tree, joined by how they are mounted."""

    def __init__(self, program: Program, paths: Iterable[str]) -> None:
        self.program = program
        self.routers: dict[Key, _Router] = {}
        self.modules = [module for path in paths if (module := program.module(path))]
        for module in self.modules:
            self._declare(module)
        for module in self.modules:
            self._register(module)

    def _declare(self, module: Module) -> None:
        for binding in module.bindings:
            value = module.slice(binding)[:200]
            if WORD.fullmatch(binding.names) and _MAKERS.match(_unwrapped(value)):
                root = not re.search(r"\bRouter\b", value)
                self.routers[module.path, binding.names] = _Router(root=root)
        for function in module.functions:
            for parameter in function.parameters:
                if given := _GIVEN.match(parameter):
                    self.routers.setdefault((module.path, given[0]), _Router())

    def _register(self, module: Module) -> None:
        for call in module.calls:
            head, _, method = call.callee.rpartition(".")
            if chained := _CHAINED.match(call.callee):
                self._chained(module, call, chained, method)
            elif (router := self.routers.get((module.path, head))) is not None:
                self._on_router(module, call, (module.path, head), router, method)
            else:
                self._lend(module, call)

    def _chained(self, module: Module, call: Call, chained: "re.Match[str]", method: str) -> None:
        router = self.routers.get((module.path, chained[1]))
        if router is not None and method in VERBS:
            at = call.callee_end - len(method)
            router.endpoints.append(
                _Endpoint(module, at, method.upper(), chained[3], call.arguments)
            )

    def _on_router(
        self, module: Module, call: Call, key: Key, router: _Router, method: str
    ) -> None:
        arguments = call.arguments
        if method in VERBS and len(arguments) > 1 and arguments[0].kind in _PATHS:
            path = path_of(self.program, module, arguments[0])
            if method == "all" and path.endswith("*"):
                router.uses.extend(_Use(module, call.start, path, one) for one in arguments[1:])
            elif arguments[-1].kind not in {*_STRINGS, "object"}:
                router.endpoints.append(
                    _Endpoint(module, call.start, method.upper(), path, arguments[1:])
                )
        elif method in {"use", "route", "register", "basePath"} and arguments:
            self._use(module, call, key, router)
        elif _hooks(module, method, arguments):
            router.uses.append(_Use(module, call.start, "", arguments[1], anywhere=True))

    def _use(self, module: Module, call: Call, key: Key, router: _Router) -> None:
        arguments = list(_flat(module, call.arguments))
        prefixes = [_string(module, one) for one in arguments if one.kind in _STRINGS]
        others = [one for one in arguments if one.kind not in _STRINGS]
        registered = re.search(r"prefix\s*:\s*['\"`]([^'\"`]*)", module.slice(call)[-200:])
        if registered and call.callee.endswith(".register"):
            prefixes = [registered[1]]
        for prefix in prefixes or [""]:
            before: list[Guarding] = []
            for one in others:
                child = self._router_of(module, one)
                if child is not None and child != key:
                    mount = _Mount(key, module, call.start, prefix, tuple(before))
                    self.routers[child].mounts.append(mount)
                elif not call.callee.endswith(".register") or self._adds_hook(module, one):
                    before.append(Guarding(module, one))
                    router.uses.append(_Use(module, call.start, prefix, one))

    def _adds_hook(self, module: Module, plugin: Argument) -> bool:
        """Whether a plugin of Fastify's hangs anything before the routes: that of a package, as
        `@fastify/jwt` is, only brings the means to ask.
        """
        code = module.slice(plugin)
        name = WORD.match(code)
        there = self.program.imported(module, name[0]) if name else None
        function = module.named.get(name[0]) if name and there is None else None
        text = there[0].code if there else module.slice(function) if function else code
        return _ADDS_HOOK.search(text) is not None

    def _router_of(self, module: Module, argument: Argument) -> Key | None:
        code = module.slice(argument)
        if argument.kind in _INLINE:
            return None
        if argument.kind == "identifier" and (module.path, code) in self.routers:
            return module.path, code
        required = re.match(r"(?:require|import)\(\s*['\"]([^'\"]+)", code)
        if required:
            path = self.program.resolve(module.path, required[1])
            home = self.program.module(path) if path else None
            found = self.program.exported(home, "default") if home else None
        else:
            name = WORD.match(code)
            found = self.program.find(module, name[0]) if name else None
        return None if found is None else self._declared(*found)

    def _declared(self, home: Module, name: str) -> Key | None:
        if (home.path, name) in self.routers and name in home.outer_values:
            return home.path, name
        own = [key for key in self.routers if key[0] == home.path]
        function = home.named.get(name)
        if function is not None:
            inside = {
                word
                for binding in home.bindings_in(function.start, function.end)
                for word in WORD.findall(binding.names)
            } | {match[0] for one in function.parameters if (match := _GIVEN.match(one))}
            return next((key for key in own if key[1] in inside), None)
        return own[0] if not name and own else None

    def _lend(self, module: Module, call: Call) -> None:
        for index, argument in enumerate(call.arguments):
            key = (module.path, module.slice(argument))
            if argument.kind != "identifier" or key not in self.routers:
                continue
            found = self.program.function(module, call.callee)
            if found is None or index >= len(found[1].parameters):
                continue
            name = WORD.match(found[1].parameters[index])
            child = (found[0].path, name[0] if name else "")
            if child in self.routers and child != key:
                self.routers[key].lent.append((call.start, child))
                self.routers[child].mounts.append(_Mount(key, module, call.start, "", ()))

    def routes(self) -> Iterator[Route]:
        for key, router in self.routers.items():
            for endpoint in router.endpoints:
                yield self._route(key, endpoint)

    def _route(self, key: Key, endpoint: _Endpoint) -> Route:
        module = endpoint.module
        own = list(_flat(module, endpoint.arguments))
        handler, before = own[-1], [Guarding(module, one) for one in own[:-1]]
        before = [option for one in before for option in _options(one)]
        path, above, known = self._above(key, endpoint.at, endpoint.path)
        return Route(
            endpoint.method,
            re.sub(r"/{2,}", "/", "/" + path) if path != "/" else path,
            "server",
            module,
            endpoint.at,
            tuple(handler_pieces(self.program, module, handler)),
            guards=(*above, *before),
            known=known,
        )

    def _above(
        self, key: Key, at: int, path: str, depth: int = 0
    ) -> tuple[str, list[Guarding], bool]:
        router = self.routers[key]
        guards = [
            Guarding(use.module, use.argument)
            for use in self._uses(key)
            if use.anywhere or use.at < at
            if _covers(use.prefix, path)
        ]
        mount = next((one for one in router.mounts if one.parent != key), None)
        if mount is None or depth > 6:
            return path, guards, router.root or depth > 0 or bool(router.uses)
        whole, above, known = self._above(mount.parent, mount.at, mount.prefix + path, depth + 1)
        return whole, [*above, *mount.guards, *guards], known

    def _uses(self, key: Key, depth: int = 0) -> Iterator[_Use]:
        router = self.routers[key]
        yield from router.uses
        for at, child in router.lent if depth < 3 else ():
            for use in self._uses(child, depth + 1):
                yield _Use(use.module, at, use.prefix, use.argument, use.anywhere)


def handler_pieces(program: Program, module: Module, argument: Argument) -> Iterator[Piece]:
    """The code of a handler: written in place, named, or wrapped (`guarded(handler)`). What is
    written in place comes first, and what only carries it last.
    """
    code = module.slice(argument)
    wrapped = _written_inside(module, argument)
    whole = Piece(module, argument.start, argument.end, 0, wrapped)
    if wrapped is not None:
        yield whole
    named = re.match(r"[\w$.]+", code)
    names = re.findall(r"(?<![\w$.'\"])[A-Za-z_$][\w$.]*(?!\s*[:\w$])", code)
    carries = named[0] if named else ""
    in_order = sorted(dict.fromkeys(names), key=lambda one: one == carries)
    for name in () if argument.kind in _INLINE else in_order:
        if argument.kind != "call_expression" and name != carries:
            continue
        if found := program.function(module, name.removesuffix(".bind"), handles=True):
            home, function = found
            if home is not module or not argument.start <= function.start < argument.end:
                yield Piece(home, function.start, function.end, 0, function)
    if wrapped is None:
        yield whole


def _written_inside(module: Module, argument: Argument) -> Function | None:
    """The function that is written there: by itself, or for a wrapper."""
    if argument.start in module.starting or argument.kind != "call_expression":
        return module.starting.get(argument.start)
    for call in module.calls_in(argument.start, argument.end):
        for one in call.arguments:
            if one.kind in _INLINE and (found := module.starting.get(one.start)):
                return found
    return None


def _hooks(module: Module, method: str, arguments: tuple[Argument, ...]) -> bool:
    return method == "addHook" and len(arguments) == 2 and _string(module, arguments[0]) in _HOOKS


def _unwrapped(value: str) -> str:
    return re.sub(r"^(?:await|new|\(|\s)+|^\w+\.(?=Router)", "", value).lstrip()


def _string(module: Module, argument: Argument) -> str:
    return module.slice(argument).strip("'\"`")


def _covers(prefix: str, path: str) -> bool:
    prefix = prefix.replace("(.*)", "").rstrip("*").rstrip("/")
    return not prefix or path == prefix or path.startswith(prefix + "/")


def _flat(module: Module, arguments: Iterable[Argument]) -> Iterator[Argument]:
    """The arguments, with the elements of arrays in their place."""
    for argument in arguments:
        if argument.kind != "array":
            yield argument
            continue
        for start, end in elements_of(module.slice(argument)):
            code = module.code[argument.start + start : argument.start + end]
            inline = argument.start + start in module.starting
            kind = "string" if code[0] in "'\"`" else "arrow_function" if inline else "identifier"
            yield Argument(kind, argument.start + start, argument.start + end)


def _options(guarding: Guarding) -> Iterator[Guarding]:
    """Fastify's options: the hooks in them."""
    if guarding.argument.kind != "object":
        yield guarding
        return
    for match in _OPTION.finditer(guarding.code):
        start = guarding.argument.start + match.end()
        inside = re.match(r"\[[^\]]*\]|[^,\n}]+", guarding.module.code[start:])
        if inside:
            span = Argument("array", start, start + inside.end())
            yield from (Guarding(guarding.module, one) for one in _flat(guarding.module, [span]))
