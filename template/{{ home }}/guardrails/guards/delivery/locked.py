"""What the lock files lock: each package with its version, ecosystem and line."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...engine.encoding import decoded
from ...engine.tree import read_within
from .conflicts import declared
from .project import Project
from .versions import requirements

NPM, PYPI = "npm", "PyPI"
_MOST_BYTES = 20_000_000
"""Lock files are long; beyond this it is something else."""


@dataclass(frozen=True)
class Locked:
    """A package at the version that is installed; `development` where the lock file says so."""

    ecosystem: str
    name: str
    version: str
    line: int = 0
    development: bool = False
    direct: bool = False


@dataclass(frozen=True)
class LockFile:
    """A lock file; `packages` is None where it can't be read as one."""

    path: str
    packages: tuple[Locked, ...] | None


_Reader = Callable[[str], Iterator[Locked]]

_VERSION = re.compile(r"v?\d[\w.+!-]*$", re.ASCII)
_ALIAS = re.compile(r"npm:((?:@[^/@\s]+/)?[^/@\s]+)@(.+)$")
_NPM_NAME = r"(?:@[^/@\s\"']+/)?[^/@\s\"':\[\]{}]+"
_PNPM = re.compile(
    rf"^  ['\"]?/?({_NPM_NAME})[@/](\d+\.\d+\.\d+[0-9A-Za-z.+-]*)(?:[('\"_][^\n]*)?:", re.MULTILINE
)
_YARN = re.compile(
    rf"^\"?({_NPM_NAME})@(npm:{_NPM_NAME}@)?[^\n]*:\n(?:  \w+: [^\n]*\n)*?"
    r"  version:? \"?([^\"\s]+)",
    re.MULTILINE,
)
_BUN = re.compile(rf"^\s+\"[^\"\n]+\": \[\"({_NPM_NAME})@(\d[^\"\n]*)\"", re.MULTILINE)
_BLOCK = re.compile(r"^\[\[packages?\]\]$", re.MULTILINE)
_ELSEWHERE = re.compile(
    r"^source = \{ (?!registry)|^\[packages?\.source\]\ntype = \"(?!legacy)|^\[packages\.(vcs|dir)",
    re.MULTILINE,
)
_PIN = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]\n]*\])?\s*===?\s*(\d[^\s;#,\\]*)")


def lock_files(project: Project) -> Iterator[LockFile]:
    """Every file that pins versions, and what it pins."""
    for path in project.tree.files:
        name = path.rpartition("/")[2]
        pinned = path in project.requirements and not path.endswith(".in")
        if name not in _READERS and not pinned:
            continue
        text = _text(project, path)
        reader, mark = (_requirements, "") if pinned else _READERS[name]
        yield LockFile(path, None if text is None else _read(project, path, text, reader, mark))


def _text(project: Project, path: str) -> str | None:
    data = read_within(project.tree.root, path, _MOST_BYTES)
    return None if data is None else decoded(data)


def _read(
    project: Project, path: str, text: str, reader: _Reader, mark: str
) -> tuple[Locked, ...] | None:
    try:
        found = list(reader(text))
    except (ValueError, RecursionError):
        return None
    if not found and mark not in text:
        return None
    chosen, tools = _stated(project, path, text)
    return tuple(
        Locked(
            one.ecosystem,
            one.name,
            one.version,
            one.line,
            development=one.development or (one.name in tools and one.name not in chosen),
            direct=one.name in chosen or one.name in tools,
        )
        for one in found
    )


def _stated(project: Project, path: str, text: str) -> tuple[set[str], set[str]]:
    """What the manifests beside and below the lock file ask for by name, and as tools."""
    folder = path.rpartition("/")[0]
    below = f"{folder}/" if folder else ""
    chosen: set[str] = set()
    tools: set[str] = set()
    for package in project.packages:
        if package.path.startswith(below):
            chosen |= package.section("dependencies").keys()
            tools |= package.section("devDependencies").keys()
    for manifest, content in project.pyprojects.items():
        if manifest.startswith(below):
            chosen |= {one.name for one in declared(content)}
    if path in project.requirements and "# via" not in text:
        chosen |= {one.name for one in requirements(text)}
    return chosen, tools


def _package_lock(text: str) -> Iterator[Locked]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("no object")  # noqa: TRY004 - the file is wrong, not the call
    lines = _lines_of_keys(text)
    packages = content.get("packages")
    if isinstance(packages, dict):
        yield from _installed(packages, lines)
    else:
        yield from _nested(content.get("dependencies"), lines)


def _installed(packages: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Locked]:
    for key, entry in packages.items():
        folder, mark, name = key.rpartition("node_modules/")
        if not mark or not isinstance(entry, dict) or entry.get("link"):
            continue
        real = entry.get("name")
        yield from _npm(
            real if isinstance(real, str) else name,
            entry.get("version"),
            lines.get(f"{folder}{mark}{name}", 0),
            development=bool(entry.get("dev") or entry.get("devOptional")),
        )


def _nested(dependencies: Any, lines: Mapping[str, int]) -> Iterator[Locked]:
    levels = [dependencies]
    while levels:
        level = levels.pop()
        for name, entry in level.items() if isinstance(level, dict) else ():
            if isinstance(entry, dict):
                version, tool = entry.get("version"), bool(entry.get("dev"))
                yield from _npm(name, version, lines.get(name, 0), development=tool)
                levels.append(entry.get("dependencies"))


def _lines_of_keys(text: str) -> dict[str, int]:
    """The line on which each key of an object stands last."""
    return {
        match[1]: number
        for number, line in enumerate(text.splitlines(), 1)
        if (match := re.match(r"\s*\"([^\"]*)\": \{", line))
    }


def _npm(name: str, version: Any, line: int, *, development: bool = False) -> Iterator[Locked]:
    if not isinstance(version, str):
        return
    if alias := _ALIAS.match(version):
        name, version = alias[1], alias[2]
    if _VERSION.match(version):
        yield Locked(NPM, name, version, line, development)


def _pnpm(text: str) -> Iterator[Locked]:
    start = re.search(r"^packages:", text, re.MULTILINE)
    end = re.compile(r"^\w", re.MULTILINE).search(text, start.end()) if start else None
    if start is None:
        return
    for match, line in _numbered(_PNPM, text, start.end(), end.start() if end else len(text)):
        yield from _npm(match[1], match[2], line)


def _yarn(text: str) -> Iterator[Locked]:
    text = text.replace("\r\n", "\n")
    for match, line in _numbered(_YARN, text):
        name = match[2].removeprefix("npm:").removesuffix("@") if match[2] else match[1]
        if "use.local" not in match[3]:
            yield from _npm(name, match[3], line)


def _bun(text: str) -> Iterator[Locked]:
    for match, line in _numbered(_BUN, text):
        yield from _npm(match[1], match[2], line)


def _blocks(text: str) -> Iterator[Locked]:
    """uv.lock, poetry.lock, pdm.lock and pylock.toml: a block a package."""
    starts = list(_numbered(_BLOCK, text))
    ends = [match.start() for match, _ in starts[1:]]
    for (match, line), end in zip(starts, [*ends, len(text)], strict=False):
        block = text[match.start() : end]
        name = re.search(r"^name = \"([^\"\n]+)\"", block, re.MULTILINE)
        version = re.search(r"^version = \"([^\"\n]+)\"", block, re.MULTILINE)
        if name and version and not _ELSEWHERE.search(block):
            yield _python(name[1], version[1], line + 1)


def _pipfile(text: str) -> Iterator[Locked]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("no object")  # noqa: TRY004 - the file is wrong, not the call
    lines = _lines_of_keys(text)
    for section in ("default", "develop"):
        entries = content.get(section)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            version = entry.get("version") if isinstance(entry, dict) else None
            if isinstance(version, str) and _VERSION.match(version.removeprefix("==")):
                found = _python(name, version.removeprefix("=="), lines.get(name, 0))
                yield Locked(PYPI, found.name, found.version, found.line, section == "develop")


def _requirements(text: str) -> Iterator[Locked]:
    for number, line in enumerate(text.splitlines(), 1):
        match = _PIN.match(line[:500])
        if match and "*" not in match[2]:
            yield _python(match[1], match[2], number)


def _numbered(
    pattern: re.Pattern[str], text: str, start: int = 0, end: int | None = None
) -> Iterator[tuple[re.Match[str], int]]:
    """Each match with the line that it begins on."""
    line, counted = 1, 0
    for match in pattern.finditer(text, start, len(text) if end is None else end):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        yield match, line


def _python(name: str, version: str, line: int) -> Locked:
    return Locked(PYPI, re.sub(r"[-_.]+", "-", name).lower(), version, line)


_READERS: Mapping[str, tuple[_Reader, str]] = {
    "package-lock.json": (_package_lock, ""),
    "npm-shrinkwrap.json": (_package_lock, ""),
    "pnpm-lock.yaml": (_pnpm, "lockfileVersion"),
    "yarn.lock": (_yarn, "yarn"),
    "bun.lock": (_bun, "lockfileVersion"),
    "bun.lockb": (_bun, "lockfileVersion"),
    "uv.lock": (_blocks, "version = "),
    "poetry.lock": (_blocks, "[metadata"),
    "pdm.lock": (_blocks, "[metadata"),
    "pylock.toml": (_blocks, "lock-version"),
    "Pipfile.lock": (_pipfile, ""),
}
"""How each is read, and what stands in it even when it locks nothing."""
