"""What a file hands on: `export { db } from "./client"` is another door to the same client."""

import re
from collections.abc import Iterable

from ..guards.structure.imports import ALL, Reference
from .code import Code

_EXPORTED = re.compile(
    r"^export\s+(?:default\s+)?(?:async\s+)?(?:const|let|var|function\*?|class|enum)\s+([\w$]+)"
    r"|^export\s*\{([^}]*)\}\s*;?\s*$",
    re.MULTILINE,
)
_LONGEST_CHAIN = 6


def handed_on(
    code: Code, targets: Iterable[str], packages: Iterable[str]
) -> dict[str, frozenset[str]]:
    """For each file that exports what is of the targets again: under which names."""
    first = frozenset(targets)
    some = list(packages)
    known: dict[str, frozenset[str]] = {}
    offering = [entry for entry in code.references if entry.offers and entry.source not in first]
    for _ in range(_LONGEST_CHAIN):
        before = dict(known)
        for entry in offering:
            if entry.target in first:
                own = _named(entry) | _own_names(entry, _exported(code.texts[entry.target]))
            elif any(named_package(entry, package) for package in some):
                own = _named(entry)
            else:
                own = _own_names(entry, known.get(entry.target, frozenset()))
            if own:
                known[entry.source] = known.get(entry.source, frozenset()) | own
        if known == before:
            break
    return known


def named_package(entry: Reference, wanted: str) -> bool:
    """Whether it is of that package: `NAME`, or `NAME#one,other` for some of its names."""
    package, _, names = wanted.partition("#")
    if entry.package != package and not entry.package.startswith((f"{package}.", f"{package}/")):
        return False
    return not names or ALL in entry.names or bool(entry.names & set(names.split(",")))


def _named(entry: Reference) -> frozenset[str]:
    return frozenset(own for own, _ in entry.offers if own != ALL)


def _own_names(entry: Reference, theirs: frozenset[str]) -> frozenset[str]:
    """Those of their names that the file offers, as it calls them."""
    found: set[str] = set()
    for own, name in entry.offers:
        if name in theirs:
            found.add(own)
        elif name == ALL:
            found |= theirs - {"default"} if own == ALL else {own}
    return frozenset(found)


def _exported(text: str) -> frozenset[str]:
    found: set[str] = {"default"}
    for name, braced in _EXPORTED.findall(text):
        found |= (
            {name} if name else {part.split()[-1] for part in braced.split(",") if part.split()}
        )
    return frozenset(found)
