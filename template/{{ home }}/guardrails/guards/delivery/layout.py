"""How many applications the tree holds, and repositories inside it."""

import os
import re
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Place, Severity
from .project import Package, Project

_FRONT_ENDS = ("next", "vite", "react-scripts", "@craco/craco", "nuxt", "@angular/core", "gatsby")
_WORKSPACES = ("pnpm-workspace.yaml", "turbo.json", "nx.json", "lerna.json", "rush.json")
_ENTRY = re.compile(
    r"^(\w+)\s*(?::\s*\w+\s*)?=\s*(FastAPI|Flask|Sanic|Quart|Starlette|Litestar)\(", re.MULTILINE
)
_NOT_AN_APP = re.compile(r"(^|/)(tests?|examples?|docs?|scripts?|templates?|packages|demo)/")
_NESTED_DEPTH = 3
_SUBMODULE = re.compile(r"^\s*path\s*=\s*(.+?)\s*$", re.MULTILINE)


def findings(project: Project) -> Iterator[Finding]:
    yield from _front_ends(project)
    yield from _entry_points(project)
    yield from _nested(project)


def _front_ends(project: Project) -> Iterator[Finding]:
    whole = any(name in project.tree.present for name in _WORKSPACES)
    if whole or any(package.content.get("workspaces") for package in project.packages):
        return
    apps = [
        (package, kind)
        for package in project.packages
        if (kind := _front_end(package)) and not _NOT_AN_APP.search(package.path)
        if _has_interface(project, package.folder)
    ]
    if len(apps) < 2:
        return
    apps.sort(key=lambda app: (app[0].path.count("/"), app[0].path))
    named = ", ".join(f"{package.folder or 'the root'} ({kind})" for package, kind in apps)
    nested = not apps[0][0].folder
    places = [Place(package.path) for package, _ in (apps[1:] if nested else apps)]
    yield Finding(
        "layout.two-apps",
        places[0],
        f"{len(apps)} front ends in one repository: {named}.",
        severity=None if nested else Severity.LOW,
        evidence=Evidence.EXACT,
        also=tuple(places[1:]),
    )


def _front_end(package: Package) -> str:
    return next((kind for kind in _FRONT_ENDS if kind in package.needs), "")


def _has_interface(project: Project, folder: str) -> bool:
    prefix = f"{folder}/" if folder else ""
    own = [path for path in project.sources if path.startswith((f"{prefix}src/", f"{prefix}app/"))]
    own += [path for path in project.sources if path.startswith(f"{prefix}pages/")]
    return any(path.endswith((".tsx", ".jsx", ".vue", ".js")) for path in own)


def _entry_points(project: Project) -> Iterator[Finding]:
    found: list[tuple[Place, str]] = []
    for path in project.sources:
        if path.endswith(".py") and not _NOT_AN_APP.search(path):
            text = project.tree.text(path) or ""
            if match := _ENTRY.search(text):
                line = text.count("\n", 0, match.start()) + 1
                found.append((Place(path, line, snippet=match[0]), match[2]))
    kinds = {kind for _, kind in found}
    if len(found) < 2 or (len(kinds) == len(found) and len(found) == 2 and "Flask" not in kinds):
        return
    places = [place for place, _ in found]
    yield Finding(
        "layout.two-apps",
        places[0],
        f"{len(places)} entry points: {', '.join(place.path for place in places[:6])}; "
        "which one is deployed?",
        evidence=Evidence.READ,
        also=tuple(places[1:10]),
    )


def _nested(project: Project) -> Iterator[Finding]:
    folders = {
        "/".join(path.split("/")[:depth])
        for path in project.tree.files
        for depth in range(1, min(path.count("/"), _NESTED_DEPTH) + 1)
    }
    submodules = set(_SUBMODULE.findall(project.tree.text(".gitmodules") or ""))
    for folder in sorted(folders - submodules):
        if os.path.lexists(project.tree.root / folder / ".git"):
            yield Finding(
                "layout.nested-repo",
                Place(folder),
                f"{folder} is a git repository of its own inside this one.",
                evidence=Evidence.EXACT,
            )
