"""Where an item goes in a list of a YAML file, by the positions that the parser gives.

Nothing is ever dumped anew: text is put in, the result is parsed again, and what was there must
be there still, event by event.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from .merge import Refused

_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_STARTS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLEARER = "write the items of `{key}` one below the other, each behind a dash, and run this again"


@dataclass(frozen=True)
class Spot:
    """Where the item goes: an offset, how far it is indented, and in which form.

    `missing`: the file has no such list, so that the key goes in with the item. `flow`: it goes
    between the brackets, after `comma`.
    """

    at: int
    indent: str = ""
    missing: bool = False
    flow: bool = False
    comma: str = ""


def spot(text: str, key: str) -> Spot:
    """Where an item goes that is appended to the top-level list `key`.

    Raises:
        Refused: the file is no YAML, or the list has a form to which nothing can be added.
    """
    events = _events(text)
    root = _root(events)
    if root is None:
        return Spot(len(text), missing=True)
    if not isinstance(events[root], yaml.MappingStartEvent):
        raise Refused(f"it is no mapping with a key `{key}` at its top")
    found = [index for name, index in _values(events, root) if name == key]
    if len(found) > 1:
        raise Refused(f"`{key}` is given {len(found)} times; make it one list")
    if not found:
        return _after_all(text, events, root)
    return _in_list(text, events, found[0], key)


def holds(text: str, key: str, item: str) -> bool:
    """Whether the top-level list `key` has the item; True where there is no such list."""
    events = _events(text)
    root = _root(events)
    if root is None or not isinstance(events[root], yaml.MappingStartEvent):
        return True
    lists = [events[i : _end(events, i) + 1] for name, i in _values(events, root) if name == key]
    return all(
        any(isinstance(event, yaml.ScalarEvent) and event.value == item for event in one)
        for one in lists
    )


def _events(text: str) -> list[yaml.Event]:
    try:
        return list(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise Refused(f"it is no valid YAML: {line}{error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Refused(f"it is no valid YAML: {str(error).splitlines()[0]}") from None


def _root(events: list[yaml.Event]) -> int | None:
    """The index of the last document's root; None where there is nothing in it."""
    documents = [i for i, event in enumerate(events) if isinstance(event, yaml.DocumentStartEvent)]
    if not documents:
        return None
    root = documents[-1] + 1
    first = events[root]
    if isinstance(first, yaml.ScalarEvent) and not first.value and first.style is None:
        return None
    return root


def _values(events: list[yaml.Event], root: int) -> Iterator[tuple[str, int]]:
    """The keys of the mapping, each with the index of its value's first event."""
    index = root + 1
    while not isinstance(events[index], yaml.MappingEndEvent):
        key, value = events[index], _end(events, index) + 1
        yield (key.value if isinstance(key, yaml.ScalarEvent) else ""), value
        index = _end(events, value) + 1


def _end(events: list[yaml.Event], index: int) -> int:
    """The index of the last event of the node that begins at the index."""
    depth = 0
    while True:
        depth += isinstance(events[index], _STARTS) - isinstance(events[index], _ENDS)
        if depth == 0:
            return index
        index += 1


def _after_all(text: str, events: list[yaml.Event], root: int) -> Spot:
    """At the end of the file; a flow-style or explicitly ended document has no such place."""
    closing = events[_end(events, root) + 1]
    flow = getattr(events[root], "flow_style", False)
    if flow or getattr(closing, "explicit", False):
        raise Refused("nothing can be added at its end; write its top level key by key, in lines")
    return Spot(len(text), missing=True)


def _in_list(text: str, events: list[yaml.Event], value: int, key: str) -> Spot:
    event = events[value]
    if isinstance(event, yaml.ScalarEvent) and not event.value and event.style is None:
        return Spot(_line_end(text, _to(event)), indent="  ")
    if not isinstance(event, yaml.SequenceStartEvent):
        raise Refused(f"`{key}` is no list; {_CLEARER.format(key=key)}")
    closing = _end(events, value)
    if event.flow_style:
        return _in_brackets(text, events, value, closing)
    indent = " " * _column(text, _from(event))
    leaf = next(e for e in reversed(events[value:closing]) if not _is_block_end(e))
    return Spot(_past_comments(text, _line_end(text, _to(leaf)), indent), indent)


def _is_block_end(event: yaml.Event) -> bool:
    """The end of a block collection has the position of what comes next, comments skipped."""
    return isinstance(event, _ENDS) and _from(event) == _to(event)


def _in_brackets(text: str, events: list[yaml.Event], value: int, closing: int) -> Spot:
    at = _from(events[closing])
    after = _to(events[closing - 1])
    commas = (
        token
        for token in yaml.scan(text, Loader=yaml.SafeLoader)
        if isinstance(token, yaml.FlowEntryToken)
    )
    ended = any(after <= _from(token) < at for token in commas)
    indent = " " * (_line_indent(text, _from(events[value])) + 2)
    empty = closing == value + 1
    return Spot(at, indent, flow=True, comma="" if empty or ended else ", ")


def _from(event: yaml.Event | yaml.Token) -> int:
    return event.start_mark.index if event.start_mark else 0


def _to(event: yaml.Event | yaml.Token) -> int:
    return event.end_mark.index if event.end_mark else 0


def _column(text: str, index: int) -> int:
    return len(text[text.rfind("\n", 0, index) + 1 : index].removeprefix("\ufeff"))


def _line_indent(text: str, index: int) -> int:
    line = text[text.rfind("\n", 0, index) + 1 : index].removeprefix("\ufeff")
    return len(line) - len(line.lstrip(" "))


def _line_end(text: str, index: int) -> int:
    """The beginning of the next line, or this one's when the index is there already."""
    if index and text[index - 1] == "\n":
        return index
    newline = text.find("\n", index)
    return len(text) if newline < 0 else newline + 1


def _past_comments(text: str, index: int, indent: str) -> int:
    """Past comment lines that are indented deeper than the dashes: they belong to the item."""
    while index < len(text):
        line = text[index : _line_end(text, index + 1)]
        if not (line.startswith(indent + " ") and line.strip().startswith("#")):
            break
        index += len(line)
    return index


def confirm(before: str, after: str, key: str, fragment: str) -> None:
    """See that the list has what `fragment` (the key with its items) adds, and all else stays.

    Raises:
        Refused: the edit would change something else.
    """
    expected = _with(_events(before), _shapes(_events(fragment)), key)
    try:
        got = _shapes(_events(after))
    except Refused:
        got = []
    if got != expected:
        raise Refused(f"nothing can be added here safely; {_CLEARER.format(key=key)}")


_Shape = tuple[object, ...]


def _shapes(events: list[yaml.Event]) -> list[_Shape]:
    """The events without their positions."""
    names = ("value", "tag", "anchor", "flow_style", "style", "explicit", "tags", "version")
    return [(type(event), *(getattr(event, name, None) for name in names)) for event in events]


def _with(old: list[yaml.Event], fragment: list[_Shape], key: str) -> list[_Shape]:
    # A fragment: stream, document, mapping, key, list, its items, and the same backwards.
    entry, whole_list, items = fragment[3:-3], fragment[4:-3], fragment[5:-4]
    shapes, root = _shapes(old), _root(old)
    if root is None:
        empty = next((i for i, e in enumerate(old) if isinstance(e, yaml.ScalarEvent)), None)
        if empty is None:
            return fragment
        return [*shapes[:empty], *fragment[2:-2], *shapes[empty + 1 :]]
    value = next((index for name, index in _values(old, root) if name == key), None)
    if value is None:
        end = _end(old, root)
        return [*shapes[:end], *entry, *shapes[end:]]
    if isinstance(old[value], yaml.ScalarEvent):
        return [*shapes[:value], *whole_list, *shapes[value + 1 :]]
    end = _end(old, value)
    return [*shapes[:end], *items, *shapes[end:]]
