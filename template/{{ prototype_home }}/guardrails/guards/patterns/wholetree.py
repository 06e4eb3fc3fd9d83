"""Facts about an app as a whole: a guard in the browser with nothing behind it, no boundary."""

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ...engine import regex as re
from ...engine.finding import Finding, Place, Severity
from ...engine.tree import Tree
from .composed import composed
from .plain_columns import plain_columns
from .source import Source

Fact = Callable[[Tree, Sequence[str], Sequence[Finding]], Iterable[Finding]]

_GUARD = re.compile(
    r"^\s*(?:export\s+)?(?:default\s+)?(?:function|const)\s+"
    r"((?:Protected|Private|Guarded|Require)\w*|[A-Z]\w*(?:Route|Guard))\b"
)
_GUARD_FILE = re.compile(
    r"(^|/)(App|main|index|router?|routes?|\w*(Protected|Private|Guard|RequireAuth)\w*)\.[jt]sx$"
)
_REDIRECTS = re.compile(r"<Navigate\b|navigate\(|router\.push\(|redirect\(|<Redirect\b|return null")
_KEEPS = re.compile(
    r"(local|session)Storage\.setItem\(\s*['\"`]?[\w-]*(user|auth|logged|role|session|login)",
    re.IGNORECASE,
)


def client_side_only(
    tree: Tree, files: Sequence[str], findings: Sequence[Finding]
) -> Iterator[Finding]:
    """Where the log-in asks no server, whatever guards the pages guards nothing."""
    apps = apps_of(tree)
    logins: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.rule == "auth.fake-login":
            logins[app_of(finding.place.path, apps)].append(finding)
    for app, found in logins.items():
        places = list(_guards(tree, [path for path in files if app_of(path, apps) == app]))
        places += [place for login in found for place in _kept(tree, login.place)]
        if places:
            names = ", ".join(sorted({place.symbol for place in places if place.symbol}))
            yield Finding(
                "authz.client-side-only",
                places[0],
                f"{names or 'what is kept in the browser'} decides who may see the pages, and no"
                " server is asked: the log-in takes place in the browser",
                # What is wrong is the log-in, and that is said by itself; here is what rests on it.
                severity=Severity.MEDIUM,
                also=tuple(places[1:6]),
            )


def _guards(tree: Tree, files: Sequence[str]) -> Iterator[Place]:
    for path in files:
        if not _GUARD_FILE.search(path):
            continue
        source = Source(tree, path)
        for number, line in enumerate(source.lines, 1):
            found = _GUARD.match(line)
            if found and _REDIRECTS.search(source.between(number, number + 25)):
                yield Place(path, number, number, line.strip()[:200], found[1])


def _kept(tree: Tree, login: Place) -> Iterator[Place]:
    source = Source(tree, login.path)
    first, last = source.named_block(login.line)
    if number := source.line_of(_KEEPS, first, last):
        yield Place(
            login.path, number, number, source.line(number).strip()[:200], source.symbol(number)
        )


_CATCHES = re.compile(
    r"ErrorBoundary|componentDidCatch|getDerivedStateFromError|errorElement|onCaughtError"
)
_ENTRY = re.compile(r"(^|/)(main|index|App|_app|layout|router|routes|root|providers)\.[jt]sx?$")
_ERROR_FILE = re.compile(
    r"ErrorBoundary|(^|/)app/(.*/)?(global-)?error\.[jt]sx$|(^|/)_error\.[jt]sx$", re.IGNORECASE
)


def no_boundary(
    tree: Tree, files: Sequence[str], _findings: Sequence[Finding]
) -> Iterator[Finding]:
    """An app of React in which nothing catches what a component throws."""
    apps = apps_of(tree)
    for app, manifest in sorted(apps.items()):
        mine = [path for path in files if path.endswith("x") and app_of(path, apps) == app]
        entries = [path for path in mine if _ENTRY.search(path)]
        if not _uses_react(manifest) or not entries:
            continue
        if any(_ERROR_FILE.search(path) for path in mine):
            continue
        if not any(_CATCHES.search(tree.text(path) or "") for path in entries):
            entry = min(entries, key=lambda path: (path.count("/"), path))
            yield Finding(
                "errors.no-boundary",
                Place(entry),
                f"no error boundary in {app or 'the app'}: one error blanks the page",
            )


def _uses_react(manifest: object) -> bool:
    needed = manifest.get("dependencies") if isinstance(manifest, Mapping) else None
    return isinstance(needed, Mapping) and "react-dom" in needed


def apps_of(tree: Tree) -> dict[str, object]:
    """Each folder with a package.json."""
    return {
        posixpath.dirname(path): tree.json(path)
        for path in tree.files
        if posixpath.basename(path) == "package.json"
    }


def app_of(path: str, apps: Mapping[str, object]) -> str:
    folder = posixpath.dirname(path)
    while folder and folder not in apps:
        folder = posixpath.dirname(folder)
    return folder


FACTS: tuple[Fact, ...] = (client_side_only, no_boundary, composed, plain_columns)
