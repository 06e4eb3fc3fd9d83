"""The tree as every guard sees it: walked once, listed with what was left out and why.

A tree may be hostile: links that lead out or round, files of a gigabyte, names with
newlines, vendored trees of 34,000 files. Nothing here follows a link or writes into the tree.
"""

import fnmatch
import json
import os
import re
import stat
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .encoding import decoded

MOST_BYTES = 1_000_000
"""A source file beyond this is data or generated; it is listed and not read."""
MOST_FILES = 100_000
MOST_KEPT = 48_000_000
"""Characters of texts that are kept in memory, where several looks ask for the same."""
_KEPT_NAME = 200
_BLOCK = 65_536

VENDORED_NAMES = frozenset({
    "node_modules", "bower_components", "site-packages", ".venv", "__pycache__", ".git", ".hg",
})  # fmt: skip
_CODE = (
    ".py", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".sql", ".vue", ".svelte",
    ".html", ".yml", ".yaml", ".toml", ".env",
)  # fmt: skip
_BIG = 50
"""As many that are too big are named; there may be thousands."""
BUILT_NAMES = frozenset({".next", ".nuxt", ".svelte-kit", ".turbo", ".parcel-cache", ".output"})
_ENGINE = {"guards.toml", "engine", "guards", "rules"}
ITSELF = "the guardrails themselves"
_PRELOAD = re.compile(
    r"(?:.*/)?prototype/(?=(?:node/preload\.mjs|browser/report\.js|python/observe/__main__\.py)$)"
)
_FITTED = re.compile(r"/src/\w+/legacy/port\.py$")
_VENV_MARK = "pyvenv.cfg"
_MODULES_MARK = ".package-lock.json"


@dataclass(frozen=True)
class Left:
    """What was left out: a path, why, and how many files are below it (0: not counted)."""

    path: str
    why: str
    files: int = 0


class _Texts:
    """What one look reads, the next finds read: in a guard, or in the forks of a runner."""

    def __init__(self) -> None:
        self.by_path: dict[str, str | None] = {}
        self._size = 0

    def keep(self, path: str, text: str | None) -> None:
        size = len(text or "") + _KEPT_NAME
        if self._size + size <= MOST_KEPT:
            self._size += size
            self.by_path[path] = text


@dataclass(frozen=True)
class Tree:
    """A tree: its files (relative, with `/`, sorted), what git tracks, what was left out.

    `tracked` is None where there is no git repository; it also names files of skipped folders.
    `selected` narrows what findings are wanted for (staged files); None means all.
    """

    root: Path
    files: tuple[str, ...]
    sizes: Mapping[str, int]
    left: tuple[Left, ...] = ()
    tracked: frozenset[str] | None = None
    selected: frozenset[str] | None = None
    stack: Mapping[str, Any] = field(default_factory=dict)
    _texts: _Texts = field(default_factory=_Texts, compare=False, repr=False)

    def text(self, path: str) -> str | None:
        """The file as text, invalid bytes replaced; None for one that is too big, binary,
        unreadable or no regular file."""
        if self.sizes.get(path, MOST_BYTES + 1) > MOST_BYTES:
            return None
        if path in self._texts.by_path:
            return self._texts.by_path[path]
        data = read_within(self.root, path)
        text = None if data is None else decoded(data)
        self._texts.keep(path, text)
        return text

    @cached_property
    def _fitted(self) -> tuple[str, ...]:
        """The folders of a service that was fitted before a prototype, which is not in them, and
        of what is loaded before it."""
        services = (path.split("/src/")[0] + "/" for path in self.files if _FITTED.search(path))
        preloads = (found[0] for found in map(_PRELOAD.match, self.files) if found)
        return tuple({*services, *preloads})

    def is_fitted(self, path: str) -> bool:
        """Whether it was fitted around the prototype, and is not of the prototype."""
        return path.startswith(self._fitted) if self._fitted else False

    def matching(self, *globs: str) -> Iterator[str]:
        """The files that one of the globs fits, as PurePath.match has it."""
        wanted = [_parts(glob) for glob in globs]
        return (path for path in self.files if any(_fits(path, parts) for parts in wanted))

    def ending(self, *suffixes: str) -> Iterator[str]:
        return (path for path in self.files if path.endswith(suffixes))

    @cached_property
    def present(self) -> frozenset[str]:
        return frozenset(self.files)

    def json(self, path: str) -> Any:
        """The parsed JSON (comments and trailing commas as in tsconfig allowed), else None."""
        text = self.text(path)
        return None if text is None else lenient_json(text)

    def save(self, file: Path) -> None:
        """Write the inventory that guards are given."""
        content = {
            "root": str(self.root),
            "files": self.files,
            "sizes": self.sizes,
            "left": [asdict(entry) for entry in self.left],
            "stack": self.stack,
            "tracked": None if self.tracked is None else sorted(self.tracked),
            "selected": None if self.selected is None else sorted(self.selected),
        }
        # Names may hold bytes that are no text (surrogates); JSON's escapes carry them.
        file.write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> "Tree":
        content = json.loads(file.read_text(encoding="utf-8"))
        tracked, selected = content["tracked"], content["selected"]
        return cls(
            root=Path(content["root"]),
            files=tuple(content["files"]),
            sizes=content["sizes"],
            left=tuple(Left(**entry) for entry in content["left"]),
            tracked=None if tracked is None else frozenset(tracked),
            selected=None if selected is None else frozenset(selected),
            stack=content["stack"],
        )


def read_within(root: Path, path: str, most: int = MOST_BYTES) -> bytes | None:
    """Read a regular file below the root, opening no link on the way (CWE-59)."""
    try:
        handle = os.open(f"{root}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_size > most:
            return None
        # A byte more than it had: it may have grown since.
        data = os.read(handle, about.st_size + 1)
        while (more := os.read(handle, _BLOCK)) and len(data) <= most:
            data += more
    except OSError:
        return None
    finally:
        os.close(handle)
    return data if len(data) <= most else None


def _parts(glob: str) -> list[re.Pattern[str]]:
    parts = glob.removeprefix("**/").split("/")
    return [re.compile(fnmatch.translate(part)) for part in reversed(parts)]


def _fits(path: str, parts: list[re.Pattern[str]]) -> bool:
    """Whether the last parts of a path do; its name tells of most that they do not."""
    if not parts[0].match(path[path.rfind("/") + 1 :]):
        return False
    names = path.rsplit("/", len(parts))[-len(parts) :]
    return len(names) == len(parts) and all(
        part.match(name) for part, name in zip(parts, reversed(names), strict=True)
    )


def walk(root: Path, *, versioned: bool = True) -> Tree:
    """List the tree. `versioned`: it may be git's, which then says what it tracks.

    Raises:
        NotADirectoryError, PermissionError: the root itself can't be listed.
    """
    root = root.resolve(strict=True)
    next(root.iterdir(), None)
    tracked = _tracked(root) if versioned else None
    walker = _Walk(root, _ignored_folders(root) if tracked is not None else frozenset(), tracked)
    walker.run()
    files = sorted(walker.sizes)
    return Tree(
        root=root,
        files=tuple(files),
        sizes={path: walker.sizes[path] for path in files},
        left=tuple(walker.left + walker.summary()),
        tracked=tracked,
    )


class _Walk:
    def __init__(self, root: Path, ignored: frozenset[str], tracked: frozenset[str] | None) -> None:
        self.root = root
        self.ignored = ignored
        self.tracked = tracked
        self.sizes: dict[str, int] = {}
        self.left: list[Left] = []
        self.odd: Counter[str] = Counter()

    def run(self) -> None:
        folders = [""]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(self.root / folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                self.left.append(Left(folder, f"can't be listed: {error.strerror}"))
                continue
            names = {entry.name for entry in entries}
            if folder and (why := _vendored(folder, names) or self._elsewhere(folder, names)):
                self.left.append(Left(folder, why, count_below(self.root / folder)))
                continue
            for entry in entries:
                self._take(entry, f"{folder}/{entry.name}".lstrip("/"), folders)

    def _elsewhere(self, folder: str, names: set[str]) -> str:
        """A submodule, or a working tree of another branch: no commit here holds what is in it."""
        if ".git" not in names or self.tracked is None:
            return ""
        if any(path.startswith(f"{folder}/") for path in self.tracked):
            return ""
        return "a repository of its own"

    def _take(self, entry: "os.DirEntry[str]", path: str, folders: list[str]) -> None:
        try:
            if entry.is_symlink():
                self.odd["a link, not followed"] += 1
            elif entry.is_dir(follow_symlinks=False):
                if entry.name not in {".git", ".hg"} and path not in self.ignored:
                    folders.append(path)
            elif not entry.is_file(follow_symlinks=False):
                self.odd["no regular file"] += 1
            elif len(self.sizes) >= MOST_FILES:
                self.odd[f"beyond the first {MOST_FILES:,} files"] += 1
            else:
                self.sizes[path] = entry.stat(follow_symlinks=False).st_size
        except OSError:
            self.odd["can't be looked at"] += 1

    def summary(self) -> list[Left]:
        big = [
            path
            for path, size in sorted(self.sizes.items())
            if size > MOST_BYTES and path.endswith(_CODE)
        ]
        self.odd["larger than 1 MB"] += len(big[_BIG:])
        named = [Left(path, "larger than 1 MB", 1) for path in big[:_BIG]]
        return named + [Left("", why, count) for why, count in sorted(self.odd.items()) if count]


def _vendored(folder: str, names: set[str]) -> str:
    name = folder.rpartition("/")[2]
    if names >= _ENGINE:
        return ITSELF
    if _VENV_MARK in names:
        return "a virtual environment"
    if _MODULES_MARK in names or name in VENDORED_NAMES:
        return "installed packages"
    if name in BUILT_NAMES:
        return "build output"
    return ""


def count_below(folder: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(folder))


def _tracked(root: Path) -> frozenset[str] | None:
    listed = git(root, "ls-files", "-z", "--cached")
    return None if listed is None else frozenset(_names(listed))


def _ignored_folders(root: Path) -> frozenset[str]:
    listed = git(
        root,
        "ls-files",
        "-z",
        "--others",
        "--ignored",
        "--exclude-standard",
        "--directory",
    )
    return frozenset(name.rstrip("/") for name in _names(listed or b"") if name.endswith("/"))


def _names(listed: bytes) -> Iterable[str]:
    return (os.fsdecode(name) for name in listed.split(b"\0") if name)


def git(
    root: Path,
    *arguments: str,
    timeout: float = 120,
    given: bytes | None = None,
    protocol: str = "none",
) -> bytes | None:
    """What a read-only git command says; None where there is no (sound) repository.

    The tree's own configuration must run nothing here: no hooks, pagers, file-system
    monitors or filters (CVE-2022-24765 and its kin), and fetch nothing: of a partial clone, what is
    missing would be asked for at whatever address, by whatever program, the configuration names.
    """
    safe = ("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "-c", "safe.directory=*")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": protocol,
        "LC_ALL": "C",
    }
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "--no-pager", *safe, *arguments],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            env=environment,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def lenient_json(text: str) -> Any:
    """JSON as editors accept it: comments and trailing commas; None when it is still broken."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(_without_comments(text))
    except (ValueError, RecursionError):
        return None


def _without_comments(text: str) -> str:
    kept: list[str] = []
    at, end = 0, len(text)
    while at < end:
        if text[at] == '"':
            stop = at + 1
            while stop < end and text[stop] != '"':
                stop += 2 if text[stop] == "\\" else 1
            kept.append(text[at : stop + 1])
            at = stop + 1
        elif text.startswith("//", at):
            at = _after(text, "\n", at)
        elif text.startswith("/*", at):
            at = _after(text, "*/", at) + 2
        elif text[at] in "}]":
            _drop_comma(kept)
            kept.append(text[at])
            at += 1
        else:
            kept.append(text[at])
            at += 1
    return "".join(kept)


def _after(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found


def _drop_comma(kept: list[str]) -> None:
    back = len(kept) - 1
    while back >= 0 and kept[back].isspace():
        back -= 1
    if back >= 0 and kept[back] == ",":
        del kept[back]
