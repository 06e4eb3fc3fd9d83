"""A JavaScript or TypeScript file as spans: its functions, calls, bindings, imports and exports."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from ast_grep_py import SgNode, SgRoot

from .casts import hidden, uncast

_FUNCTIONS = (
    "function_declaration",
    "function_expression",
    "generator_function_declaration",
    "arrow_function",
    "method_definition",
)
_BINDINGS = ("variable_declarator", "assignment_expression", "for_in_statement")
_OTHERS = (
    "call_expression",
    "new_expression",
    "comment",
    "decorator",
    "class_declaration",
    "if_statement",
)
_ALL = {"rule": {"any": [{"kind": kind} for kind in (*_FUNCTIONS, *_BINDINGS, *_OTHERS)]}}
_LANGUAGES = {".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx"}
WORD = re.compile(r"[A-Za-z_$][\w$]*")

_IMPORT = re.compile(
    r"^[ \t]*import\s+(?:type\s+)?([\w$*{}\s,]+?)\s*from\s*['\"]([^'\"\n]+)['\"]", re.MULTILINE
)
_REQUIRE = re.compile(
    r"\b(?:const|let|var)\s+([\w$]+|\{[^{}]*\})\s*=\s*(?:await\s+)?"
    r"(?:require|import)\(\s*['\"]([^'\"\n]+)['\"]\s*\)(?:\.([\w$]+)\b)?(?![ \t]*[.(])"
)
_EXPORT_FROM = re.compile(
    r"\bexport\s+(\{[^{}]*\}|\*(?:\s*as\s+[\w$]+)?)\s*from\s*['\"]([^'\"\n]+)['\"]"
)
_EXPORT_LIST = re.compile(r"\bexport\s+(\{[^{}]*\})(?!\s*from)")
_EXPORT_DEFAULT = re.compile(
    r"(?:\bexport\s+default\s+|\bmodule\.exports\s*=\s*)"
    r"(?:async\s+)?(?:function\s*\*?\s*|class\s+|new\s+)?([\w$]*)"
)
_EXPORTS_OBJECT = re.compile(r"\bmodule\.exports\s*=\s*(\{[^{}]*\})")
_EXPORTS_REQUIRED = re.compile(
    r"(?:\bexports\.|[{,]\s*)([\w$]+)\s*[=:]\s*require\(\s*['\"]([^'\"\n]+)['\"]\s*\)(?:\.([\w$]+)\b)?"
    r"(?![ \t]*[.(])"
)
_EXPORTS_NAME = re.compile(r"\b(?:module\.)?exports\.([\w$]+)\s*=\s*([\w$]+)(?![\w$]|\s*[(.])")


@dataclass(frozen=True, slots=True)
class Argument:
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    callee: str
    start: int
    end: int
    callee_end: int
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    start: int
    end: int
    parameters: tuple[str, ...]
    outer: bool


@dataclass(frozen=True, slots=True)
class Binding:
    """`names` (a pattern's text) get the value between `start` and `end`."""

    names: str
    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Condition:
    """An `if`: its test, what then happens and what else."""

    start: int
    end: int
    test: Argument
    then: Argument
    other: Argument | None


@dataclass(frozen=True, slots=True)
class Import:
    source: str
    name: str


@dataclass
class Module:
    """`code` is the text with its comments blanked, so that offsets agree and a commented-out
    check does not count."""

    path: str
    text: str
    code: str
    functions: list[Function] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    comments: list[Argument] = field(default_factory=list)
    decorators: list[Argument] = field(default_factory=list)
    classes: list[tuple[str, int, int]] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)

    def line(self, offset: int) -> int:
        return bisect_right(self._breaks, offset) + 1

    def snippet(self, offset: int) -> str:
        start = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", offset)
        return self.text[start : len(self.text) if end < 0 else end].strip()[:200]

    def slice(self, span: Argument | Call | Function | Binding) -> str:
        return self.code[span.start : span.end]

    @cached_property
    def _breaks(self) -> list[int]:
        # A line ends behind its break, so an offset at the break belongs to the line it ends.
        return [match.end() for match in re.finditer("\n", self.text)]

    @cached_property
    def named(self) -> dict[str, Function]:
        found: dict[str, Function] = {}
        for function in sorted(self.functions, key=lambda one: (not one.outer, one.start)):
            if function.name:
                found.setdefault(function.name, function)
        return found

    @cached_property
    def starting(self) -> dict[int, Function]:
        return {function.start: function for function in self.functions}

    @cached_property
    def outer_values(self) -> dict[str, Binding]:
        """What names are bound to outside of functions."""
        inside = [(one.start, one.end) for one in self.functions if one.outer]
        found: dict[str, Binding] = {}
        for binding in self.bindings:
            if not any(start < binding.at < end for start, end in inside):
                for name in WORD.findall(binding.names):
                    found.setdefault(name, binding)
        return found

    @cached_property
    def bound_once(self) -> dict[str, Binding]:
        """What names are bound to anywhere, where no place binds one to anything else."""
        found: dict[str, Binding] = {}
        other: set[str] = set()
        for binding in self.bindings:
            first = found.setdefault(binding.names, binding)
            if self.slice(first) != self.slice(binding):
                other.add(binding.names)
        return {name: binding for name, binding in found.items() if name not in other}

    @cached_property
    def _call_starts(self) -> list[int]:
        return [call.start for call in self.calls]

    @cached_property
    def _binding_starts(self) -> list[int]:
        return [binding.at for binding in self.bindings]

    def calls_in(self, start: int, end: int) -> Iterator[Call]:
        low = bisect_left(self._call_starts, start)
        return (call for call in self.calls[low : bisect_left(self._call_starts, end)])

    def bindings_in(self, start: int, end: int) -> list[Binding]:
        low = bisect_left(self._binding_starts, start)
        return self.bindings[low : bisect_left(self._binding_starts, end)]

    @cached_property
    def imports(self) -> dict[str, Import]:
        found: dict[str, Import] = {}
        for match in _IMPORT.finditer(self.code):
            for local, name in _clause(match[1]):
                found[local] = Import(match[2], name)
        for match in _REQUIRE.finditer(self.code):
            for local, name in _clause(match[1]):
                found[local] = Import(match[2], match[3] or name)
        return found

    @cached_property
    def exports(self) -> dict[str, Import]:
        """Exported names; the source is empty for what the file itself defines."""
        found: dict[str, Import] = {}
        for match in _EXPORT_LIST.finditer(self.code):
            found |= {alias: Import("", local) for alias, local in _listed(match[1])}
        for match in _EXPORTS_OBJECT.finditer(self.code):
            found |= {name: Import("", local) for local, name in _listed(match[1], ":")}
        for match in _EXPORTS_NAME.finditer(self.code):
            found[match[1]] = Import("", match[2])
        for match in _EXPORTS_REQUIRED.finditer(self.code) if "exports" in self.code else ():
            found[match[1]] = Import(match[2], match[3] or "default")
        for match in _EXPORT_FROM.finditer(self.code):
            found |= {alias: Import(match[2], name) for alias, name in _handed_on(match[1])}
        if default := _EXPORT_DEFAULT.search(self.code):
            found.setdefault("default", Import("", default[1]))
        return found

    @cached_property
    def starred(self) -> list[str]:
        return [match[2] for match in _EXPORT_FROM.finditer(self.code) if match[1] == "*"]

    @cached_property
    def default_at(self) -> int:
        """Where the value of the default export starts, or -1."""
        match = _EXPORT_DEFAULT.search(self.code)
        return -1 if match is None else match.start()


def parse(path: str, text: str) -> Module:
    language = _LANGUAGES.get(PurePosixPath(path).suffix, "tsx")
    plain = uncast(text)
    nodes = SgRoot(plain, language).root().find_all(_ALL)  # type: ignore[call-overload]
    kinds = [(node.kind(), node) for node in nodes]
    comments = [_argument(node) for kind, node in kinds if kind == "comment"]
    module = Module(path, text, _blanked(plain, comments), comments=comments)
    for kind, node in kinds:
        _take(module, kind, node)
    module.calls.sort(key=lambda call: call.start)
    module.bindings.sort(key=lambda binding: binding.at)
    _mark_outer(module)
    return module


def _take(module: Module, kind: str, node: SgNode) -> None:
    if kind in _FUNCTIONS:
        module.functions.append(_function(node))
    elif kind in _BINDINGS:
        module.bindings.extend(_binding(node))
    elif kind in {"call_expression", "new_expression"}:
        module.calls.append(_call(node))
    elif kind == "if_statement":
        module.conditions.extend(_condition(node))
    elif kind == "decorator":
        module.decorators.append(_argument(node))
    elif kind == "class_declaration" and (name := node.field("name")):
        span = _argument(node)
        module.classes.append((name.text(), span.start, span.end))


def _argument(node: SgNode) -> Argument:
    span = node.range()
    return Argument(node.kind(), span.start.index, span.end.index)


def _call(node: SgNode) -> Call:
    span = node.range()
    callee = node.field("function") or node.field("constructor")
    given = node.field("arguments")
    inner = [] if given is None else given.named_children()
    inner = [given] if given is not None and given.kind() == "template_string" else inner
    arguments = tuple(_argument(one) for one in inner if one.kind() != "comment")
    # With type arguments the parser takes `await query` for what is called.
    name = "" if callee is None else re.sub(r"\Aawait\s+|\s+|\?(?=\.)", "", callee.text())
    end = span.start.index if callee is None else callee.range().end.index
    return Call(name, span.start.index, span.end.index, end, arguments)


def _binding(node: SgNode) -> Iterator[Binding]:
    left = node.field("name") or node.field("left")
    value = node.field("value") or node.field("right")
    if left is not None and value is not None:
        span = value.range()
        yield Binding(left.text(), node.range().start.index, span.start.index, span.end.index)


def _condition(node: SgNode) -> Iterator[Condition]:
    test, then = node.field("condition"), node.field("consequence")
    other = node.field("alternative")
    if test is not None and then is not None:
        span = _argument(node)
        last = None if other is None else _argument(other)
        yield Condition(span.start, span.end, _argument(test), _argument(then), last)


def _function(node: SgNode) -> Function:
    span = node.range()
    single = node.field("parameter")
    listed = node.field("parameters")
    parameters = [single] if single is not None else []
    if listed is not None:
        parameters = [one for one in listed.named_children() if one.kind() != "comment"]
    return Function(
        _name(node),
        span.start.index,
        span.end.index,
        tuple(one.text() for one in parameters),
        outer=False,
    )


def _name(node: SgNode) -> str:
    own = node.field("name")
    if own is not None:
        return own.text()
    at = node.parent()
    for _ in range(4):
        if at is None:
            return ""
        kind = at.kind()
        if kind in {"arguments", "call_expression", "parenthesized_expression", "as_expression"}:
            at = at.parent()
            continue
        named = at.field("name") or at.field("key") or at.field("left") or at.field("property")
        named_kinds = {"variable_declarator", "pair", "assignment_expression"}
        if named is None or kind not in {*named_kinds, "public_field_definition"}:
            return ""
        return named.text().rpartition(".")[2]
    return ""


def _mark_outer(module: Module) -> None:
    end = -1
    ordered = sorted(module.functions, key=lambda one: (one.start, -one.end))
    for index, function in enumerate(ordered):
        if function.start >= end:
            end = function.end
            ordered[index] = Function(
                function.name, function.start, function.end, function.parameters, outer=True
            )
    module.functions = ordered


def _blanked(text: str, comments: list[Argument]) -> str:
    parts: list[str] = []
    at = 0
    for comment in comments:
        if comment.start < at:
            continue
        parts.append(text[at : comment.start])
        parts.append(hidden(text[comment.start : comment.end]))
        at = comment.end
    return "".join((*parts, text[at:]))


def _clause(clause: str) -> Iterator[tuple[str, str]]:
    """`a, { b as c, type d }`, `* as e`: the local names, and what each is called in its file."""
    before, _, rest = clause.partition("{")
    if star := re.search(r"\*\s*as\s+([\w$]+)", before):
        yield star[1], "*"
    elif word := WORD.search(before):
        yield word[0], "default"
    if rest:
        yield from _listed("{" + rest, ":")


def _handed_on(clause: str) -> Iterator[tuple[str, str]]:
    """`{ a, b as c }`, `* as e`: nothing for `*` alone."""
    if clause.startswith("{"):
        yield from _listed(clause)
    elif clause != "*":
        yield clause.rpartition(" ")[2], "*"


def _listed(braces: str, separator: str = " as ") -> Iterator[tuple[str, str]]:
    """Of `{ a, b as c }` or `{ a, c: b }`: (name outside, name inside) in the order written."""
    for entry in braces.strip("{} \n").split(","):
        words = WORD.findall(re.sub(r"^\s*type\s+", "", entry))
        if not words:
            continue
        renamed = " as " in entry or (separator == ":" and ":" in entry)
        yield words[-1] if renamed else words[0], words[0]
