"""Which file imports which: TypeScript, JavaScript and Python, read without a parser."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from posixpath import dirname, join, normpath

from ...engine.tree import Tree

SCRIPTS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte")
_ENDINGS = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".vue", ".svelte", ".d.ts")
_FROM = re.compile(
    r"^[ \t]*(?:import|export)[ \t]+(?P<type>type[ \t]+)?(?P<names>[\w$*{][^'\";()=]*?)"
    r"\s*from\s*['\"](?P<module>[^'\"\n]+)['\"]",
    re.MULTILINE,
)
_BARE = re.compile(r"^[ \t]*import[ \t]*['\"](?P<module>[^'\"\n]+)['\"]", re.MULTILINE)
_CALLED = re.compile(r"\b(?P<how>import|require)\(\s*['\"](?P<module>[^'\"\n]+)['\"]\s*\)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_PY_FROM = re.compile(
    r"^(?P<indent>[ \t]*)from[ \t]+(?P<module>\.*[\w.]*)[ \t]+import[ \t]+"
    r"(?P<names>\([^)]*\)|[^#\n]+)",
    re.MULTILINE,
)
_PY_IMPORT = re.compile(r"^(?P<indent>[ \t]*)import[ \t]+(?P<names>[\w., \t]+)", re.MULTILINE)
_MOST_ALIASES = 200
_MOST_NAMES = 300


@dataclass(frozen=True)
class Import:
    """One file needs another. `eager`: while it is loaded, not for a type or when called."""

    source: str
    target: str
    line: int
    eager: bool


@dataclass(frozen=True)
class _Raw:
    module: str
    at: int
    eager: bool


class Resolver:
    """Finds the file of the tree that a module's name stands for."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._present = tree.present

    @cached_property
    def _aliases(self) -> list[tuple[str, str, str]]:
        """Folder, prefix and target prefix of every `paths` entry, the deepest folder first."""
        found: list[tuple[str, str, str]] = []
        for path in self._tree.matching("**/tsconfig*.json", "**/jsconfig.json"):
            config = self._tree.json(path)
            options = config.get("compilerOptions") if isinstance(config, dict) else None
            if isinstance(options, dict):
                found += _paths(dirname(path), options)
        return sorted(found, key=lambda entry: (-len(entry[0]), -len(entry[1])))[:_MOST_ALIASES]

    def script(self, source: str, module: str) -> str | None:
        """The file that `import … from "module"` in the source means."""
        if module.startswith("."):
            return self._file(normpath(join(dirname(source), module)))
        for folder, prefix, target in self._aliases:
            if not module.startswith(prefix) or not source.startswith(f"{folder}/".lstrip("/")):
                continue
            if found := self._file(normpath(join(folder, target + module[len(prefix) :]))):
                return found
        return self._by_custom(source, module[2:]) if module.startswith(("@/", "~/")) else None

    def _by_custom(self, source: str, rest: str) -> str | None:
        """`@/x` where no configuration says what `@` is: `src` of an enclosing folder."""
        folder = dirname(source)
        while True:
            for base in ("src", "client/src", "app", ""):
                if found := self._file(normpath(join(folder, base, rest))):
                    return found
            if not folder:
                return None
            folder = dirname(folder)

    def _file(self, path: str) -> str | None:
        if path.startswith(".."):
            return None
        stems = [path]
        if path.endswith((".js", ".jsx", ".mjs")):
            stems.append(path.rpartition(".")[0])
        for stem in stems:
            for candidate in (
                *(stem + ending for ending in _ENDINGS),
                *(f"{stem}/index{ending}" for ending in _ENDINGS[1:-1]),
            ):
                if candidate in self._present:
                    return candidate
        return None

    def python(self, source: str, module: str, name: str) -> str | None:
        """The file that `from module import name` in the source means."""
        rest = module.lstrip(".")
        dots = len(module) - len(rest)
        parts = rest.replace(".", "/")
        if dots:
            folder = dirname(source)
            for _ in range(dots - 1):
                folder = dirname(folder)
            return self._module(join(folder, parts) if parts else folder, name)
        folder = dirname(source)
        while True:
            if parts and (found := self._module(join(folder, parts), name)):
                return found
            if not folder:
                return self._module(join("src", parts), name) if parts else None
            folder = dirname(folder)

    def _module(self, path: str, name: str) -> str | None:
        for candidate in (
            f"{path}/{name}.py", f"{path}/{name}/__init__.py", f"{path}.py", f"{path}/__init__.py"
        ):  # fmt: skip
            if candidate.lstrip("/") in self._present:
                return candidate.lstrip("/")
        return None


def _paths(folder: str, options: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    base = options.get("baseUrl")
    base = base if isinstance(base, str) else "."
    paths = options.get("paths")
    for alias, targets in paths.items() if isinstance(paths, dict) else []:
        target = targets[0] if isinstance(targets, list) and targets else None
        if isinstance(alias, str) and isinstance(target, str):
            yield folder, alias.rstrip("*"), join(base, target.rstrip("*"))


def imports(resolver: Resolver, path: str, text: str) -> Iterator[Import]:
    """What the file imports from the tree itself."""
    if path.endswith(".py"):
        raw = _python(resolver, path, text)
    elif path.endswith(SCRIPTS):
        raw = _script(resolver, path, text)
    else:
        return
    starts = _Lines(text)
    for entry in raw:
        if entry.module != path:
            yield Import(path, entry.module, starts(entry.at), entry.eager)


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


def _script(resolver: Resolver, path: str, text: str) -> Iterator[_Raw]:
    # Blanked, not cut out: offsets stay true.
    if "/*" in text:
        text = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in _FROM.finditer(text):
        if found := resolver.script(path, match["module"]):
            eager = not match["type"] and not _only_types(match["names"])
            yield _Raw(found, match.start("names"), eager)
    for match in _BARE.finditer(text):
        if found := resolver.script(path, match["module"]):
            yield _Raw(found, match.start("module"), True)
    for match in _CALLED.finditer(text):
        if found := resolver.script(path, match["module"]):
            yield _Raw(found, match.start("module"), match["how"] == "require")


def _only_types(names: str) -> bool:
    inside = names.strip()
    if not (inside.startswith("{") and inside.endswith("}")):
        return False
    entries = [entry.strip() for entry in inside[1:-1].split(",") if entry.strip()]
    return bool(entries) and all(entry.startswith("type ") for entry in entries)


def _python(resolver: Resolver, path: str, text: str) -> Iterator[_Raw]:
    for match in _PY_FROM.finditer(text):
        eager = not match["indent"]
        names = re.findall(r"(\w+)(?:\s+as\s+\w+)?", match["names"].strip("() \n"))
        for name in names[:_MOST_NAMES]:
            if found := resolver.python(path, match["module"], name):
                yield _Raw(found, match.start("module"), eager)
    for match in _PY_IMPORT.finditer(text):
        for entry in match["names"].split(","):
            module = entry.strip().split(" ")[0]
            head, _, tail = module.rpartition(".")
            found = resolver.python(path, head, tail) if head else _top(resolver, path, module)
            if found:
                yield _Raw(found, match.start("names"), not match["indent"])


def _top(resolver: Resolver, path: str, module: str) -> str | None:
    return resolver.python(path, module, "__init__") if module else None
