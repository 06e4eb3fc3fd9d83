"""Scripts of a package.json (RFC 8259): added and taken out by the positions of what is there.

Nothing is ever dumped anew, so indentation, order, escapes and line endings stay. Added members
follow the last one in its own layout. Into an object that was empty they go right behind its brace,
into one that was made for them they don't: so taking them out knows which one was there before.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from .merge import Refused

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_HOLDER = "scripts"


@dataclass(frozen=True)
class _Member:
    """A key and its value: where the key begins and ends, the value begins and ends."""

    key: str
    start: int
    colon: int
    value: int
    end: int


@dataclass(frozen=True)
class _Object:
    """`inside` is where its brace is past."""

    inside: int
    members: tuple[_Member, ...]

    def get(self, key: str) -> _Member | None:
        return next((member for member in self.members if member.key == key), None)


def add(text: str, scripts: Mapping[str, str]) -> str:
    """The text with these scripts; none of the names is taken.

    Raises:
        Refused: it is no package.json to which a script can be added.
    """
    root = _root(text)
    holder = root.get(_HOLDER)
    if not scripts:
        return text
    if holder is None:
        return _added(text, root, {_HOLDER: _made(text, root, scripts)})
    if text[holder.value] != "{":
        raise Refused("its `scripts` are no object")
    return _added(text, _object(text, holder.value), {k: _quoted(v) for k, v in scripts.items()})


def _added(text: str, into: _Object, values: Mapping[str, str]) -> str:
    if not into.members:
        new = ", ".join(f"{_quoted(key)}: {value}" for key, value in values.items())
        return text[: into.inside] + new + text[into.inside :]
    last = into.members[-1]
    between, colon = _layout(text, into)
    new = "".join(f",{between}{_quoted(key)}{colon}{value}" for key, value in values.items())
    return text[: last.end] + new + text[last.end :]


def _layout(text: str, of: _Object) -> tuple[str, str]:
    """What stands between its members, past the comma, and between a key and its value."""
    first, last = of.members[0], of.members[-1]
    between = text[of.inside : first.start]
    for one, other in list(pairwise(of.members))[-1:]:
        between = text[one.end : other.start].partition(",")[2]
    return between, text[last.colon : last.value]


def _made(text: str, root: _Object, scripts: Mapping[str, str]) -> str:
    """The object of the scripts, laid out like the root."""
    between, colon = _layout(text, root) if root.members else (" ", ": ")
    _, newline, indent = between.rpartition("\n")
    if not newline:
        entries = ", ".join(f"{_quoted(k)}{colon}{_quoted(v)}" for k, v in scripts.items())
        return f"{{ {entries}}}"
    newline = "\r\n" if "\r\n" in between else "\n"
    entries = ",".join(
        f"{newline}{indent * 2}{_quoted(k)}{colon}{_quoted(v)}" for k, v in scripts.items()
    )
    return f"{{{entries}{newline}{indent}}}"


def take_out(text: str, scripts: Mapping[str, str]) -> str:
    """The text without these scripts, as far as they have these values."""
    root = _root(text)
    holder = root.get(_HOLDER)
    if holder is None or text[holder.value] != "{":
        return text
    held = scripts_of(text)
    names = [name for name, value in scripts.items() if held.get(name) == value]
    within = _object(text, holder.value)
    spaced = bool(within.members) and within.members[0].start > within.inside
    if names and spaced and set(names) == {member.key for member in within.members}:
        return _without(text, root, _HOLDER)
    for name in reversed(names):
        within = _object(text, holder.value)
        text = _without(text, within, name)
    return text


def _without(text: str, of: _Object, key: str) -> str:
    index = next(i for i, member in enumerate(of.members) if member.key == key)
    member = of.members[index]
    if index:
        return text[: of.members[index - 1].end] + text[member.end :]
    following = of.members[1].start if len(of.members) > 1 else member.end
    return text[: member.start] + text[following:]


def replace(text: str, name: str, value: str) -> str:
    """The text with another value for a script that is there."""
    holder = _root(text).get(_HOLDER)
    member = _object(text, holder.value).get(name) if holder else None
    if member is None:
        raise Refused(f"it has no script `{name}`")
    return text[: member.value] + _quoted(value) + text[member.end :]


def scripts_of(text: str) -> dict[str, object]:
    """The scripts by name.

    Raises:
        Refused: it is no package.json.
    """
    held = dict(_pairs(text)).get(_HOLDER)
    return dict(held) if isinstance(held, _Pairs) else {}


def confirm(before: str, after: str, scripts: Mapping[str, str]) -> None:
    """See that `after` has these scripts more, and everything else as it was, in its order.

    Raises:
        Refused: the edit would change something else.
    """
    old, new = _flat(_pairs(before)), _flat(_pairs(after))
    kept = [entry for entry in new if not _is_ours(entry, scripts)]
    if kept != [entry for entry in old if not _is_ours(entry, scripts)]:
        raise Refused("a script can't be added here safely")
    if {k: v for k, v in scripts_of(after).items() if k in scripts} != dict(scripts):
        raise Refused("a script can't be added here safely")


class _Pairs(tuple[tuple[str, object], ...]):
    """An object, in its order and with what is repeated."""

    __slots__ = ()


def _flat(pairs: _Pairs) -> list[tuple[str, ...]]:
    """Top-level entries, and each script as an entry of its own."""
    entries: list[tuple[str, ...]] = []
    for key, value in pairs:
        if key == _HOLDER and isinstance(value, _Pairs):
            entries += [(_HOLDER, name, repr(script)) for name, script in value]
        else:
            entries.append((key, repr(value)))
    return entries


def _is_ours(entry: tuple[str, ...], scripts: Mapping[str, str]) -> bool:
    return len(entry) == 3 and entry[1] in scripts


def _pairs(text: str) -> _Pairs:
    try:
        loaded = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise Refused(f"it is no valid JSON: {error}") from None
    if not isinstance(loaded, _Pairs):
        raise Refused("it is no JSON object")
    return loaded


def _root(text: str) -> _Object:
    pairs = _pairs(text)
    held = dict(pairs).get(_HOLDER)
    for which in (pairs, held if isinstance(held, _Pairs) else _Pairs()):
        names = [key for key, _ in which]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise Refused(f"`{twice[0]}` is given more than once; keep one of them")
    return _object(text, text.index("{"))


def _object(text: str, at: int) -> _Object:
    """The object whose brace is at the offset, in a text that is valid JSON."""
    members: list[_Member] = []
    index = _past_space(text, at + 1)
    while text[index] != "}":
        start = _past_space(text, index + (text[index] == ","))
        key, colon = _DECODER.raw_decode(text, start)
        value = _past_space(text, _past_space(text, colon) + 1)
        _, end = _DECODER.raw_decode(text, value)
        members.append(_Member(key, start, colon, value, end))
        index = _past_space(text, end)
    return _Object(at + 1, tuple(members))


def _past_space(text: str, index: int) -> int:
    found = _SPACE.match(text, index)
    return found.end() if found else index


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
