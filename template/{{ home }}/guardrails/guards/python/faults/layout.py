"""How the Python lies in the tree: copies of one service, names in each other's way."""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator

from ....engine.finding import Evidence, Finding, Place
from ..facts.modules import Module, Project
from ..facts.routes import RouteTable
from ..facts.syntax import found, place

_SHADOWED = sys.stdlib_module_names & {
    "email", "queue", "random", "logging", "types", "secrets", "calendar", "code", "token",
    "select", "socket", "json", "time", "datetime", "platform", "statistics", "signal", "string",
}  # fmt: skip
_ALIKE = 0.6
_FEWEST_ROUTES = 4


def look(table: RouteTable) -> Iterator[Finding]:
    yield from _copies(table)
    yield from _registered_again(table)
    yield from _shadows(table.project)


def _copies(table: RouteTable) -> Iterator[Finding]:
    """Files, or folders of files, that serve nearly the same routes."""
    served: dict[str, set[str]] = defaultdict(set)
    for route in table.routes:
        name = re.sub(r"[<{][^>}]*[>}]", "{}", f"{route.method} {route.path}").rstrip("/")
        served[route.module.path].add(name)
    files = sorted(path for path, names in served.items() if len(names) >= _FEWEST_ROUTES)
    alike: set[str] = set()
    for at, one in enumerate(files):
        for other in files[at + 1 :]:
            small = min(len(served[one]), len(served[other]))
            if len(served[one] & served[other]) >= _ALIKE * small:
                alike |= {one, other}
    if alike:
        places = [Place(path, 1) for path in sorted(alike)]
        yield Finding(
            "code.duplicate-app", places[0],
            f"{', '.join(sorted(alike))} serve nearly the same routes: what is mended in one stays "
            "broken in the others.",
            evidence=Evidence.EXACT, also=tuple(places[1:]),
        )  # fmt: skip


def _registered_again(table: RouteTable) -> Iterator[Finding]:
    for route in table.routes:
        if route.behind is not None:
            yield found(
                "bug.duplicate-route", route.module, route.line,
                f"{route.label} is registered again (first in line {route.behind.line}): "
                f"{route.function.name} never runs.",
                symbol=route.function.name,
                also=[place(route.module, route.behind.line, route.behind.function.name)],
            )  # fmt: skip


def _shadows(project: Project) -> Iterator[Finding]:
    present = project.tree.present
    by_folder: dict[str, list[Module]] = defaultdict(list)
    for module in project.modules:
        by_folder[module.path.rpartition("/")[0]].append(module)
    for module in project.modules:
        stem = module.path.removesuffix(".py")
        name = stem.rpartition("/")[2]
        inside = by_folder.get(stem, [])
        if inside:
            places = [Place(other.path, 1) for other in inside]
            yield Finding(
                "python.module-shadowing", Place(module.path, 1),
                f"{module.path} and {stem}/ have the same import name: which one is meant depends "
                "on how the program is started.",
                evidence=Evidence.EXACT, also=tuple(places),
            )  # fmt: skip
        elif (
            name in _SHADOWED
            and f"{module.path.rpartition('/')[0]}/__init__.py".lstrip("/") not in present
        ):
            yield Finding(
                "python.module-shadowing", Place(module.path, 1),
                f"{module.path} hides Python's own module {name}.", evidence=Evidence.EXACT,
            )  # fmt: skip
