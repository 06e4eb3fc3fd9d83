"""Servers that nobody starts: copies beside the one that runs, which answer no request."""

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from ..engine import regex as re
from ..engine.finding import Finding, Severity
from ..engine.rules import load
from ..engine.tree import Tree

_ENTRY = re.compile(
    r"(?:index|server|app|main|worker|handler|start|www|route|page|layout|lambda|api|entry\w*"
    r"|bootstrap|cli|wsgi|asgi|run|manage|application|__init__|__main__)$"
)
_SETTINGS = re.compile(
    r"(?:^|/)(?:package\.json|Dockerfile\w*|Procfile|Makefile|\.replit|[\w.-]+\.(?:ya?ml|toml|sh|bat)"
    r"|(?:vercel|netlify|nodemon|nest-cli|ecosystem)[\w.-]*|(?:esbuild|tsup|webpack|rollup|build)[\w.-]*)$"
)
_COMMAND = re.compile(r"\b(?:node|nodemon|ts-node|tsx|bun|deno|python3?|flask|uvicorn)\s[^\n`]+")
_OF_COPIES = re.compile(
    r"(?:^|[._-])(?:old|new|bak|backup|back_?up|copy|updated?|fix(?:ed)?|legacy|deprecated|original|orig"
    r"|prev(?:ious)?|temp|tmp|broken|unused|v?\d+|working|final|archive)(?=$|[._-]|\d)"
    r"|(?:[_-]?copy|\d)$",
    re.IGNORECASE,
)
_ROUTE = re.compile(
    r"\b(?:app|router|server|api|bp|fastify)\.(?:get|post|put|patch|delete|route)\(\s*f?['\"`]([^'\"`\n]+)"
)
_BESIDE_FUNCTION = re.compile(r"(?:^|/)supabase/functions/[^/]+/index[-_. ]\w[\w-]*\.ts$")
_MOST = 20_000


def settings_of(tree: Tree) -> str:
    """What says how the tree's programs are started: its settings, and commands of its README."""
    told: list[str] = []
    for path in tree.files:
        if _SETTINGS.search(path):
            told.append((tree.text(path) or "")[:_MOST])
        elif posixpath.basename(path).lower() == "readme.md":
            told += _COMMAND.findall((tree.text(path) or "")[:_MOST])
    return "\n".join(told)


def is_entry(path: str) -> bool:
    """Whether a file is called like what a program starts with."""
    return _ENTRY.match(posixpath.splitext(posixpath.basename(path))[0]) is not None


def is_named(path: str, settings: str) -> bool:
    """Whether the settings name the file, or the module that it is (`uvicorn api:app`)."""
    stem = re.escape(posixpath.splitext(posixpath.basename(path))[0])
    return re.search(rf"(?<![\w-]){stem}(?:\.\w|:\w)", settings) is not None


def idle(
    tree: Tree, servers: Mapping[str, str], imported: Collection[str], settings: str
) -> set[str]:
    """Of the servers, each with the folder of its app, those that only look like another one.

    Neither the settings nor another file leads to such a server, and it is called like a copy of
    something (`app-updated.js`), or answers what another server of the app answers.
    """
    apps: dict[str, list[str]] = defaultdict(list)
    for path, app in servers.items():
        apps[app].append(path)
    found: set[str] = set()
    for folder, of_app in apps.items():
        left = [
            path
            for path in of_app
            if not is_entry(path) and path not in imported and not is_named(path, settings)
        ]
        living = [path for path in of_app if path not in left]
        answered = {one for path in living for one in _ROUTE.findall(tree.text(path) or "")}
        runs = bool(living) or bool(left and _has_a_start(tree, folder))
        found |= {path for path in left if runs and _is_copy(tree, path, answered)}
    return found


def _has_a_start(tree: Tree, folder: str) -> bool:
    """Whether the app's manifest says how it is started, which is not by one of these."""
    text = tree.text(posixpath.join(folder, "package.json")) or ""
    return re.search(r'"(?:start|dev)"\s*:\s*"\w', text) is not None


def beside_functions(tree: Tree) -> set[str]:
    """Copies beside the `index.ts` of a Supabase function, which alone is served."""
    return {
        path
        for path in tree.ending(".ts")
        if _BESIDE_FUNCTION.search(path)
        and posixpath.basename(path)[:-3]
        not in (tree.text(posixpath.join(posixpath.dirname(path), "index.ts")) or "")
    }


def _is_copy(tree: Tree, path: str, answered: Collection[str]) -> bool:
    if _OF_COPIES.search(posixpath.splitext(posixpath.basename(path))[0]):
        return True
    own = set(_ROUTE.findall(tree.text(path) or "")) - {"/"}
    return bool(own) and 2 * len(own & set(answered)) >= len(own)


def quieter(findings: Iterable[Finding], unstarted: Collection[str]) -> Iterator[Finding]:
    """What is wrong with a server that nobody starts harms nobody until somebody does."""
    for one in findings:
        if one.place.path not in unstarted:
            yield one
            continue
        why = f"{one.message} (nothing starts it: another one of the app runs)"
        yield replace(one, message=why, severity=Severity.LOW)


def less_grave(finding: Finding) -> Finding:
    """At most of medium severity: nobody meets it as yet."""
    grave = rank(finding) > Severity.MEDIUM
    return replace(finding, severity=Severity.MEDIUM) if grave else finding


def rank(finding: Finding) -> Severity:
    """How severe it is: as its own evidence says, else as its rule."""
    return load()[finding.rule].severity if finding.severity is None else finding.severity
