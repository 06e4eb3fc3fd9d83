"""All that is looked at, and what can't be looked at without a network."""

from collections.abc import Callable, Iterator

from ...engine.finding import Finding, NotLooked
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
    found: list[Finding] = []
    missing = [
        NotLooked(
            "known-vulnerable dependencies",
            "advisories are on the network and this guard works without; "
            "`npm audit`, `uv audit` or `osv-scanner` ask for them",
            ("deps.vulnerable",),
        )
    ]
    if not project.sources:
        return Looked(found, missing)
    for check in _CHECKS:
        found += check(project)
    return Looked(found, missing)
