"""Which files with routes are part of the server: what nobody imports answers no request."""

import posixpath
import re
from collections import defaultdict

from ..filenames import is_test
from .program import CODE, Program

_IMPORTS = re.compile(r"(?:\bfrom|\bimport|\brequire)\s*\(?\s*['\"`]([^'\"`\n]+)['\"`]")
_STARTS = re.compile(
    r"\.listen\(|\bserve\(|\bserverless\w*\(|\bfetch\s*:|\bapp\.fetch\b|\bhandle\("
)
_ENTRY = re.compile(
    r"(?:index|server|app|main|worker|handler|start|www|route|page|layout|lambda|api|entry\w*"
    r"|bootstrap|cli)$"
)
_LOADS_BY_NAME = re.compile(
    r"\breaddir(?:Sync)?\(|\bglob(?:Sync)?\(|[aA]uto-?[lL]oad|\b(?:require|import)\(\s*(?:`[^`]*\$\{|[a-zA-Z_$])"
)
_SETTINGS = re.compile(
    r"(?:^|/)(?:package\.json|Dockerfile\w*|Procfile|\.replit|[\w.-]+\.(?:ya?ml|toml|sh)"
    r"|(?:vercel|netlify|nodemon|nest-cli|ecosystem)[\w.-]*|(?:esbuild|tsup|webpack|rollup|build)[\w.-]*)$"
)


class Mounted:
    """Who imports whom, as far as it takes to say that nothing leads to a file."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._importers: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._starting: set[str] = set()
        self._starts = False
        self._by_name = False
        self._settings = ""
        for path in program.tree.files:
            if path.endswith(CODE) and not is_test(path) and not path.endswith(".d.ts"):
                self._read(path, program.text(path) or "")
            elif _SETTINGS.search(path):
                self._settings += (program.tree.text(path) or "")[:20_000] + "\n"

    def _read(self, path: str, text: str) -> None:
        if _SETTINGS.search(path):
            self._settings += text[:20_000] + "\n"
        stem = posixpath.splitext(posixpath.basename(path))[0]
        starts = _STARTS.search(text) is not None
        self._starts = self._starts or starts
        if starts or _ENTRY.match(stem):
            self._starting.add(path)
        server = "express" in text or "router" in text.lower() or "fastify" in text
        self._by_name = self._by_name or (server and _LOADS_BY_NAME.search(text) is not None)
        for match in _IMPORTS.finditer(text):
            self._importers[_stem(match[1])].append((path, match[1]))

    def answers(self, path: str) -> bool:
        """Whether some entry of the program leads to the file, or that can't be told."""
        if self._by_name or not self._starts:
            return True
        waiting, seen = [path], {path}
        while waiting:
            one = waiting.pop()
            name = posixpath.splitext(posixpath.basename(one))[0]
            told = re.search(rf"(?<![\w-]){re.escape(name)}\.\w", self._settings)
            if one in self._starting or told:
                return True
            for importer in self._of(one) - seen:
                seen.add(importer)
                waiting.append(importer)
        return False

    def _of(self, path: str) -> set[str]:
        stem = _stem(path)
        entries = self._importers.get(stem, [])
        return {one for one, source in entries if self._program.resolve(one, source) == path}


def _stem(source: str) -> str:
    bare = re.sub(r"\.(?:[mc]?[tj]sx?)$", "", source).rstrip("/")
    return posixpath.basename(re.sub(r"/index$", "", bare))
