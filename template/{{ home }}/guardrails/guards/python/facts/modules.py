"""A tree's Python as parsed modules, and what a name in one of them stands for."""

import ast
import re
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from ....engine.finding import NotLooked
from ....engine.tree import Tree
from ...filenames import is_test
from .holding import held_in, kind_of
from .walking import children, nodes_in

Function = ast.FunctionDef | ast.AsyncFunctionDef

_APART = re.compile(
    r"(^|/)(\.[^/]+|migrations|alembic|versions|site-packages|node_modules|venv|env|docs|"
    r"examples?|notebooks?|fixtures|__pycache__|build|dist)/"
)
_SCRIPTS = re.compile(
    r"(^|/)(scripts?|seeds?|tools|bin|demo|management)/|"
    r"(^|/)[^/]*(seed|populate|migrate|fixtures?)[^/]*\.py$"
)
_PERHAPS_A_SCRIPT = re.compile(r"(^|/)[^/]*(create_|sample|setup|debug_|check_)[^/]*\.py$")
_OF_A_SERVICE = re.compile(
    r"(^|/)(routes?|routers?|views|endpoints|handlers|controllers|blueprints|forms|models|schemas"
    r"|services|auth)/"
)
_DEEPEST = 200
_LONGEST_CHAIN = 5
_WEB = (
    "fastapi", "flask", "django", "rest_framework", "streamlit", "starlette", "sanic", "aiohttp",
    "quart", "bottle", "tornado", "litestar", "gradio", "flask_restful", "flask_restx",
)  # fmt: skip


def is_apart(path: str) -> bool:
    """Migrations, notebooks, vendored and generated code: not what the service is."""
    return bool(_APART.search(path))


def is_script(path: str) -> bool:
    if _SCRIPTS.search(path):
        return True
    return bool(_PERHAPS_A_SCRIPT.search(path)) and not _OF_A_SERVICE.search(path)


@dataclass(frozen=True)
class Definition:
    """What a name stands for: a node in a module, or only a dotted name from outside."""

    name: str
    module: "Module | None" = None
    node: ast.AST | None = None


@dataclass(eq=False)
class Module:
    """One parsed file. `imports` says where its names come from."""

    path: str
    text: str
    tree: ast.Module
    imports: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return nodes_in(self.tree)

    @cached_property
    def calls(self) -> list[ast.Call]:
        return [node for node in self.nodes if isinstance(node, ast.Call)]

    @cached_property
    def functions(self) -> list[Function]:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return [node for node in self.nodes if isinstance(node, kinds)]

    @cached_property
    def classes(self) -> list[ast.ClassDef]:
        return [node for node in self.nodes if isinstance(node, ast.ClassDef)]

    @cached_property
    def named(self) -> dict[str, ast.AST]:
        """Names defined anywhere in the module; the outermost definition wins."""
        found: dict[str, ast.AST] = {}
        for node in self.nodes:
            for name in _bound(node):
                found.setdefault(name, node)
        return found

    @cached_property
    def owners(self) -> dict[ast.AST, Function]:
        """The innermost function that each node stands in."""
        return {
            node: function
            for function in self.functions  # outer ones first: the inner ones overwrite
            for node in nodes_in(function)
            if node is not function
        }

    @cached_property
    def holders(self) -> dict[ast.AST, ast.ClassDef]:
        """The class that each method stands in."""
        return {item: holder for holder in self.classes for item in holder.body}

    @cached_property
    def held(self) -> dict[str, str]:
        return held_in(self.functions, self.holders)

    @cached_property
    def is_web(self) -> bool:
        roots = {target.partition(".")[0] for target in self.imports.values()}
        return bool(roots & set(_WEB))

    def owner(self, node: ast.AST) -> str:
        function = self.owners.get(node)
        return function.name if function else ""


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


class Project:
    """Every module of the tree, and names resolved across them."""

    def __init__(self, modules: list[Module], tests: list[Module], tree: Tree) -> None:
        self.modules = modules
        self.tests = tests
        self.tree = tree
        self._by_suffix: dict[str, list[Module]] = defaultdict(list)
        for module in modules:
            for name in _names_of(module.path):
                self._by_suffix[name].append(module)

    @property
    def of_the_prototype(self) -> list[Module]:
        """Those whose habits tell of the tree: not a service's that was fitted before it."""
        return [module for module in self.modules if not self.tree.is_fitted(module.path)]

    def module_named(self, dotted: str, near: Module) -> Module | None:
        """The module of that name; of several the one closest to who imports it."""
        return next(iter(self._modules_named(dotted, near)), None)

    def resolve(self, module: Module, name: str, depth: int = 0) -> Definition:
        """What a dotted name means in a module, through imports and re-exports."""
        first, _, rest = name.partition(".")
        if not rest and first in module.named:
            return Definition(name, module, module.named[first])
        if rest and "." not in rest and (there := self._class_of(module, first, depth)):
            return self._method(*there, rest, depth) or Definition(name, module)
        if rest and (held := self._of_holder(module, name, depth)):
            return held
        target = module.imports.get(first)
        if target is None:
            here = Definition(name, module if first in module.named else None)
            return here if here.module else self._from_stars(module, name, depth) or here
        return self._outside(f"{target}.{rest}" if rest else target, module, depth)

    def _from_stars(self, module: Module, name: str, depth: int) -> Definition | None:
        """What `from .bases import *` brings in."""
        if depth > _LONGEST_CHAIN:
            return None
        for star, target in module.imports.items():
            if star.startswith("*"):
                for other in self._modules_named(target.removesuffix(".*"), module):
                    found = self.resolve(other, name, depth + 1)
                    if found.node is not None:
                        return found
        return None

    def _class_of(
        self, module: Module, name: str, depth: int
    ) -> tuple[Module, ast.ClassDef] | None:
        """The class that a name of this module is, or that it holds an instance of."""
        holder = module.named.get(name)
        if isinstance(holder, ast.ClassDef):
            return module, holder
        made = holder.value if isinstance(holder, ast.Assign) else None
        if not isinstance(made, ast.Call) or depth > _LONGEST_CHAIN:
            return None
        text = ast.unparse(made.func)
        meant = self.resolve(module, text, depth + 1) if text.isidentifier() else None
        if meant and isinstance(meant.node, ast.ClassDef) and meant.module:
            return meant.module, meant.node
        return None

    def _of_holder(self, module: Module, name: str, depth: int) -> Definition | None:
        """`self.bookings.cancel`, `service.cancel`: a method of what is held by that name."""
        holder, _, method = name.rpartition(".")
        kind = module.held.get(holder)
        if kind is None or depth > _LONGEST_CHAIN:
            return None
        meant = self.resolve(module, kind, depth + 1)
        if isinstance(meant.node, ast.Assign) and meant.module:  # `Service = Annotated[Rows, …]`
            meant = self.resolve(meant.module, kind_of(meant.node.value), depth + 1)
        if isinstance(meant.node, ast.ClassDef) and meant.module:
            return self._method(meant.module, meant.node, method, depth + 1)
        return None

    def _method(
        self, module: Module, holder: ast.ClassDef, name: str, depth: int
    ) -> Definition | None:
        """`find_by_id` of a class or of what it extends: a repository of static methods."""
        for item in holder.body:
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name == name:
                return Definition(name, module, item)
        if depth > _LONGEST_CHAIN:
            return None
        for base in holder.bases:
            text = ast.unparse(base).partition("[")[0]  # `CRUD[Booking]`
            found = self.resolve(module, text, depth + 1) if text.isidentifier() else None
            if found and isinstance(found.node, ast.ClassDef) and found.module:
                there = self._method(found.module, found.node, name, depth + 1)
                if there is not None:
                    return there
        return None

    def _outside(self, dotted: str, near: Module, depth: int) -> Definition:
        parts = dotted.split(".")
        for cut in range(len(parts), 0, -1):
            rest = ".".join(parts[cut:])
            others = self._modules_named(".".join(parts[:cut]), near)
            if others and (not rest or depth > _LONGEST_CHAIN):
                return Definition(dotted, others[0])
            for other in others:  # app.py and app/ have one name: who defines it is meant
                found = self.resolve(other, rest, depth + 1)
                if found.node is not None:
                    return found
            if others:
                return Definition(dotted, others[0])
        return Definition(dotted)

    def _modules_named(self, dotted: str, near: Module) -> list[Module]:
        candidates = [other for other in self._by_suffix.get(dotted, []) if other is not near]
        if dotted in sys.stdlib_module_names:  # `import secrets` means no file of a package
            candidates = [other for other in candidates if "/" not in other.path]
        return sorted(candidates, key=lambda other: _closeness(other.path, near.path), reverse=True)

    @cached_property
    def service(self) -> list[Module]:
        """The modules that serve: those of a web framework, and what they import."""
        reached: dict[str, Module] = {}
        waiting = [module for module in self.modules if module.is_web]
        while waiting:
            module = waiting.pop()
            if module.path in reached:
                continue
            reached[module.path] = module
            waiting += self._imported(module)
        return [reached[path] for path in sorted(reached)]

    @cached_property
    def tables(self) -> dict[str, tuple[Module, ast.ClassDef]]:
        """The model of each table, by the name that the model says."""
        return {
            value.value: (module, node)
            for module in self.modules
            for node in module.classes
            for item in node.body
            if isinstance(item, ast.Assign) and "__tablename__" in _bound(item)
            if isinstance(value := item.value, ast.Constant) and isinstance(value.value, str)
        }

    def _imported(self, module: Module) -> Iterator[Module]:
        for target in set(module.imports.values()):
            for name in (target, target.rpartition(".")[0]):
                other = self.module_named(name, module) if name else None
                if other is not None:
                    yield other

    def imports_any(self, *packages: str) -> bool:
        return any(
            target.partition(".")[0] in packages
            for module in self.modules
            for target in module.imports.values()
        )


def _names_of(path: str) -> Iterator[str]:
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts = parts[:-1]
    for start in range(len(parts)):
        yield ".".join(parts[start:])


def _closeness(path: str, other: str) -> tuple[int, int]:
    mine, yours = PurePosixPath(path).parts, PurePosixPath(other).parts
    shared = 0
    for left, right in zip(mine, yours, strict=False):
        if left != right:
            break
        shared += 1
    return shared, -len(mine)


def read(tree: Tree) -> tuple[Project, list[NotLooked]]:
    """Parse what is Python; say what could not be."""
    modules: list[Module] = []
    tests: list[Module] = []
    missed: list[NotLooked] = []
    for path in tree.ending(".py"):
        if is_apart(path):
            continue
        text = tree.text(path)
        if text is None:
            missed.append(NotLooked(path, "it is too big, binary or can't be read"))
            continue
        parsed = parse(path, text)
        if isinstance(parsed, NotLooked):
            missed.append(parsed)
        else:
            (tests if is_test(path) else modules).append(parsed)
    return Project(modules, tests, tree), missed


def parse(path: str, text: str) -> Module | NotLooked:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in strings, which are not ours
            tree = _tree(text)
        if _deeper_than(tree, _DEEPEST):
            return NotLooked(path, f"it is nested more than {_DEEPEST} levels deep")
    except (SyntaxError, ValueError) as error:
        return NotLooked(path, _reason(text, error))
    except (RecursionError, MemoryError):
        return NotLooked(path, "it is nested too deep to be parsed")
    return Module(path, text, tree, _imports(path, tree))


_EXCEPT = re.compile(
    r"^([ \t]*except\s+)((?:[\w.]*\b[A-Z]\w*\s*,\s*)+[\w.]*\b[A-Z]\w*)(\s*:)", re.MULTILINE
)


def _tree(text: str) -> ast.Module:
    """Read with the brackets that several exceptions needed before Python 3.14, where it has none:
    `except KeyError, ValueError:`.
    """
    try:
        return ast.parse(text)
    except SyntaxError:
        bracketed = _EXCEPT.sub(r"\1(\2)\3", text)
        if bracketed == text:
            raise
        return ast.parse(bracketed)


def _reason(text: str, error: Exception) -> str:
    if re.search(r"^\s*print [\"'\w]|^\s*except \w+, \w+:", text, re.MULTILINE):
        return "it is Python 2, which no supported interpreter runs"
    line = getattr(error, "lineno", None)
    version = ".".join(map(str, sys.version_info[:2]))
    where = f" (line {line})" if line else ""
    return f"it is no Python that {version} understands{where}: {getattr(error, 'msg', error)}"


def _deeper_than(tree: ast.AST, most: int) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(most):
        level = [child for node in level for child in children(node)]
        if not level:
            return False
    return True


def _imports(path: str, tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in nodes_in(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                target = alias.name if alias.asname else alias.name.partition(".")[0]
                found[alias.asname or target] = target
        elif isinstance(node, ast.ImportFrom):
            start = _package(path, node)
            for alias in node.names:
                name = f"*{start}" if alias.name == "*" else alias.asname or alias.name
                found[name] = f"{start}.{alias.name}".strip(".")
    return found


def _package(path: str, node: ast.ImportFrom) -> str:
    above = path.split("/")[: -node.level] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])
