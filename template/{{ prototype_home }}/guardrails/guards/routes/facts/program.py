"""The files of a tree as one program: where an import leads, and what a handler calls."""

import posixpath
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ....engine.tree import Tree
from ...braces import closing_brace
from .source import WORD, Argument, Binding, Call, Function, Module, parse
from .wired import Wiring, bound, maker, superclass

CODE = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
_DEEPEST = 4
_MOST_PIECES = 80
_MINIFIED = 2_000
_NO_FOLLOW = frozenset({
    "get", "set", "has", "map", "filter", "find", "push", "json", "send", "status", "parse",
    "then", "catch", "forEach", "toString", "error", "log", "info", "warn", "join", "split",
    "from", "select", "eq", "use", "next", "close", "end", "on",
})  # fmt: skip


_SIGNS_IN = re.compile(
    r"\bauth\s*\??\.\s*(?:signIn\w*|signUp|setSession|exchangeCodeForSession|verifyOtp)\("
    r"|@supabase/auth-|\baccessToken\s*:|\.setAuth\("
)
_WHERE_SIGNED_IN = ("auth", "accessToken", "setAuth")
"""Each way to sign in holds one of them."""
_OWN_SESSIONS = re.compile(
    r"(?:from|require\()\s*['\"](?:iron-session|jsonwebtoken|jose|next-auth(?:/\w+)?|lucia)['\"]"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of code that a request runs through, and how deep below the handler it is."""

    module: Module
    start: int
    end: int
    depth: int = 0
    function: Function | None = None
    given: tuple[Argument, ...] = ()
    giver: "Piece | None" = None

    @property
    def code(self) -> str:
        return self.module.code[self.start : self.end]


@dataclass
class Program:
    tree: Tree
    unreadable: list[str] = field(default_factory=list)
    unstarted: set[str] = field(default_factory=set)
    """Files of servers that nobody starts."""
    identified: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """By each middleware: what it writes on the request of who calls."""
    _modules: dict[str, Module | None] = field(default_factory=dict)
    _targets: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        text = self.tree.text(path)
        minified = text is None or len(text) > _MINIFIED * (text.count("\n") + 1)
        return None if minified else text

    @cached_property
    def rows_know_callers(self) -> bool:
        """Whether row-level security can tell who calls: not where an application keeps sessions
        of its own, and nobody ever signs in at Supabase.
        """
        texts = [self.tree.text(path) or "" for path in self.tree.files if path.endswith(CODE)]
        said = [text for text in texts if any(word in text for word in _WHERE_SIGNED_IN)]
        signs_in = any(map(_SIGNS_IN.search, said))
        return signs_in or not any(map(_OWN_SESSIONS.search, texts))

    def app(self, path: str) -> str:
        """The folder of the application that the file is part of: that of its package.json."""
        folder = posixpath.dirname(path)
        while folder and f"{folder}/package.json" not in self.tree.present:
            folder = posixpath.dirname(folder)
        return folder

    def module(self, path: str) -> Module | None:
        if path not in self._modules:
            self._modules[path] = self._parsed(path)
        return self._modules[path]

    def parsed(self) -> Iterator[tuple[str, Module]]:
        return ((path, module) for path, module in self._modules.items() if module)

    @cached_property
    def _wiring(self) -> Wiring:
        return Wiring(self)

    def _parsed(self, path: str) -> Module | None:
        text = self.text(path)
        if text is None:
            return None
        try:
            return parse(path, text)
        except (RuntimeError, ValueError, RecursionError):
            self.unreadable.append(path)
            return None

    @cached_property
    def _aliases(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """(folder, prefix, folders it stands for) from the tsconfig files, deepest first."""
        found: list[tuple[str, str, tuple[str, ...]]] = []
        for path in self.tree.files:
            if re.match(r"(ts|js)config[\w.-]*\.json$", posixpath.basename(path)):
                found.extend(_paths(posixpath.dirname(path), self.tree.json(path)))
        return sorted(found, key=lambda one: -len(one[0]))

    def resolve(self, path: str, source: str) -> str | None:
        """The file that `source` means when `path` imports it, if the tree has it."""
        key = (posixpath.dirname(path), source)
        if key not in self._targets:
            self._targets[key] = self._resolve(key[0], source)
        return self._targets[key]

    def _resolve(self, folder: str, source: str) -> str | None:
        for candidate in self._candidates(folder, source):
            if found := self._file(posixpath.normpath(candidate)):
                return found
        return None

    def _candidates(self, folder: str, source: str) -> Iterator[str]:
        if source.startswith("."):
            yield posixpath.join(folder, source)
            return
        for base, prefix, targets in self._aliases:
            if source.startswith(prefix) and (not base or folder.startswith(base)):
                yield from (posixpath.join(target, source[len(prefix) :]) for target in targets)
        if source.startswith(("@/", "~/", "src/")):
            rest = source[4:] if source.startswith("src/") else source[2:]
            at = folder
            while at:
                at = posixpath.dirname(at)
                yield posixpath.join(at, "src", rest)
                yield posixpath.join(at, rest)

    def _file(self, path: str) -> str | None:
        stem, suffix = posixpath.splitext(path)
        present = self.tree.present
        if path in present and suffix in CODE:
            return path
        stems = [path, stem] if suffix in {".js", ".jsx", ".mjs", ".cjs"} else [path]
        endings = (*CODE, *(f"/index{ending}" for ending in CODE))
        return next((f for name in stems for end in endings if (f := name + end) in present), None)

    def imported(self, module: Module, name: str) -> tuple[Module, str] | None:
        """The file and the name there of what `name` is in this file, when it is imported."""
        entry = module.imports.get(name)
        target = entry and self.resolve(module.path, entry.source)
        found = self.module(target) if target else None
        return (found, entry.name) if found and entry else None

    def find(self, module: Module, name: str, depth: int = 0) -> tuple[Module, str] | None:
        """Where a name that is used in this file is defined, through imports and re-exports."""
        if depth > _DEEPEST:
            return None
        there = self.imported(module, name)  # a method or a key may be called the same
        if there and ((found := self.exported(*there, depth + 1)) or name not in module.named):
            return found
        own = name in module.named or (name in module.outer_values and name not in module.imports)
        return (module, name) if own or any(name == one[0] for one in module.classes) else None

    def exported(self, module: Module, name: str, depth: int = 0) -> tuple[Module, str] | None:
        if depth > _DEEPEST or name == "*":
            return module, ""
        entry = module.exports.get(name)
        if entry and entry.source:
            target = self.resolve(module.path, entry.source)
            there = self.module(target) if target else None
            return self.exported(there, entry.name, depth + 1) if there else None
        local = entry.name if entry else name
        if not local or local == "default":
            return module, ""
        if local in module.imports:
            return self.find(module, local, depth + 1)
        classes = {one[0] for one in module.classes}
        if local in module.named or local in module.outer_values or local in classes or entry:
            return module, local
        return self._starred(module, name, depth)

    def _starred(self, module: Module, name: str, depth: int) -> tuple[Module, str] | None:
        for source in module.starred:
            target = self.resolve(module.path, source)
            there = self.module(target) if target else None
            if there and (found := self.exported(there, name, depth + 1)) and found[1]:
                return found
        return (module, name) if name in module.named else None

    def function(
        self, module: Module, callee: str, handles: bool = False
    ) -> tuple[Module, Function] | None:
        """The function that `callee` (`name`, `object.method`, `this.part.method`) runs."""
        head, _, _ = callee.partition(".")
        last = callee.rpartition(".")[2]
        if head == callee:
            found = self.find(module, head)
            if found is None:
                return None
            function = found[0].named.get(found[1]) or self._default(*found)
            return (found[0], function) if function else self._taken_from(*found)
        if not WORD.fullmatch(head):
            return None
        if last in _NO_FOLLOW and not (handles or _of_instance(module, callee)):
            return None
        return self._method(module, callee, head, last)

    def _taken_from(self, home: Module, name: str) -> tuple[Module, Function] | None:
        """`requireAdmin = adapter.requireAdmin`, where `adapter` is one of two modules: the real
        one of a pair usually stands last.
        """
        taken = _member(home, name)
        chosen = taken and _CHOSEN.fullmatch(_value(home, taken[1]))
        for giver in (chosen[2], chosen[1]) if chosen else (taken[1],) if taken else ():
            callee = f"{giver}.{taken[2]}" if taken else ""
            if giver != name and (found := self.function(home, callee)):
                return found
        return None

    def _default(self, module: Module, name: str) -> Function | None:
        if name or module.default_at < 0:
            return None
        return next((one for one in module.functions if one.start >= module.default_at), None)

    def _method(
        self, module: Module, callee: str, head: str, last: str
    ) -> tuple[Module, Function] | None:
        part = head
        if head == "this":
            parts = callee.split(".")
            if len(parts) == 2:
                return self._inherited(module, last)
            typed = re.search(rf"\b{re.escape(parts[1])}\s*[:=]\s*(?:new\s+)?(\w+)", module.code)
            head, part = typed[1] if typed else "", parts[1]
        found = self.find(module, head) if head else None
        if found is None:
            made = self._of_maker(module, module.bound_once.get(head), last, _MADE)
            return made or self._of_handed(module, part, last)
        home, name = found
        if of_class := self._of_maker(home, home.outer_values.get(name), last, _INSTANCE):
            return of_class
        if last in home.named:
            function = _in_part(home, callee, last)
            return (home, function) if function else None
        if not name and (there := self.exported(home, last)) and there[1] in there[0].named:
            return there[0], there[0].named[there[1]]  # `export { close } from "./till"`
        made = self._of_maker(home, home.outer_values.get(name), last, _MADE)
        return made or self._of_class(home, name, last)

    def _of_class(
        self, home: Module, name: str, last: str, depth: int = 0
    ) -> tuple[Module, Function] | None:
        """A method of a class, or of what it is made from."""
        if function := _of_class(home, name, last):
            return home, function
        above = superclass(home, name) if depth < _DEEPEST else ""
        there = self.find(home, above) if above else None
        return self._of_class(*there, last, depth + 1) if there else None

    def _inherited(self, module: Module, last: str) -> tuple[Module, Function] | None:
        if last in module.named:
            return module, module.named[last]
        inherited = (self._of_class(module, one[0], last) for one in module.classes)
        return next(filter(None, inherited), None)

    def _of_handed(self, module: Module, part: str, last: str) -> tuple[Module, Function] | None:
        """The method of what a class or a factory was given when it was made."""
        for site, given in self._wiring.handed(module, part):
            if found := self._of_value(site, given, last):
                return found
        return None

    def _of_value(
        self, site: Module, given: str, last: str, depth: int = 0
    ) -> tuple[Module, Function] | None:
        name = maker(given)
        there = self.find(site, name or given) if WORD.fullmatch(name or given) else None
        if name and there:
            own = there[0].named.get(last)
            return self._of_class(*there, last) or ((there[0], own) if own else None)
        if there and last in there[0].named:
            return there[0], there[0].named[last]
        value = bound(there[0], there[1]) if there else "" if name else bound(site, given)
        if not value or depth > _DEEPEST:
            return None
        return self._of_value(there[0] if there else site, value, last, depth + 1)

    def _of_maker(
        self, home: Module, made: Binding | None, last: str, way: re.Pattern[str]
    ) -> tuple[Module, Function] | None:
        """The method `last` of what made a value: of `OrdersService`, for one."""
        text = home.slice(made) if made else ""
        found = way.search(text)
        name = maker(text) if text.lstrip().startswith(_CONTAINERS) else found[1] if found else ""
        there = self.find(home, name) if name else None
        if there is None:
            return None
        own = there[0].named.get(last)
        return self._of_class(*there, last) or ((there[0], own) if own else None)

    def reach(self, start: Sequence[Piece]) -> list[Piece]:
        """The pieces, and the functions of the tree that they call, some calls deep."""
        queue = deque(start)
        seen = {(piece.module.path, piece.start) for piece in start}
        pieces: list[Piece] = []
        while queue and len(pieces) < _MOST_PIECES:
            piece = queue.popleft()
            pieces.append(piece)
            if piece.depth >= _DEEPEST:
                continue
            for called in self._called(piece):
                key = (called.module.path, called.start)
                if key not in seen:
                    seen.add(key)
                    queue.append(called)
        return pieces

    def _called(self, piece: Piece) -> Iterator[Piece]:
        for call in piece.module.calls_in(piece.start, piece.end):
            yield from self.pieces_of(piece.module, call, piece)

    def pieces_of(self, module: Module, call: Call, giver: Piece) -> Iterator[Piece]:
        if found := self.function(module, call.callee):
            home, function = found
            if home is giver.module and giver.start <= function.start < giver.end:
                return
            yield Piece(
                home, function.start, function.end, giver.depth + 1, function, call.arguments, giver
            )


def _of_instance(module: Module, callee: str) -> bool:
    """Whether it is a method of a part of the object, or of what a class made."""
    head, *rest = callee.split(".")
    made = module.bound_once.get(head)
    return len(rest) == (2 if head == "this" else 1) and (
        head == "this" or bool(made and _INSTANCE.match(module.slice(made)))
    )


_MEMBER_OF = re.compile(r"\s*([A-Za-z_$][\w$]*)\.([A-Za-z_$][\w$]*)\s*;?\s*")
_CHOSEN = re.compile(r"[^?;]*\?\s*([A-Za-z_$][\w$]*)\s*:\s*([A-Za-z_$][\w$]*)\s*;?\s*")


def _value(home: Module, name: str) -> str:
    binding = home.outer_values.get(name)
    return home.slice(binding) if binding else ""


def _member(home: Module, name: str) -> re.Match[str] | None:
    return _MEMBER_OF.fullmatch(_value(home, name))


_INSTANCE = re.compile(r"\A(?:[\w$]+\s*=\s*)?new\s+([A-Za-z_$][\w$]*)")
"""`const orders = new OrdersService()`: what its file calls the same is not meant."""
_CONTAINERS = ("container.", "Container.", "diContainer.", "injector.")
_MADE = re.compile(r"(?:new\s+|=\s*)?([A-Za-z_$][\w$]*)")


def _paths(folder: str, config: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    options = config.get("compilerOptions") if isinstance(config, dict) else None
    if not isinstance(options, dict) or not isinstance(options.get("paths"), dict):
        return
    base = posixpath.normpath(posixpath.join(folder, str(options.get("baseUrl", "."))))
    for key, values in options["paths"].items():
        if isinstance(key, str) and isinstance(values, list):
            targets = tuple(
                posixpath.join("" if base == "." else base, str(value).rstrip("*"))
                for value in values
            )
            yield folder, key.rstrip("*"), targets


def _of_class(home: Module, name: str, last: str) -> Function | None:
    """The method of this class: a store in memory may stand above the one with a database."""
    span = next((one for one in home.classes if one[0] == name), None)
    inside = (it for it in home.functions if span and span[1] <= it.start < span[2])
    return next((one for one in inside if one.name == last), None)


def _in_part(home: Module, callee: str, last: str) -> Function | None:
    """`store.boats.update` runs the `update` of the part `boats`; another part's is not it."""
    namesakes = [one for one in home.functions if one.name == last]
    parts = callee.split(".")
    if len(namesakes) < 2 or len(parts) < 3:
        return home.named[last]
    for match in re.finditer(rf"\b{re.escape(parts[-2])}\s*[:=]\s*" + r"\{", home.code):
        end = closing_brace(home.code, match.end())
        if found := next((one for one in namesakes if match.end() <= one.start < end), None):
            return found
    return None
