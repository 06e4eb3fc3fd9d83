"""Who a finding is, from one commit to the next.

Identity is rule, path, enclosing symbol and the matched text without its layout, with an ordinal
among equals: it survives lines that move and code that is formatted anew. Line numbers, times and
versions of tools are no part of it, so that a baseline merges as a union of lines.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .finding import Finding
from .tree import Tree

_LAYOUT = re.compile(r"\s+|,(?=\s*[)\]}])|;(?=\s*(?:\n|$))")
_HASH_LENGTH = 16


@dataclass(frozen=True, order=True)
class Fingerprint:
    """`text` is a hash; `nth` tells equals in one file apart, from 1."""

    rule: str
    path: str
    symbol: str
    text: str
    nth: int = 1

    @property
    def id(self) -> str:
        """A short name to type."""
        whole = "\0".join((self.rule, self.path, self.symbol, self.text, str(self.nth)))
        return hashlib.sha256(whole.encode(errors="surrogateescape")).hexdigest()[:12]

    def moved_to(self, path: str) -> "Fingerprint":
        return replace(self, path=path)


def fingerprints(findings: Iterable[Finding], tree: Tree) -> dict[Fingerprint, Finding]:
    """Each finding under its fingerprint; equals are numbered in the order of their lines."""
    seen: Counter[Fingerprint] = Counter()
    lines: dict[str, list[str]] = {}
    known: dict[Fingerprint, Finding] = {}
    for finding in sorted(findings, key=lambda finding: (finding.rule, finding.place)):
        text = finding.place.snippet or _line(finding, tree, lines)
        first = Fingerprint(finding.rule, finding.place.path, finding.place.symbol, hash_of(text))
        seen[first] += 1
        known[replace(first, nth=seen[first])] = finding
    return known


def hash_of(text: str) -> str:
    """The hash of a piece of code whatever its layout: white space, quotes, trailing commas."""
    plain = _LAYOUT.sub("", text).replace("'", '"')
    return hashlib.sha256(plain.encode(errors="surrogateescape")).hexdigest()[:_HASH_LENGTH]


def _line(finding: Finding, tree: Tree, lines: dict[str, list[str]]) -> str:
    place = finding.place
    if not place.line:
        return ""
    if place.path not in lines:
        lines[place.path] = (tree.text(place.path) or "").splitlines()
    return "\n".join(lines[place.path][place.line - 1 : place.line])
