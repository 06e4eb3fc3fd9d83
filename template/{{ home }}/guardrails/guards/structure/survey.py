"""The survey: every hand-written source file read once, then looked at from several sides."""

from collections.abc import Iterator, Mapping

from ...engine.finding import Evidence, Finding, Place
from ...engine.guard import Looked
from ...engine.tree import Tree
from ..filenames import is_test
from . import graph
from .boundaries import crossings, database_in_interface
from .copies import copies
from .imports import Import, imports
from .resolving import Resolver
from .sources import is_content, written

_GOD = 800


def look(tree: Tree) -> Looked:
    """Look at the structure of the code."""
    texts = dict(written(tree))
    resolver = Resolver(tree)
    edges: list[Import] = []
    for path, text in texts.items():
        edges += imports(resolver, path, text)
    lines = {path: text.count("\n") + 1 for path, text in texts.items()}
    ours = {path: text for path, text in texts.items() if not is_test(path)}
    found: list[Finding] = [
        *graph.cycles(edge for edge in edges if edge.source in ours and edge.target in ours),
        *crossings(edges),
        *database_in_interface(ours),
        *_god_files(ours, lines),
        *copies(ours),
    ]
    return Looked(found, facts={"modules": graph.modules(lines, edges)})


def _god_files(texts: Mapping[str, str], lines: Mapping[str, int]) -> Iterator[Finding]:
    for path, text in texts.items():
        if lines[path] > _GOD and not is_content(path, text):
            yield Finding(
                "code.god-file",
                Place(path),
                f"{path} has {lines[path]:,} lines.",
                evidence=Evidence.EXACT,
            )
