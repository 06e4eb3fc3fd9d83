"""Which file of the tree a module's name stands for: TypeScript, JavaScript and Python."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from posixpath import dirname, join, normpath

from ...engine.tree import Tree

_ENDINGS = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".vue", ".svelte", ".d.ts")
_MOST_ALIASES = 200
_SOURCES = ("src/", "", "lib/")
_FROM_THE_WEB = re.compile(
    r"^(?:https?://(?:esm\.sh|deno\.land/x|cdn\.skypack\.dev|(?:cdn\.)?jsdelivr\.net/npm"
    r"|unpkg\.com)/(?:v\d+/)?|npm:|jsr:)"
)
_VERSION = re.compile(r"(?<=[^/])@[^/]*")

Alias = tuple[str, str, str]


class Resolver:
    """Finds the file of the tree that a module's name stands for."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._present = tree.present
        self._found: dict[tuple[str, str], str | None] = {}

    @cached_property
    def _aliases(self) -> list[Alias]:
        """Folder, prefix and target prefix of every `paths` entry, the deepest folder first."""
        found: list[Alias] = []
        for path in self._tree.matching("**/tsconfig*.json", "**/jsconfig.json"):
            config = self._tree.json(path)
            options = config.get("compilerOptions") if isinstance(config, dict) else None
            if isinstance(options, dict):
                found += _paths(dirname(path), options)
        return sorted(found, key=lambda entry: (-len(entry[0]), -len(entry[1])))[:_MOST_ALIASES]

    @cached_property
    def _workspaces(self) -> dict[str, tuple[str, str]]:
        """The tree's own packages by their names: the folder, and the file that is the package."""
        found: dict[str, tuple[str, str]] = {}
        for path in self._tree.matching("**/package.json"):
            content = self._tree.json(path)
            name = content.get("name") if isinstance(content, dict) else None
            if isinstance(name, str) and name and dirname(path):
                main = content.get("types") or content.get("module") or content.get("main")
                found[name] = (dirname(path), main if isinstance(main, str) else "")
        return found

    def script(self, source: str, module: str) -> str | None:
        """The file that `import … from "module"` in the source means: one for all of a folder."""
        key = dirname(source), module
        if key not in self._found:
            self._found[key] = self._script(source, module)
        return self._found[key]

    def _script(self, source: str, module: str) -> str | None:
        if module.startswith("."):
            return self._file(normpath(join(dirname(source), module)))
        for folder, prefix, target in self._aliases:
            if not module.startswith(prefix) or not source.startswith(f"{folder}/".lstrip("/")):
                continue
            if found := self._file(normpath(join(folder, target + module[len(prefix) :]))):
                return found
        if module.startswith(("@/", "~/")):
            return self._by_custom(source, module[2:])
        return self._workspace(module)

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

    def _workspace(self, module: str) -> str | None:
        """A package of the same repository, whatever its build would make of its sources."""
        name = package_of(module)
        if name not in self._workspaces:
            return None
        folder, main = self._workspaces[name]
        rest = module[len(name) :].lstrip("/")
        wanted = [f"{base}{rest or 'index'}" for base in _SOURCES]
        for candidate in wanted if rest else [main, *wanted]:
            if candidate and (found := self._file(normpath(join(folder, candidate)))):
                return found
        return None

    @cached_property
    def _named(self) -> frozenset[str]:
        """All that a file can be called by: most of what is asked for is the name of none."""
        stems = {
            path.removesuffix(ending)
            for path in self._present
            for ending in _ENDINGS
            if path.endswith(ending)
        }
        return frozenset(stems | {stem.removesuffix("/index") for stem in stems})

    def _file(self, path: str) -> str | None:
        if path.startswith(".."):
            return None
        stems = [path]
        if path.endswith((".js", ".jsx", ".mjs")):
            stems.append(path.rpartition(".")[0])
        for stem in stems:
            if stem not in self._named:
                continue
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
        folder = dirname(source)
        if dots:
            for _ in range(dots - 1):
                folder = dirname(folder)
            return self._module(join(folder, parts) if parts else folder, name)
        while parts:
            for base in (folder, join(folder, "src")):
                if found := self._module(join(base, parts), name):
                    return found
            if not folder:
                break
            folder = dirname(folder)
        return None

    def _module(self, path: str, name: str) -> str | None:
        for candidate in (
            f"{path}/{name}.py", f"{path}/{name}/__init__.py", f"{path}.py", f"{path}/__init__.py"
        ):  # fmt: skip
            if candidate.lstrip("/") in self._present:
                return candidate.lstrip("/")
        return None


def package_of(module: str) -> str:
    """The package that a JavaScript module's name belongs to: `@scope/name` of
    `@scope/name/deep`, and of what Deno calls `npm:@scope/name@2/deep`.
    """
    plain = _FROM_THE_WEB.sub("", module)
    if plain != module:
        plain = _VERSION.sub("", plain).partition("?")[0]
    return "/".join(plain.split("/")[: 2 if plain.startswith("@") else 1])


def _paths(folder: str, options: Mapping[str, object]) -> Iterator[Alias]:
    given = options.get("baseUrl")
    base = given if isinstance(given, str) else "."
    paths = options.get("paths")
    for alias, targets in paths.items() if isinstance(paths, dict) else []:
        for target in targets if isinstance(targets, list) else []:
            if isinstance(alias, str) and isinstance(target, str):
                yield folder, alias.rstrip("*"), join(base, target.rstrip("*"))
    if isinstance(given, str):
        yield folder, "", f"{given.rstrip('/')}/"
