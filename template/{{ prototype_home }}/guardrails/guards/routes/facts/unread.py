"""What no rule reads: servers of other languages, and frameworks whose endpoints are not known."""

import re
from collections.abc import Iterator

from ....engine.finding import NotLooked
from ....engine.rules import Area, load
from ....engine.tree import Tree
from .procedures import NAMED

_READ = {"TypeScript", "JavaScript", "Python"}
_UNREAD = {
    "C#", "Dart", "Elixir", "Go", "Java", "Kotlin", "PHP", "Ruby", "Rust", "Svelte", "Swift", "Vue",
}  # fmt: skip
_SHARE = 0.1
"""Of the lines: a shell of a mobile or desktop app around pages is less."""
_READERS = {"boundaries", "lint", "patterns", "python", "routes"}
_ELSEWHERE = {Area.SECRETS, Area.DELIVERY, Area.BACKUPS}
_ENDPOINTS = {
    "GraphQL": re.compile(r"\.[cm]?[jt]s$"),
    "Nuxt": re.compile(r"(^|/)server/(api|routes|middleware)/.+\.[cm]?[jt]s$"),
    "Remix": re.compile(r"(^|/)app/routes/.+\.[jt]sx?$"),
    "SvelteKit": re.compile(r"(^|/)\+(page\.|layout\.)?server\.[jt]s$"),
    "tRPC": re.compile(r"\.[cm]?[jt]s$"),
}
"""Where a framework has its endpoints, as far as their names show it."""


def unread(tree: Tree) -> Iterator[NotLooked]:
    """Each language and framework that would pass for safe because nobody looked."""
    code = [
        rule
        for rule in load().values()
        if rule.area not in _ELSEWHERE and set(rule.guards) <= _READERS
    ]
    for name, files in _languages(tree):
        what = f"{files} {'file' if files == 1 else 'files'} of {name}"
        yield NotLooked(what, "no rule reads that language", tuple(rule.id for rule in code))
    routes = tuple(rule.id for rule in code if "routes" in rule.guards)
    for name in _frameworks(tree):
        yield NotLooked(f"the endpoints of {name}", "no rule follows them", routes)


def _languages(tree: Tree) -> Iterator[tuple[str, int]]:
    told = {entry["name"]: entry for entry in tree.stack.get("languages", ())}
    lines = sum(entry["lines"] for name, entry in told.items() if name in _READ | _UNREAD)
    for name in sorted(_UNREAD & set(told)):
        if told[name]["lines"] >= max(1, lines * _SHARE):
            yield name, told[name]["files"]


def _frameworks(tree: Tree) -> Iterator[str]:
    used = {fact["name"] for fact in tree.stack.get("frameworks", ())}
    for name, place in _ENDPOINTS.items():
        files = [path for path in tree.files if place.search(path)] if name in used else []
        followed = name == "tRPC" and any(NAMED.search(tree.text(path) or "") for path in files)
        if files and not followed:
            yield name
