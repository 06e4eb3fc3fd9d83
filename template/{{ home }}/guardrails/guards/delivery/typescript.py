"""TypeScript: is the compiler allowed to say what is wrong, and is it asked about any file?"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ...engine.finding import Evidence, Finding, Place, Severity
from .project import Package, Project

_NOT_THE_APP = re.compile(
    r"node|build|spec|test|eslint|storybook|worker|e2e|cypress", re.IGNORECASE
)
_IGNORED = re.compile(r"^[^\n/]*\b(ignoreBuildErrors|ignoreDuringBuilds)\s*:\s*true", re.MULTILINE)
_PLAIN_TSC = re.compile(r"\btsc\b(?![^&|;]*(\s-b\b|\s--build\b|\s-p\b|\s--project\b|-init))")
_DEEPEST = 5


def findings(project: Project) -> Iterator[Finding]:
    yield from _errors_ignored(project)
    if not any(path.endswith((".ts", ".tsx")) for path in project.sources):
        return
    for path in project.tree.matching("**/tsconfig*.json", "**/jsconfig.json"):
        config = project.tree.json(path)
        if isinstance(config, dict):
            yield from _not_strict(project, path, config)
            yield from _checks_nothing(project, path, config)


def _errors_ignored(project: Project) -> Iterator[Finding]:
    for path in project.tree.files:
        if not re.search(r"(^|/)next\.config\.[cm]?[jt]s$", path):
            continue
        text = project.tree.text(path) or ""
        for match in _IGNORED.finditer(text):
            types = match[1] == "ignoreBuildErrors"
            what = "type errors" if types else "lint errors"
            yield Finding(
                "ts.errors-ignored",
                Place(path, text.count("\n", 0, match.start(1)) + 1, snippet=match[0].strip()),
                f"{match[1]}: the build passes with any number of {what}.",
                severity=None if types else Severity.LOW,
                evidence=Evidence.EXACT,
            )


def _not_strict(project: Project, path: str, config: dict[str, Any]) -> Iterator[Finding]:
    name = PurePosixPath(path).name
    if name == "jsconfig.json" or _NOT_THE_APP.search(name) or _is_solution(config):
        return
    if not name.startswith(("tsconfig.json", "tsconfig.app")) or _strict(project, path, config, 0):
        return
    folder = path.rpartition("/")[0]
    if not any(source.startswith(folder) for source in project.sources):
        return
    line = project.line_of(path, '"strict"')
    yield Finding(
        "ts.not-strict",
        Place(path, line),
        f"{path} does not set strict: null, undefined and any pass unchecked.",
        evidence=Evidence.EXACT,
    )


def _strict(project: Project, path: str, config: dict[str, Any], depth: int) -> bool:
    options = config.get("compilerOptions")
    value = options.get("strict") if isinstance(options, dict) else None
    if isinstance(value, bool):
        return value
    base = config.get("extends")
    if isinstance(base, list):
        base = base[-1] if base else None
    if not isinstance(base, str) or depth > _DEEPEST:
        return False
    parent = _relative(path, base)
    inherited = project.tree.json(parent) if parent in project.tree.present else None
    # A base from a package: those that are published are strict.
    return _strict(project, parent, inherited, depth + 1) if isinstance(inherited, dict) else True


def _relative(path: str, base: str) -> str:
    parts: list[str] = []
    for part in (*PurePosixPath(path).parent.parts, *PurePosixPath(base).parts):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    joined = "/".join(parts)
    return joined if joined.endswith(".json") else f"{joined}.json"


def _is_solution(config: dict[str, Any]) -> bool:
    return config.get("files") == [] and not config.get("include")


def _checks_nothing(project: Project, path: str, config: dict[str, Any]) -> Iterator[Finding]:
    if PurePosixPath(path).name != "tsconfig.json" or not _is_solution(config):
        return
    folder = path.rpartition("/")[0]
    places = list(_plain_checks(project, folder))
    if not places:
        if not _checked_otherwise(project, folder):
            yield Finding(
                "ts.checks-nothing",
                Place(path, project.line_of(path, '"files"')),
                f"{path} lists no file and only refers to others: plain `tsc --noEmit` checks "
                "nothing, and no script checks types at all.",
                severity=Severity.LOW,
                evidence=Evidence.EXACT,
            )
        return
    yield Finding(
        "ts.checks-nothing",
        places[0],
        f"{places[0].snippet} checks no file: {path} lists none and only refers to others.",
        evidence=Evidence.EXACT,
        also=(*places[1:], Place(path)),
    )


def _plain_checks(project: Project, folder: str) -> Iterator[Place]:
    mine: list[Package] = [package for package in project.packages if package.folder == folder]
    for package in mine:
        for name, command in package.section("scripts").items():
            if _PLAIN_TSC.search(command):
                yield Place(
                    package.path, project.line_of(package.path, f'"{name}"'), snippet=command
                )
    for path in project.tree.matching(".github/workflows/*"):
        text = project.tree.text(path) or ""
        for match in re.finditer(r"^.*\bnpx tsc\b.*$", text, re.MULTILINE):
            if mine and _PLAIN_TSC.search(match[0]) and not folder:
                line = text.count("\n", 0, match.start()) + 1
                yield Place(path, line, snippet=match[0].strip())


def _checked_otherwise(project: Project, folder: str) -> bool:
    """A script calls the compiler the right way, or another checker."""
    return any(
        re.search(r"\b(vue-tsc|tsc|tsgo|svelte-check)\b", command)
        for package in project.packages
        if package.folder in {folder, ""}
        for command in package.section("scripts").values()
    )
