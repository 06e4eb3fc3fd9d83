"""All that is looked at; advisories only where a database to ask is named."""

from collections.abc import Callable, Iterator

from ...engine.finding import Finding
from ...engine.guard import Looked
from ...engine.tree import Tree
from . import (
    conflicts,
    dependencies,
    layout,
    operations,
    pipelines,
    repository,
    testing,
    typescript,
    vulnerable,
)
from .project import Project

_CHECKS: tuple[Callable[[Project], Iterator[Finding]], ...] = (
    pipelines.findings,
    testing.findings,
    dependencies.findings,
    conflicts.findings,
    typescript.findings,
    repository.findings,
    layout.findings,
    operations.findings,
)


def look(tree: Tree) -> Looked:
    """Look at how the project is built, tested, shipped and kept."""
    project = Project(tree)
    found, missing = vulnerable.look(project)
    if not project.sources:
        return Looked(found, missing)
    for check in _CHECKS:
        found += check(project)
    return Looked(found, missing)
