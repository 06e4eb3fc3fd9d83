"""Which files with routes are part of the server: what nobody imports answers no request."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator

from ...filenames import is_test
from ...idle import idle, is_entry, is_named, settings_of
from .program import CODE, Program

_IMPORTS = re.compile(r"(?:\bfrom|\bimport|\brequire)\s*\(?\s*['\"`]([^'\"`\n]+)['\"`]")
_STARTS = re.compile(
    r"\.listen\(|\bserve\(|\bserverless\w*\(|\bfetch\s*:|\bapp\.fetch\b|\bhandle\("
)
_LISTENS = re.compile(r"\.listen\(|\bserve\(")
_LOADS_BY_NAME = re.compile(
    r"\breaddir(?:Sync)?\(|\bglob(?:Sync)?\(|[aA]uto-?[lL]oad|\b(?:require|import)\(\s*(?:`[^`]*\$\{|[a-zA-Z_$])"
)


class Mounted:
    """Who imports whom, as far as it takes to say that nothing leads to a file."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._importers: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._starting: set[str] = set()
        self._starts = False
        self._listening: set[str] = set()
        self._by_name = False
        self._settings = settings_of(program.tree)
        for path in program.tree.files:
            if path.endswith(CODE) and not is_test(path) and not path.endswith(".d.ts"):
                self._read(path, program.text(path) or "")

    def _read(self, path: str, text: str) -> None:
        starts = _STARTS.search(text) is not None
        self._starts = self._starts or starts
        if starts or is_entry(path):
            self._starting.add(path)
        if starts and _LISTENS.search(text):
            self._listening.add(path)
        server = "express" in text or "router" in text.lower() or "fastify" in text
        self._by_name = self._by_name or (server and _LOADS_BY_NAME.search(text) is not None)
        for source in _imported(text):
            self._importers[_stem(source)].append((path, source))

    def answers(self, path: str) -> bool:
        """Whether some entry of the program leads to the file, or that can't be told."""
        return self._by_name or not self._starts or next(self._starts_of(path), None) is not None

    def idle(self) -> set[str]:
        """The servers that nobody starts, and what only they lead to."""
        program = self._program
        listening = {path: program.app(path) for path in self._listening}
        imported = {path for path in listening if self._of(path)}
        alone = idle(program.tree, listening, imported, self._settings)
        if not alone or self._by_name:
            return alone
        taken = {path for one in alone for path in self._taken(one)}
        return alone | {path for path in taken if set(self._starts_of(path)) <= alone}

    def _taken(self, path: str) -> Iterator[str]:
        """What a file imports, and what that imports."""
        waiting, seen = [path], {path}
        while waiting:
            one = waiting.pop()
            for source in _imported(self._program.text(one) or ""):
                there = self._program.resolve(one, source)
                if there and there not in seen:
                    seen.add(there)
                    waiting.append(there)
                    yield there

    def _starts_of(self, path: str) -> Iterator[str]:
        """The files that a program may start with, and that lead to this one."""
        waiting, seen = [path], {path}
        while waiting:
            one = waiting.pop()
            if one in self._starting or is_named(one, self._settings):
                yield one
            for importer in self._of(one) - seen:
                seen.add(importer)
                waiting.append(importer)

    def _of(self, path: str) -> set[str]:
        stem = _stem(path)
        entries = self._importers.get(stem, [])
        return {one for one, source in entries if self._program.resolve(one, source) == path}


def _imported(text: str) -> Iterator[str]:
    """What a file imports; a line that was commented out leads nowhere."""
    for match in _IMPORTS.finditer(text):
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if not line.lstrip().startswith(("//", "*", "/*")):
            yield match[1]


def _stem(source: str) -> str:
    bare = re.sub(r"\.(?:[mc]?[tj]sx?)$", "", source).rstrip("/")
    return posixpath.basename(re.sub(r"/index$", "", bare))
