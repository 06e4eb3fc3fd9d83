"""What a text holds in which one of the scanner's rules can match, as the scanner tells its rules.

`python tests/secrets_guard/marks.py` writes it anew for the scanner that is installed.
"""

import json
import re
import string
import subprocess
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from importlib import import_module
from itertools import product
from typing import Any

from guardrails.gate import program
from guardrails.guards.secrets.search import OURS
from guardrails.guards.secrets.worthwhile import MARKS

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # there is no other parser to ask
    import sre_constants as sre
    import sre_parse

Parsed = Sequence[tuple[Any, Any]]
Mark = tuple[list[list[str]], str]

_SPELT_OTHERWISE = (
    (re.compile(r"\(\?i\)"), ""),  # all is compared in small letters
    (re.compile(r"\\z"), r"\\Z"),
    (re.compile(r"\[\[:alnum:\]\]"), "[A-Za-z0-9]"),
)
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT)
_OF_NO_WIDTH = (sre.AT, sre.ASSERT, sre.ASSERT_NOT)
_SETS = {
    sre.CATEGORY_DIGIT: string.digits,
    sre.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
    sre.CATEGORY_SPACE: string.whitespace,
}
_SHORT = {
    string.ascii_lowercase: "a-z",
    string.digits: r"\d",
    "".join(sorted(string.whitespace)): r"\s",
}
_WORD = frozenset(string.ascii_lowercase + string.digits + "_")
_MOST_ALTERNATIVES = 40
_MOST_LISTS = 3
_WIDEST = 80
"""A set of more characters than these says nothing."""


@dataclass(frozen=True)
class Needs:
    """`words`: one of each set is in whatever matches. `exact`: that, and nothing else."""

    words: tuple[frozenset[str], ...] = ()
    exact: frozenset[str] | None = None


_NOTHING = Needs(exact=frozenset({""}))


@cache
def rules() -> list[Mapping[str, Any]]:
    """As the scanner lists them."""
    listed = subprocess.run(
        [program("kingfisher"), "rules", "list", "--no-update-check", "--format", "json"],
        capture_output=True,
        check=True,
    )
    return list(json.loads(listed.stdout))


def _is_left_out(rule: Mapping[str, Any]) -> bool:
    """Whether the guard would tell none of its matches."""
    name = rule["id"].removeprefix("betterleaks.")
    return name != rule["id"] and any(part in name for part in OURS)


def patterns() -> list[str]:
    """Those of the rules whose matches the guard tells, in Python's spelling."""
    return [_spelt(rule["pattern"]) for rule in rules() if not _is_left_out(rule)]


def written() -> str:
    """The file as it has to be."""
    left_out = [rule["id"] for rule in rules() if _is_left_out(rule)]
    marks = {json.dumps(mark) for pattern in patterns() for mark in marks_of(pattern)}
    about = {"version": import_module("kingfisher").__version__, "leftOut": left_out}
    lines = ",\n".join(sorted(marks))
    return f'{json.dumps(about)[:-1]}, "marks": [\n{lines}\n]}}\n'


def _spelt(pattern: str) -> str:
    for spelt, meant in _SPELT_OTHERWISE:
        pattern = spelt.sub(meant, pattern)
    return pattern


def marks_of(pattern: str) -> list[Mark]:
    """For each form that it has: words, one of each list, and an expression for its core."""
    return [
        ([sorted(words) for words in _best(_of_all(form).words)], _core(form))
        for form in _forms(sre_parse.parse(pattern).data)
    ]


def _forms(parsed: Parsed) -> list[Parsed]:
    """Several, where there are several kinds of the secret itself."""
    for at, (kind, value) in enumerate(parsed):
        inner: list[Parsed] = []
        if kind is sre.SUBPATTERN:
            inner = _forms(list(value[-1]))
        elif kind is sre.BRANCH:
            inner = [some for form in value[1] for some in _forms(list(form))]
        needs = [_of_all(form) for form in inner]
        told = [max(map(_telling, one.words), default=(0,))[0] for one in needs]
        if min(told, default=0) > 1 and not all(one.exact for one in needs):
            return [[*parsed[:at], *form, *parsed[at + 1 :]] for form in inner]
    return [parsed]


def _best(words: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Those that tell most."""
    telling = sorted(dict.fromkeys(words), key=_telling, reverse=True)
    return [some for some in telling if min(map(len, some)) > 1 or some == telling[0]][:_MOST_LISTS]


def _telling(words: frozenset[str]) -> tuple[int, int, list[str]]:
    """How much a word of these says: the shortest counts, as any may be the one."""
    return (min(map(len, words)), -len(words), sorted(words)) if words else (0, 0, [])


def _of_all(parsed: Parsed) -> Needs:
    total = letters = _NOTHING
    for kind, value in parsed:
        needs = _of(kind, value)
        longer = _then(letters, needs)
        if longer.exact is not None:
            letters = longer
            continue
        total, letters = _then(total, letters), needs
        if needs.exact is None:
            total, letters = _then(total, letters), _NOTHING
    return _then(total, letters)


def _of(kind: Any, value: Any) -> Needs:
    if kind in (sre.LITERAL, sre.IN):
        characters = _characters(kind, value)
        few = 0 < len(characters) <= 4
        return Needs((characters,), characters) if few else Needs()
    if kind is sre.SUBPATTERN:
        return _of_all(value[-1])
    if kind is sre.BRANCH:
        return reduce(_either, map(_of_all, value[1]))
    if kind in _REPEATS:
        return _repeated(*value)
    return _NOTHING if kind in _OF_NO_WIDTH else Needs()


def _repeated(least: int, most: Any, repeated: Parsed) -> Needs:
    one = _of_all(repeated)
    if not least:
        return Needs(exact=one.exact | {""} if most == 1 and one.exact is not None else None)
    times = reduce(_then, [one] * min(least, _MOST_ALTERNATIVES), _NOTHING)
    return times if least == most <= _MOST_ALTERNATIVES else Needs(times.words)


def _either(one: Needs, other: Needs) -> Needs:
    best = [max(needs.words, key=_telling, default=frozenset()) for needs in (one, other)]
    exact = None if one.exact is None or other.exact is None else _few(one.exact | other.exact)
    return Needs((best[0] | best[1],) if all(best) else (), exact)


def _then(one: Needs, other: Needs) -> Needs:
    both = None
    if one.exact is not None and other.exact is not None:
        both = _few(frozenset(map("".join, product(one.exact, other.exact))))
    if both is None:
        return Needs(one.words + other.words)
    return Needs(() if "" in both else (both,), both)


def _few(words: frozenset[str]) -> frozenset[str] | None:
    return words if len(words) <= _MOST_ALTERNATIVES else None


def _characters(kind: Any, value: Any) -> frozenset[str]:
    """Those that it may be, small; none for whatever else."""
    if kind is sre.LITERAL:
        return frozenset({chr(value).casefold()})
    found: set[str] = set()
    for part, of in value:
        if part is sre.LITERAL:
            found.add(chr(of).casefold())
        elif part is sre.RANGE:
            found.update(chr(code).casefold() for code in range(of[0], of[1] + 1))
        elif part is sre.CATEGORY and of in _SETS:
            found.update(_SETS[of].casefold())
        else:
            return frozenset()
    return frozenset(found) if len(found) <= _WIDEST else frozenset()


def _core(parsed: Parsed) -> str:
    """The longest piece that is letters in a row, as an expression for small text."""
    best, best_length, piece, length = "", 0, "", 0
    for text, least in _pieces(parsed):
        piece, length = (piece + text, length + least) if text else ("", 0)
        if length > best_length:
            best, best_length = piece, length
    return best


def _pieces(parsed: Parsed) -> Iterator[tuple[str, int]]:
    """Each part with its least length; an empty one for what is no letters in a row."""
    for kind, value in parsed:
        if kind is sre.SUBPATTERN:
            yield from _pieces(value[-1])
        elif kind in _REPEATS and len(value[2]) == 1 and (one := _set(*value[2][0])):
            most = "" if value[1] is sre.MAXREPEAT else value[1]
            yield f"{one}{{{value[0]},{most}}}", value[0]
        elif one := _set(kind, value):
            yield one, 1
        elif kind not in _OF_NO_WIDTH:
            yield "", 0


def _set(kind: Any, value: Any) -> str:
    characters = _characters(kind, value) if kind in (sre.LITERAL, sre.IN) else frozenset()
    if len(characters) < 2:
        return re.escape("".join(characters))
    # What is a letter to the scanner need not be one of ASCII's, nor one to Python.
    word = r"\w\x80-\U0010ffff" if characters >= _WORD else ""
    text = word + re.escape("".join(sorted(characters - _WORD if word else characters)))
    for written_out, short in _SHORT.items():
        text = text.replace(re.escape(written_out), short)
    return f"[{text}]"


if __name__ == "__main__":
    MARKS.write_text(written(), encoding="utf-8")
