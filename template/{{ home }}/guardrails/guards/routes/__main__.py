"""The routes of JavaScript and TypeScript servers, and what each of them checks."""

import sys
from collections.abc import Iterator

from ...engine.finding import Finding, NotLooked
from ...engine.guard import Looked, main
from ...engine.tree import Tree
from .access import Case
from .collect import collect
from .holes import holes
from .identity import identity
from .operations import operations
from .payments import payments
from .platforms import edge_projects


def look(tree: Tree) -> Looked:
    program, cases = collect(tree)
    projects = list(edge_projects(program))
    found = [
        *holes(cases, projects),
        *identity(cases),
        *payments(cases),
        *operations(program, cases),
    ]
    unread = [NotLooked(path, "it could not be parsed") for path in program.unreadable]
    return Looked(_once(found), unread, {"routes": [_row(case) for case in cases]})


def _once(found: list[Finding]) -> Iterator[Finding]:
    """A file that several routes run through is judged with each of them."""
    seen: set[tuple[str, str, int]] = set()
    for one in found:
        key = (one.rule, one.place.path, one.place.line)
        if key not in seen:
            seen.add(key)
            yield one


def _row(case: Case) -> dict[str, object]:
    route = case.route
    return {
        "method": route.method,
        "path": route.path,
        "file": route.module.path,
        "line": route.line,
        "kind": route.kind,
        "access": case.access.value,
        "why": case.why,
    }


if __name__ == "__main__":
    sys.exit(main("routes", look))
