"""Which file imports which: scripts are read without a parser, Python with its own."""

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .resolving import Resolver, package_of

SCRIPTS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte")
_FROM = re.compile(
    r"^[ \t]*(?P<what>import|export)[ \t]+(?P<type>type[ \t]+)?(?P<names>[\w$*{][^'\";()=]*?)"
    r"\s*from\s*['\"](?P<module>[^'\"\n]+)['\"]",
    re.MULTILINE,
)
_BARE = re.compile(r"^[ \t]*import[ \t]*['\"](?P<module>[^'\"\n]+)['\"]", re.MULTILINE)
_CALLED = re.compile(r"\b(?P<how>import|require)\(\s*['\"](?P<module>[^'\"\n]+)['\"]\s*\)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"(?:(?P<type>type)\s+)?(?P<name>[\w$]+|\*)(?:\s+as\s+(?P<own>[\w$]+))?")
_PY_FROM = re.compile(
    r"^(?P<indent>[ \t]*)from[ \t]+(?P<module>\.*[\w.]*)[ \t]+import[ \t]+"
    r"(?P<names>\([^)]*\)|[^#\n]+)",
    re.MULTILINE,
)
_PY_IMPORT = re.compile(r"^(?P<indent>[ \t]*)import[ \t]+(?P<names>[\w., \t]+)", re.MULTILINE)
_MOST_NAMES = 300
ALL = "*"
"""In the names of a reference: everything that the module offers."""


class When(StrEnum):
    """When an import takes hold."""

    LOADED = "loaded"
    CALLED = "called"
    NEVER = "never"
    """It is for the type checker and gone when the program runs."""


@dataclass(frozen=True)
class Import:
    """One file needs another. `eager`: while it is loaded, not for a type or when called."""

    source: str
    target: str
    line: int
    eager: bool


@dataclass(frozen=True)
class Reference:
    """A module as a file names it: a file of the tree (`target`) or else a `package`.

    `names` are what is taken from it, `ALL` for the whole; `offers` are those of them that the
    file exports again, under the names that it gives them.
    """

    source: str
    module: str
    line: int
    when: When
    target: str = ""
    package: str = ""
    names: frozenset[str] = frozenset({ALL})
    offers: tuple[tuple[str, str], ...] = ()


def imports(resolver: Resolver, path: str, text: str) -> Iterator[Import]:
    """What the file imports from the tree itself."""
    for found in references(resolver, path, text):
        if found.target and found.target != path:
            yield Import(path, found.target, found.line, found.when is When.LOADED)


def references(resolver: Resolver, path: str, text: str) -> Iterator[Reference]:
    """Every module that the file names."""
    if path.endswith(".py"):
        yield from _python(resolver, path, text)
    elif path.endswith(SCRIPTS):
        yield from _script(resolver, path, text)


class _Lines:
    """Line numbers of rising offsets, counted once."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._line = text, 0, 1

    def __call__(self, at: int) -> int:
        if at < self._at:
            self._at, self._line = 0, 1
        self._line += self._text.count("\n", self._at, at)
        self._at = at
        return self._line


def _script(resolver: Resolver, path: str, text: str) -> Iterator[Reference]:
    # Blanked, not cut out: offsets stay true.
    if "/*" in text:
        text = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    lines = _Lines(text)

    def said(module: str, at: int, when: When, **more: Any) -> Reference:
        target = resolver.script(path, module)
        package = "" if target or module.startswith(".") else package_of(module)
        return Reference(path, module, lines(at), when, target or "", package, **more)

    for match in _FROM.finditer(text):
        taken = list(_names(match["names"]))
        erased = match["type"] or (taken and all(typed for _, _, typed in taken))
        when = When.NEVER if erased else When.LOADED
        yield said(
            match["module"],
            match.start("names"),
            when,
            names=frozenset(name for name, _, _ in taken),
            offers=tuple((own, name) for name, own, _ in taken if match["what"] == "export"),
        )
    for match in _BARE.finditer(text):
        yield said(match["module"], match.start("module"), When.LOADED)
    for match in _CALLED.finditer(text) if "import(" in text or "require(" in text else ():
        when = When.LOADED if match["how"] == "require" else When.CALLED
        yield said(match["module"], match.start("module"), when)


def _names(clause: str) -> Iterator[tuple[str, str, bool]]:
    """The names in `React, { useState as state, type FC }`: theirs, ours, and if it is a type."""
    before, _, braced = clause.partition("{")
    for entry in before.split(","):
        if match := _NAME.fullmatch(entry.strip()):
            name = ALL if match["name"] == "*" else "default"
            yield name, match["own"] or name, False
    for entry in braced.rstrip("} \n\t").split(","):
        if match := _NAME.fullmatch(entry.strip()):
            yield match["name"], match["own"] or match["name"], bool(match["type"])


def _python(resolver: Resolver, path: str, text: str) -> Iterator[Reference]:
    module = parsed(text)
    if module is None:
        yield from _python_unparsed(resolver, path, text)
        return
    work: list[tuple[ast.AST, When]] = [(module, When.LOADED)]
    while work:
        node, when = work.pop()
        if isinstance(node, ast.ImportFrom):
            named = "." * node.level + (node.module or "")
            names = [alias.name for alias in node.names]
            yield from _from(resolver, path, named, names, node.lineno, when)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield _import(resolver, path, alias.name, node.lineno, when)
        else:
            inner = _within(node, when)
            work += [(child, inner) for child in reversed(list(_statements(node)))]


def parsed(text: str) -> ast.Module | None:
    """Python's own reading of it; None for another Python's syntax, or half a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in strings, which are not ours
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _within(node: ast.AST, when: When) -> When:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return When.CALLED if when is When.LOADED else when
    if isinstance(node, ast.If) and any(map(_is_type_checking, ast.walk(node.test))):
        return When.NEVER
    return when


def _is_type_checking(node: ast.AST) -> bool:
    name = getattr(node, "id", None) or getattr(node, "attr", None)
    return name == "TYPE_CHECKING"


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    return (
        child
        for child in ast.iter_child_nodes(node)
        if isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case))
    )


def _from(
    resolver: Resolver, path: str, module: str, names: list[str], line: int, when: When
) -> Iterator[Reference]:
    """One reference for each file: `from . import a, b` names two modules. What a package's
    `__init__` imports the package offers."""
    taken: dict[str, list[str]] = {}
    for name in names[:_MOST_NAMES]:
        taken.setdefault(resolver.python(path, module, name) or "", []).append(name)
    for target, some in taken.items():
        package = "" if target or module.startswith(".") else module
        offers = tuple((name, name) for name in some) if path.endswith("__init__.py") else ()
        yield Reference(path, module, line, when, target, package, frozenset(some), offers)


def _import(resolver: Resolver, path: str, module: str, line: int, when: When) -> Reference:
    head, _, tail = module.rpartition(".")
    target = resolver.python(path, head or module, tail or "__init__") or ""
    return Reference(path, module, line, when, target, "" if target else module)


def _python_unparsed(resolver: Resolver, path: str, text: str) -> Iterator[Reference]:
    lines = _Lines(text)
    for match in _PY_FROM.finditer(text):
        when = When.CALLED if match["indent"] else When.LOADED
        names = re.findall(r"(\w+)(?:\s+as\s+\w+)?", match["names"].strip("() \n"))
        line = lines(match.start("module"))
        yield from _from(resolver, path, match["module"], names, line, when)
    for match in _PY_IMPORT.finditer(text):
        when = When.CALLED if match["indent"] else When.LOADED
        for entry in match["names"].split(","):
            if module := entry.strip().split(" ")[0]:
                yield _import(resolver, path, module, lines(match.start("names")), when)
