"""Dependencies: locked, pinned, by one package manager, and apart from the developer's tools."""

import re
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Place, Severity
from .conflicts import declared
from .project import Package, Project
from .versions import requirements

_LOCKS = {
    "package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm", "bun.lockb": "bun", "bun.lock": "bun",
}  # fmt: skip
_PYTHON_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")
_REFUSES = re.compile(r"\buv\s+(sync|run|export)\b[^\n]*--(locked|frozen)|UV_LOCKED|UV_FROZEN")
_WEB = re.compile(r"^(?:from|import)\s+(?:flask|fastapi|django|streamlit)\b", re.MULTILINE)
_FREEZE = 100
_SMALL_APP = 100
"""Kilobytes of source below which a hundred direct dependencies were not chosen."""
_TOOLS = frozenset(
    {
        "eslint", "prettier", "vitest", "jest", "nodemon", "husky", "lint-staged", "ts-node",
        "mocha", "cypress", "@playwright/test", "concurrently", "supertest", "ts-jest",
        "eslint-config-next", "@testing-library/react", "lovable-tagger",
    }
)  # fmt: skip
_PYTHON_TOOLS = frozenset(
    {"pytest", "black", "flake8", "mypy", "isort", "ipython", "jupyter", "pylint", "ruff", "pdbpp"}
)
_TOOLS_TO_SAY = 3


def findings(project: Project) -> Iterator[Finding]:
    yield from _unlocked(project)
    yield from _lock_files(project)
    yield from _loose_node(project)
    yield from _loose_python(project)
    yield from _tools(project)


def _unlocked(project: Project) -> Iterator[Finding]:
    bare = [Place(package.path) for package in project.packages if _lacks_lock(project, package)]
    bare += [
        Place(path)
        for path, content in project.pyprojects.items()
        if any(declared(content)) and not _python_locked(project, path)
    ]
    if not bare and (unnamed := _unnamed(project)):
        yield Finding(
            "deps.no-lockfile",
            Place(unnamed),
            "No file says which Python packages are needed: nobody can install it again.",
        )
    if bare:
        bare.sort(key=lambda place: (place.path.count("/"), place.path))
        yield Finding(
            "deps.no-lockfile",
            bare[0],
            f"No lock file for {', '.join(place.path for place in bare[:4])}: "
            "every install may get other versions.",
            evidence=Evidence.EXACT,
            also=tuple(bare[1:10]),
        )


def _unnamed(project: Project) -> str:
    """A Python web service beside which there is no list of packages of any kind."""
    known = (*_PYTHON_LOCKS, "Pipfile", "setup.py", "setup.cfg", "environment.yml", "conda.yml")
    if project.requirements or project.pyprojects or any(project.named(*known)):
        return ""
    return next(
        (
            path
            for path in project.sources
            if path.endswith(".py") and _WEB.search(project.tree.text(path) or "")
        ),
        "",
    )


def _lacks_lock(project: Project, package: Package) -> bool:
    if not package.needs or project.is_test(package.path):
        return False
    folder = package.folder
    while True:
        if any(f"{folder}/{name}".lstrip("/") in project.tree.present for name in _LOCKS):
            return False
        if not folder:
            return True
        folder = folder.rpartition("/")[0]


def _python_locked(project: Project, path: str) -> bool:
    """There is a lock file, or nothing can be installed before there is one."""
    folder = path.rpartition("/")[0]
    here = [f"{folder}/{name}".lstrip("/") for name in (*_PYTHON_LOCKS, "requirements.txt")]
    if any(name in project.tree.present for name in (*here, *_PYTHON_LOCKS)):
        return True
    return any(
        _REFUSES.search(project.tree.text(file) or "")
        for file in project.tree.files
        if file.startswith(".github/workflows/") or "Dockerfile" in file or file == "Makefile"
    )


def _lock_files(project: Project) -> Iterator[Finding]:
    folders: dict[str, list[str]] = {}
    for path in project.named(*_LOCKS):
        folders.setdefault(path.rpartition("/")[0], []).append(path)
    for folder, paths in sorted(folders.items()):
        names = sorted(path.rpartition("/")[2] for path in paths)
        if len(names) > 1:
            yield Finding(
                "deps.multiple-lockfiles",
                Place(paths[0]),
                f"{' and '.join(names)} in {folder or 'the root'}: "
                "which versions are installed depends on who installs them.",
                evidence=Evidence.EXACT,
                also=tuple(Place(path) for path in paths[1:]),
            )


def _loose_node(project: Project) -> Iterator[Finding]:
    places = [
        Place(package.path, project.line_of(package.path, f'"{name}"'), snippet=f"{name}: {wanted}")
        for package in project.packages
        for name, wanted in package.needs.items()
        if wanted.strip() in {"latest", "*", "", "x", "next", "canary"}
    ]
    if places:
        yield Finding(
            "deps.loose-pins",
            places[0],
            f"{len(places)} package(s) at whatever version is newest, such as {places[0].snippet}.",
            evidence=Evidence.EXACT,
            also=tuple(places[1:20]),
        )


def _loose_python(project: Project) -> Iterator[Finding]:
    for path in project.requirements:
        folder = path.rpartition("/")[0]
        locks = [f"{folder}/{name}".lstrip("/") for name in _PYTHON_LOCKS]
        entries = list(requirements(project.tree.text(path) or ""))
        loose = [entry for entry in entries if entry.pin is None]
        if not loose or path.endswith(".in") or any(lock in project.tree.present for lock in locks):
            continue
        free = [entry for entry in loose if not entry.clauses]
        shown = (free or loose)[0]
        yield Finding(
            "deps.unpinned" if free else "deps.loose-pins",
            Place(path, shown.line, snippet=shown.text),
            f"{len(loose)} of {len(entries)} requirements in {path} have no exact version, "
            f"such as {shown.text}.",
            evidence=Evidence.EXACT,
        )


def _tools(project: Project) -> Iterator[Finding]:
    for path in project.requirements:
        names = {entry.name: entry for entry in requirements(project.tree.text(path) or "")}
        tools = [names[name] for name in sorted(_PYTHON_TOOLS & names.keys())]
        if re.search(r"dev|test|lint|ci|doc", path.rpartition("/")[2]):
            continue
        if len(names) > _FREEZE and project.kilobytes_of(".py") < _SMALL_APP:
            said = f"{len(names)} packages for {project.kilobytes_of('.py')} kB of Python"
            yield _in_production(Place(path), f"{path} lists {said}: a frozen environment.")
        elif len(tools) >= _TOOLS_TO_SAY:
            yield _in_production(
                Place(path, tools[0].line),
                f"{path} installs developer tools: {', '.join(tool.name for tool in tools)}.",
            )
    for package in project.packages:
        found = sorted(_TOOLS & package.section("dependencies").keys())
        if len(found) >= _TOOLS_TO_SAY:
            line = project.line_of(package.path, f'"{found[0]}"')
            yield _in_production(
                Place(package.path, line),
                f"{package.path} has developer tools under dependencies: {', '.join(found[:5])}.",
            )


def _in_production(place: Place, message: str) -> Finding:
    return Finding(
        "deps.dev-in-prod", place, message, severity=Severity.LOW, evidence=Evidence.EXACT
    )
