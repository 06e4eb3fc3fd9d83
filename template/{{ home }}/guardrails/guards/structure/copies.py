"""What is in the tree twice: folders, files, and versions of the application."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import combinations
from posixpath import basename, dirname

from ...engine.finding import Evidence, Finding, Place

_COPY = re.compile(
    r"^(?P<stem>.+?)[-_. ]?\(?(?:old|new|simple|backup|bak|copy|orig|original|final|fixed|clean"
    r"|updated|temp|tmp|v\d+|legacy|deprecated|refactored|\d)\)?$",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"^(app|main|server|index|routes|api|bot|wsgi|asgi)$", re.IGNORECASE)
_GENERATED = re.compile(r"(^|/)(components/ui|migrations|versions|alembic|__generated__)/")
_SAME_IN_ALL = re.compile(r"^(__init__\.py|index\.[jt]sx?|conftest\.py|setup\.py|vite-env\.d\.ts)$")
_SHORTEST = 400
_LIKE = 0.7
_FEWEST_FILES = 3
_MANY = 10
"""So many shared files are a copied tree, whatever was added to it since."""
_MOST_NAMESAKES = 12
_HALF = 0.5

Lines = frozenset[str]


def copies(texts: Mapping[str, str]) -> Iterator[Finding]:
    """Duplicated folders first; what they explain is not said again file by file."""
    wanted = {
        path: text
        for path, text in texts.items()
        if len(text) >= _SHORTEST and not _GENERATED.search(path)
    }

    @cache
    def lines(path: str) -> Lines:
        return _lines(wanted[path])

    pairs = list(_alike(wanted, lines))
    explained: set[tuple[str, str]] = set()
    for finding, covered in _folders(pairs, list(wanted)):
        explained |= covered
        yield finding
    versions = list(_versions(wanted, lines))
    explained |= {pair for _, pair in versions}
    yield from (finding for finding, _ in versions)
    for one, other in pairs:
        if (one, other) not in explained and lines(one) == lines(other):
            yield Finding(
                "code.duplicate-file",
                Place(other),
                f"{other} is a copy of {one}.",
                evidence=Evidence.EXACT,
                also=(Place(one),),
            )


def _lines(text: str) -> Lines:
    return frozenset(line for raw in text.splitlines() if len(line := raw.strip()) > 8)


def _alike(paths: Iterable[str], lines: Callable[[str], Lines]) -> Iterator[tuple[str, str]]:
    """Files of one name that share most of their lines."""
    namesakes: dict[str, list[str]] = defaultdict(list)
    for path in sorted(paths):
        if not _SAME_IN_ALL.match(basename(path)) or len(lines(path)) > 60:
            namesakes[basename(path)].append(path)
    for those in namesakes.values():
        for one, other in combinations(those[:_MOST_NAMESAKES], 2):
            if _likeness(lines(one), lines(other)) >= _LIKE:
                yield one, other


def _likeness(one: Lines, other: Lines) -> float:
    return len(one & other) / max(len(one | other), 1)


def _folders(
    pairs: list[tuple[str, str]], paths: list[str]
) -> Iterator[tuple[Finding, set[tuple[str, str]]]]:
    shared: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for one, other in pairs:
        shared[_differing(one, other)].append((one, other))
    for (left, right), found in sorted(shared.items()):
        smaller = min(_below(left, paths), _below(right, paths))
        if len(found) < min(max(_FEWEST_FILES, smaller * _HALF), _MANY):
            continue
        places = [Place(other) for _, other in found]
        finding = Finding(
            "code.duplicate-tree",
            places[0],
            f"{len(found)} files of {left or 'the root'} are in {right or 'the root'} again.",
            evidence=Evidence.EXACT,
            also=(*places[1:20], Place(found[0][0])),
        )
        yield finding, set(found)


def _differing(one: str, other: str) -> tuple[str, str]:
    """The two folders from which on the paths are the same."""
    left, right = dirname(one).split("/"), dirname(other).split("/")
    while left and right and left[-1] == right[-1]:
        left, right = left[:-1], right[:-1]
    return "/".join(left), "/".join(right)


def _below(folder: str, paths: list[str]) -> int:
    prefix = f"{folder}/" if folder else ""
    return sum(path.startswith(prefix) for path in paths)


def _versions(
    paths: Collection[str], lines: Callable[[str], Lines]
) -> Iterator[tuple[Finding, tuple[str, str]]]:
    """`server_old.js` beside `server.js`: a version that nobody dared to delete."""
    for path in sorted(paths):
        stem, _, ending = basename(path).rpartition(".")
        match = _COPY.match(stem)
        original = f"{dirname(path)}/{match['stem']}.{ending}".lstrip("/") if match else ""
        if not match or original not in paths:
            continue
        entry = bool(_ENTRY.match(match["stem"]))
        if not entry and _likeness(lines(path), lines(original)) < _HALF:
            continue
        yield (
            Finding(
                "code.duplicate-app" if entry else "code.duplicate-file",
                Place(path),
                f"{path} is another version of {original}.",
                evidence=Evidence.READ,
                also=(Place(original),),
            ),
            (original, path),
        )
