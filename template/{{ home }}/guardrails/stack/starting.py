"""Which module a Python server is started as: often another one than that which makes it."""

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath

from ..engine.tree import Tree

_COMMAND = re.compile(
    r"\b(?:gunicorn|uvicorn|hypercorn|granian)\b[^\n]*?[\s\"']([A-Za-z_][\w.]*):([A-Za-z_]\w*)"
)
_SAYS = re.compile(
    r"(^|/)(Procfile|\.replit|Dockerfile[^/]*|package\.json|Makefile|[^/]+\.(ya?ml|toml|sh))$"
)
_FIRST = ("main", "wsgi", "asgi", "run", "server", "index")
_LONGEST = 20_000

Server = tuple[str, str]
"""A file, and the name that the server has in it."""


class Starting:
    """What the start commands of a tree name, and who adds the routes to a server."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._commands = [
            (module, name)
            for path in tree.files
            if _SAYS.search(path)
            for module, name in _COMMAND.findall((tree.text(path) or "")[:_LONGEST])
        ]

    def commanded(self, server: Server) -> bool:
        """Whether a start command names it."""
        path, name = server
        dotted = path.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
        return any(
            bound == name and f".{dotted}".endswith(f".{module}")
            for module, bound in self._commands
        )

    def started_as(self, made: Server) -> Server:
        """The module that is served: the one that made it knows no routes, where another one
        imports the server and gives it all of them.
        """
        if not made[1].isidentifier() or self.commanded(made):
            return made
        importers = list(self._importers(made))
        for importer in importers:
            if self.commanded(importer):
                return importer
        routes = re.compile(rf"^@{made[1]}\.\w+\(", re.MULTILINE)
        takers = [it for it in importers if routes.search(self._tree.text(it[0]) or "")]
        usual = [taker for taker in takers if PurePosixPath(taker[0]).stem in _FIRST]
        return (takers if len(takers) == 1 else [*usual, made])[0]

    def _importers(self, made: Server) -> Iterator[Server]:
        """Modules beside it that take the server from it, and that it does not import itself."""
        path, name = made
        known = set(_imported(self._tree.text(path) or ""))
        folder, stem = PurePosixPath(path).parent, PurePosixPath(path).stem
        for other in self._tree.ending(".py"):
            beside = PurePosixPath(other)
            if beside.parent != folder or other == path or beside.stem in known:
                continue
            if f"{stem}.{name}" in set(_imported(self._tree.text(other) or "")):
                yield other, name


def _imported(text: str) -> Iterator[str]:
    """Last names of modules, and with them the names that are taken from them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (it.name.rpartition(".")[2] for it in node.names)
        elif isinstance(node, ast.ImportFrom):
            stem = (node.module or "").rpartition(".")[2]
            yield stem
            yield from (it.name if not stem else f"{stem}.{it.name}" for it in node.names)
            yield from (it.name for it in node.names)
