"""The names in env files that git tracks, for an example without any value (CWE-540).

A name is taken only from a line that surely is an assignment: the lines of a key or of a quoted
value that goes on are values, and no value, nor a part of one, ever gets into an example.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..engine.encoding import text_of
from . import files
from .merge import Refused

EXAMPLES = (".env.example", ".env.sample", ".env.template", "env.example", ".env.dist")
_EXAMPLE = re.compile(r"example|sample|template|\bdist\b|defaults?\b|schema|vault", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"(^|/)(node_modules|site-packages|\.?venv|\.next|tests?|__tests__|fixtures?|e2e|mocks?)/"
)
_ASSIGNED = re.compile(
    r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]{0,63})\s*=\s*(?P<rest>.*)"
)
# Of one case, or camelCase without digits: a line of base64 is none of these.
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*|[a-z_][a-z0-9_.]*|[a-z]+(?:[A-Z][a-z]+)+")
_PUBLIC = re.compile(
    r"^(VITE|NEXT_PUBLIC|REACT_APP|EXPO_PUBLIC|PUBLIC|NUXT_PUBLIC|GATSBY|VUE_APP)_"
    r"|ANON_KEY|PUBLISHABLE|^SUPABASE_(URL|PROJECT_ID)$"
)
_ENCRYPTED = re.compile(r"=[\"']?encrypted:")
_HEADER = "# Of the env files that were in version control, without their values."
_PEM = re.compile(r"-----(BEGIN|END) ")


def is_env_file(path: str) -> bool:
    """`.env` and `.env.local`, in the app's own folders; no example, none of a test's."""
    name = PurePosixPath(path).name
    if name != ".env" and not name.startswith(".env."):
        return False
    return not _EXAMPLE.search(name) and not _ELSEWHERE.search(path)


def examples(root: Path) -> list[str]:
    """The example files in the root and beside what git tracks, those too that it ignores."""
    ours = (path for path in _ls_files(root) if not _ELSEWHERE.search(path))
    folders = {PurePosixPath(path).parent for path in ours} | {PurePosixPath()}
    beside = (str(folder / name) for folder in sorted(folders) for name in EXAMPLES)
    return [path for path in beside if _is_there(root / path)]


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _ls_files(root: Path) -> tuple[str, ...]:
    """What git tracks; nothing where there is no repository."""
    command = ["git", "-C", str(root), "ls-files", "-z"]
    ran = subprocess.run(command, capture_output=True, check=False)
    if ran.returncode:
        return ()
    listed = ran.stdout.decode("utf-8", "surrogateescape").split("\0")
    return tuple(sorted({name for name in listed if name}))


@dataclass(frozen=True)
class EnvFile:
    """One that git tracks. `public`: by their names, all its values are in the browser anyway."""

    path: str
    names: tuple[str, ...]

    @property
    def public(self) -> bool:
        return all(_PUBLIC.search(name) for name in self.names)

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "names": list(self.names), "public": self.public}


def in_git(root: Path) -> list[EnvFile]:
    """The env files that git tracks, but for those whose values are encrypted (dotenvx)."""
    found = []
    for path in filter(is_env_file, _ls_files(root)):
        try:
            text = text_of(files.read(root, path) or b"")
        except Refused:
            continue
        if not _ENCRYPTED.search(text):
            found.append(EnvFile(path, tuple(dict.fromkeys(names(text)))))
    return found


def by_example(root: Path) -> dict[str, list[str]]:
    """For each example file, there or not, the names that tracked env files beside it assign."""
    wanted: dict[str, dict[str, None]] = {}
    for env in in_git(root):
        wanted.setdefault(example_beside(root, env.path), {}).update(dict.fromkeys(env.names))
    return {example: list(found) for example, found in wanted.items()}


def body(own: str, wanted: Iterable[str], content: str, block: str) -> str:
    """The lines for an example: our own, and the names that it does not have yet.

    What the block has already stays in it: the env file is not tracked for ever.
    """
    has = {*names(content.replace("#", " ")), *names(own)}
    more = [name for name in dict.fromkeys([*names(block), *wanted]) if name not in has]
    if not more:
        return own
    return "\n".join([*filter(None, [own]), _HEADER, *(f"{name}=" for name in more)])


def example_beside(root: Path, path: str) -> str:
    folder = PurePosixPath(path).parent
    there = (str(folder / name) for name in EXAMPLES if (root / folder / name).is_file())
    return next(there, str(folder / EXAMPLES[0]))


def names(text: str) -> Iterator[str]:
    """The names that are assigned, in their order."""
    lines = iter(text.splitlines())
    for line in lines:
        if _PEM.search(line) and "=" not in line.split("-----")[0]:
            _skip_key(line, lines)
            continue
        assigned = _ASSIGNED.fullmatch(line)
        if assigned is None:
            continue
        if _NAME.fullmatch(assigned["name"]):
            yield assigned["name"]
        _skip_value(assigned["rest"], lines)


def _skip_value(rest: str, lines: Iterator[str]) -> None:
    quote = rest[:1]
    if quote in {'"', "'", "`"}:
        # Without its second quote all the rest of the file may be the value.
        while not re.search(rf"(?<!\\){quote}", rest[1:]):
            following = next(lines, None)
            if following is None:
                return
            rest = quote + following
    else:
        _skip_key(rest, lines)


def _skip_key(line: str, lines: Iterable[str]) -> None:
    """Past a PEM block (RFC 7468) that begins in the line and does not end in it."""
    if "-----BEGIN " not in line or "-----END " in line:
        return
    for following in lines:
        if "-----END " in following:
            return
