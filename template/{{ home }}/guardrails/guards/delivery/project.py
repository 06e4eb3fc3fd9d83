"""What the tree is made of, read once: manifests, lock files, sources, tests, workflows."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...engine.tree import Tree

_SOURCES = (
    ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".py", ".vue", ".svelte",
    ".go", ".rb", ".php", ".java", ".kt", ".rs", ".cs",
)  # fmt: skip
_TESTS = re.compile(
    r"(^|/)(test_[^/]*|[^/]*_test|tests?)\.(py|[cm]?[jt]sx?|go)$"
    r"|\.(test|spec|cy|e2e)\.[cm]?[jt]sx?$"
    r"|(^|/)(__tests__|tests?|e2e|cypress)/([^/]+/)*[^/]+\.(py|[cm]?[jt]sx?)$"
)
_NO_SOURCE = re.compile(
    r"(^|/)(node_modules|dist|build|out|coverage|vendor|venv|public|static/vendor|\.\w[^/]*)/"
    r"|\.min\.js$|\.d\.ts$|\.config\.[cm]?[jt]s$"
)
_PAGE = re.compile(r"(^|/)(route|page|layout|loading|error)\.[jt]sx?$")
_NAME = re.compile(r"^[\s\"']*([A-Za-z][\w.-]+)", re.MULTILINE)
_REQUIREMENTS = re.compile(r"(^|/)requirements[\w.-]*\.(txt|in)$")


@dataclass(frozen=True)
class Package:
    """A package.json: where it is and what it says."""

    path: str
    content: Mapping[str, Any]

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    def section(self, name: str) -> Mapping[str, str]:
        """Such as `dependencies`; empty when it is no table of texts."""
        section = self.content.get(name)
        if not isinstance(section, dict):
            return {}
        return {key: value for key, value in section.items() if isinstance(value, str)}

    @property
    def needs(self) -> Mapping[str, str]:
        return {**self.section("devDependencies"), **self.section("dependencies")}


@dataclass(frozen=True)
class Project:
    """The tree with the readings that several checks share."""

    tree: Tree

    @cached_property
    def packages(self) -> tuple[Package, ...]:
        found = []
        for path in self.named("package.json"):
            content = self.tree.json(path)
            if isinstance(content, dict):
                found.append(Package(path, content))
        return tuple(found)

    @cached_property
    def requirements(self) -> tuple[str, ...]:
        return tuple(path for path in self.tree.files if _REQUIREMENTS.search(path))

    @cached_property
    def pyprojects(self) -> Mapping[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for path in self.named("pyproject.toml"):
            try:
                found[path] = tomllib.loads(self.tree.text(path) or "")
            except (ValueError, RecursionError):
                continue
        return found

    @cached_property
    def sources(self) -> tuple[str, ...]:
        return tuple(
            path
            for path in self.tree.ending(*_SOURCES)
            if not _NO_SOURCE.search(path)
            and not self.is_test(path)
            and not self.tree.is_fitted(path)
        )

    @cached_property
    def tests(self) -> tuple[str, ...]:
        """Those of a service that was fitted before the prototype say nothing about it."""
        return tuple(
            path for path in self.tree.files if self.is_test(path) and not self.tree.is_fitted(path)
        )

    @cached_property
    def kilobytes(self) -> int:
        """Of source, tests and vendored trees apart."""
        return self.kilobytes_of(*_SOURCES)

    def kilobytes_of(self, *suffixes: str) -> int:
        return (
            sum(self.tree.sizes[path] for path in self.sources if path.endswith(suffixes)) // 1000
        )

    @cached_property
    def needs(self) -> frozenset[str]:
        """Every package that any manifest names, in lower case."""
        names = {name.lower() for package in self.packages for name in package.needs}
        for path in (*self.requirements, *self.pyprojects, *self.named("Pipfile")):
            for name in _NAME.findall(self.tree.text(path) or ""):
                names.add(name.lower().replace("_", "-"))
        return frozenset(names)

    def is_test(self, path: str) -> bool:
        """Whether it is a test by its name; a page at `/test` is none."""
        return bool(_TESTS.search(path)) and not (_NO_SOURCE.search(path) or _PAGE.search(path))

    def named(self, *names: str) -> Iterator[str]:
        wanted = set(names)
        return (path for path in self.tree.files if path.rpartition("/")[2] in wanted)

    def tracked(self) -> Iterator[str]:
        """What git tracks; without git, what is there."""
        return iter(sorted(self.tree.files if self.tree.tracked is None else self.tree.tracked))

    def line_of(self, path: str, text: str) -> int:
        """The first line that holds the text, 0 for none."""
        content = self.tree.text(path) or ""
        at = content.find(text)
        return content.count("\n", 0, at) + 1 if at >= 0 else 0
