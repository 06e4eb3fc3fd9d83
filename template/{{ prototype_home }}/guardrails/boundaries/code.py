"""The code that contracts are about: the sources that somebody wrote, and what each names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..engine.tree import Tree
from ..guards.filenames import is_test
from ..guards.structure.imports import Reference, When, references
from ..guards.structure.resolving import Resolver
from ..guards.structure.sources import written

_APART = re.compile(
    r"(^|/)components/ui/|\.d\.ts$|(^|/)[\w.-]+\.config\.\w+$|(^|/)(conftest|setup)\.py$"
    r"|(^|/)(migrations|alembic)/|(^|/)__(mocks|generated)__/"
)
"""Generated, or no part of the program: the copied widgets of shadcn, settings of tools."""


@dataclass(frozen=True)
class Code:
    """The files by their paths, and the references between them that are there at run time."""

    texts: Mapping[str, str]
    references: tuple[Reference, ...]


def read(tree: Tree, below: str = "") -> Code:
    """Read the sources below a folder; an import of what is left out is no reference."""
    resolver = Resolver(tree)
    texts = {
        path: text
        for path, text in written(tree)
        if path.startswith(below) and not is_test(path) and not _APART.search(path)
    }
    found = [
        reference
        for path, text in texts.items()
        for reference in references(resolver, path, text)
        if reference.when is not When.NEVER and reference.target != path
    ]
    return Code(
        texts,
        tuple(entry for entry in found if entry.package or entry.target in texts),
    )
