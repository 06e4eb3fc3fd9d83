"""The apps of a tree: folders with a manifest of their own, and what each depends on."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.tree import Tree

_MANIFESTS = ("package.json", "pyproject.toml", "Pipfile", "manage.py")
_REQUIREMENTS = re.compile(r"requirements[\w.-]*\.txt$")
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*([^;#]*)")
_MOST_APPS = 200


@dataclass(frozen=True)
class Dependency:
    """A package that a manifest asks for; `version` is as written there."""

    name: str
    version: str
    shown_by: str


@dataclass(frozen=True)
class App:
    """A folder ("" is the root of the tree) whose manifests make it an app of its own."""

    root: str
    manifests: tuple[str, ...]
    dependencies: Mapping[str, Dependency] = field(default_factory=dict)
    """npm packages by their name, Python packages as `py:name`."""


def find_apps(tree: Tree) -> list[App]:
    manifests: dict[str, list[str]] = {}
    for path in tree.files:
        folder, _, name = path.rpartition("/")
        if name in _MANIFESTS or _REQUIREMENTS.match(name):
            manifests.setdefault(folder, []).append(path)
    roots = sorted(manifests, key=lambda root: (root.count("/") + bool(root), root))
    apps = [_app(tree, root, manifests[root]) for root in roots[:_MOST_APPS]]
    return apps or [App("", ())]


def app_of(path: str, apps: list[App]) -> str:
    """The innermost app that a file belongs to."""
    holding = [app.root for app in apps if not app.root or path.startswith(f"{app.root}/")]
    return max(holding, key=len, default="")


def _app(tree: Tree, root: str, manifests: list[str]) -> App:
    found: dict[str, Dependency] = {}
    for path in manifests:
        for key, dependency in _dependencies(tree, path):
            found.setdefault(key, dependency)
    return App(root, tuple(manifests), found)


def _dependencies(tree: Tree, path: str) -> Iterator[tuple[str, Dependency]]:
    name = path.rpartition("/")[2]
    if name == "package.json":
        yield from _of_npm(tree.json(path), path)
    elif name == "pyproject.toml":
        yield from _of_pyproject(tree.text(path) or "", path)
    elif name == "manage.py":
        yield "py:django", Dependency("django", "", path)
    else:
        for line in (tree.text(path) or "").splitlines():
            yield from _of_requirement(line, path)


def _of_npm(package: Any, path: str) -> Iterator[tuple[str, Dependency]]:
    if not isinstance(package, Mapping):
        return
    for table in ("dependencies", "devDependencies", "optionalDependencies"):
        wanted = package.get(table)
        for name, version in wanted.items() if isinstance(wanted, Mapping) else ():
            yield str(name), Dependency(str(name), str(version), path)


def _of_pyproject(text: str, path: str) -> Iterator[tuple[str, Dependency]]:
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    for requirement in _listed(content, "project", "dependencies"):
        yield from _of_requirement(str(requirement), path)
    for name in _listed(content, "tool", "poetry", "dependencies"):
        yield from _of_requirement(str(name), path)


def _listed(content: Any, *keys: str) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content if isinstance(content, (list, Mapping)) else ()


def _of_requirement(line: str, path: str) -> Iterator[tuple[str, Dependency]]:
    if line.lstrip().startswith(("#", "-", "[")) or not (found := _REQUIREMENT.match(line)):
        return
    name = found[1].lower().replace("_", "-")
    yield f"py:{name}", Dependency(name, found[2].strip(' "=,'), path)
