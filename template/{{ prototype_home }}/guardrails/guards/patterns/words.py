"""Which patterns can match at all: those whose words stand in the files.

ast-grep reads a pattern as long as it reads a small file, and tries it at every node that it may
fit. What a pattern spells out (`localStorage`, `createHash`) stands in whatever it matches.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ...engine import regex as re

_WORD = re.compile(r"\w+", re.ASCII)
_BLANKED = bytes(one if _WORD.match(chr(one)) else ord(" ") for one in range(256))
_META = re.compile(r"\$\$\$\w*|\$[A-Z_][A-Z0-9_]*\b")
_BESIDE = frozenset({"has", "inside", "precedes", "follows"})

_FLAGS = re.compile(r"\(\?[a-z-]+\)")
_ANY_OF = re.compile(
    r"\\(?:[pPux]\{[^}]*\}|[pP]\w|x\w{2}|u\w{4}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL
)
_GROUP = re.compile(r"\((?:\?[a-z-]*:|\?p?<\w+>)?([^()]*)\)(\?|\*|\{[^}]*\})?")
_OPTIONAL = re.compile(r".(?:[?*]|\{[^}]*\})", re.DOTALL)
_ABSENT = "\0"
_SPELT = re.compile(rf"[\w{_ABSENT}]+", re.ASCII)


class Words:
    """The words of some files. What they can't tell of a pattern counts as a match."""

    def __init__(self, contents: Iterable[bytes]) -> None:
        found: set[bytes] = set()
        for content in contents:
            found.update(content.translate(_BLANKED).split())
        self._words = frozenset(word.decode("ascii") for word in found)
        # One text, in which a part of a word is looked for as fast as memory is read.
        self._all = " ".join(self._words).casefold()

    def can_match(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry of a rule's `patterns` can match in one of the files."""
        rule = entry["rule"]
        return self._can_be(rule) and all(
            self._can_be(constraint)
            for name, constraint in entry.get("constraints", {}).items()
            if _captures(rule, name)
        )

    def _can_be(self, rule: Mapping[str, Any]) -> bool:
        return all(self._can_hold(key, value) for key, value in rule.items())

    def _can_hold(self, key: str, value: Any) -> bool:
        if key == "pattern" and isinstance(value, str):
            return self._words.issuperset(_WORD.findall(_META.sub(" ", value)))
        if key == "regex":
            return self._can_spell(value)
        if key == "all":
            return all(map(self._can_be, value))
        if key == "any":
            return any(map(self._can_be, value))
        return key not in _BESIDE or self._can_be(value)

    def _can_spell(self, regex: str) -> bool:
        """Its groups give way, inmost first, to a blank, or to what stands in no file."""
        left = _ANY_OF.sub(" ", _FLAGS.sub("", regex)).casefold()
        while "(" in left:
            left, given = _GROUP.subn(self._group, left)
            if not given:
                return True
        return self._has_one_of(left)

    def _group(self, found: re.Match[str]) -> str:
        may_lack = found[2]
        return " " if may_lack or self._has_one_of(found[1]) else _ABSENT

    def _has_one_of(self, alternatives: str) -> bool:
        return any(
            all(spelt in self._all for spelt in _SPELT.findall(_OPTIONAL.sub(" ", one)))
            for one in alternatives.split("|")
        )


def _captures(rule: Mapping[str, Any], name: str) -> bool:
    """Whether whatever the rule matches has the metavariable: a constraint of one that it has not
    is none."""
    return any(_captures_by(key, value, name) for key, value in rule.items())


def _captures_by(key: str, value: Any, name: str) -> bool:
    if key == "pattern" and isinstance(value, str):
        return f"${name}" in _META.findall(value)
    if key == "all":
        return any(_captures(one, name) for one in value)
    if key == "any":
        return all(_captures(one, name) for one in value)
    return key in _BESIDE and _captures(value, name)
