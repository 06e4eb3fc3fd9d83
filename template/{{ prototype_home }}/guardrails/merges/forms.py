"""One file with what belongs into it, in each of the forms that an addition has."""

import json
import re
from collections.abc import Iterable

import yaml

from . import marks, members, sequences, variables
from .merge import Refused
from .targets import Form, Target

EDITED = "the block was edited by hand; what is between its marks is replaced"
OLDER = "the block is of another version"
NOT_NEEDED = "the block is no longer needed"
_PREFIX = "quality:"
_EARLIER = re.compile(
    r"(uv run --project \S*guardrails python -m guardrails|make -C \S*guardrails)[a-z -]*"
)


def merged(
    path: str, content: bytes | None, target: Target, names: Iterable[str] = ()
) -> tuple[bytes | None, str]:
    """The file with the addition, and what there is to say; equal content when nothing is due.

    Raises:
        Refused: somebody must decide.
    """
    if target.form is Form.SCRIPTS:
        return _with_scripts(content, target)
    _see_text(content)
    block = marks.find(path, content or b"")
    if target.form is Form.VARIABLES:
        text = _variables(content, target, block, names)
    elif target.form is Form.LIST and target.text:
        return _with_items(content, target, block)
    else:
        text = target.text
    return _with_lines(content, target, block, text)


def without(path: str, content: bytes, target: Target) -> bytes | None:
    """The file as it was before; None when it was made by us.

    Raises:
        Refused: what was put in can't be told from the rest any more.
    """
    if target.form is Form.SCRIPTS:
        text = _decoded(content)
        held = members.scripts_of(text)
        ours = {
            name: value
            for wanted in _scripts(target)
            for name in (wanted, _PREFIX + wanted)
            if isinstance(value := held.get(name), str) and _EARLIER.fullmatch(value)
        }
        return members.take_out(text, ours).encode()
    block = marks.find(path, content)
    return content if block is None else marks.taken_out(content, block)


def _see_text(content: bytes | None) -> None:
    if content is not None and (content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content):
        raise Refused("it is in UTF-16, or no text; save it as UTF-8 and run this again")


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refused(f"line {line} is not UTF-8; save it as UTF-8 and run this again") from None


def _variables(
    content: bytes | None, target: Target, block: marks.Block | None, names: Iterable[str]
) -> str:
    rest = (content or b"") if block is None else marks.taken_out(content or b"", block) or b""
    own = target.text
    text = rest.decode("utf-8", "replace")
    return variables.body(own, names, text, block.body if block else "")


def _with_lines(
    content: bytes | None, target: Target, block: marks.Block | None, text: str
) -> tuple[bytes | None, str]:
    if block is None:
        if not text:
            return content, ""
        newline = marks.newline_of(content or b"")
        new = marks.rendered(text, html=target.html, newline=newline)
        return marks.put_in(content, new, len(content or b""), newline), ""
    if not text:
        return marks.taken_out(content or b"", block), NOT_NEEDED
    return _renewed(content or b"", block, text, html=target.html)


def _renewed(
    content: bytes, block: marks.Block, text: str, *, html: bool = False
) -> tuple[bytes, str]:
    if block.body == text:
        return content, ""
    new = marks.rendered(text, html=html, indent=block.indent, newline=block.newline)
    return marks.replaced(content, block, new), EDITED if block.edited else OLDER


def _with_items(
    content: bytes | None, target: Target, block: marks.Block | None
) -> tuple[bytes | None, str]:
    if content is None:
        return _with_lines(None, target, None, _whole(target))
    before = content if block is None else marks.taken_out(content, block) or b""
    text = _decoded(before)
    place = sequences.spot(text, target.key)
    if target.stage and not sequences.holds(text, "stages", target.stage):
        raise Refused(
            f"its `stages` lack `{target.stage}`, which ours is; add it and run this again"
        )
    body = _items(target, place)
    if block is None:
        newline = marks.newline_of(content)
        new = marks.rendered(body, indent=place.indent, newline=newline)
        at = len(text[: place.at].encode())
        if place.flow:
            after = marks.put_in_flow(content, new, at, newline, place.indent)
        else:
            after = marks.put_in(content, new, at, newline)
        said = ""
    else:
        after, said = _renewed(content, block, _in_form_of(block, target))
    flow = place.flow if block is None else block.in_flow
    sequences.confirm(text, _decoded(after), target.key, _fragment(target, flow=flow))
    return after, said


def _items(target: Target, place: sequences.Spot) -> str:
    if place.missing:
        return _whole(target)
    return place.comma + _flow(target) if place.flow else target.text


def _in_form_of(block: marks.Block, target: Target) -> str:
    if block.in_flow:
        return (", " if block.body.startswith(",") else "") + _flow(target)
    return _whole(target) if block.body.startswith(f"{target.key}:") else target.text


def _whole(target: Target) -> str:
    lines = (f"  {line}" if line else "" for line in target.text.split("\n"))
    return "\n".join([f"{target.key}:", *lines])


def _flow(target: Target) -> str:
    """The items in one line; JSON is YAML's flow style."""
    return ", ".join(json.dumps(item) for item in yaml.safe_load(target.text))


def _fragment(target: Target, *, flow: bool) -> str:
    return f"{target.key}: [{_flow(target)}]" if flow else _whole(target)


def _scripts(target: Target) -> dict[str, str]:
    loaded: dict[str, str] = json.loads(target.text or "{}")
    return loaded


def _with_scripts(content: bytes | None, target: Target) -> tuple[bytes | None, str]:
    scripts = _scripts(target)
    if content is None or not scripts:
        return content, ""
    text = before = _decoded(content)
    missing: dict[str, str] = {}
    said = []
    for wanted, command in scripts.items():
        name, is_there = _named(members.scripts_of(text), wanted, command)
        if name != wanted:
            said.append(f"`{wanted}` is taken: ours is `{name}`")
        if is_there:
            text = members.replace(text, name, command)
        else:
            missing[name] = command
    after = members.add(text, missing)
    names = {_named(members.scripts_of(after), wanted, c)[0]: c for wanted, c in scripts.items()}
    members.confirm(before, after, names)
    return after.encode(), "; ".join(said)


def _named(held: dict[str, object], wanted: str, command: str) -> tuple[str, bool]:
    """Under which name the script is or goes, and whether it is there."""
    for name in (wanted, _PREFIX + wanted):
        value = held.get(name)
        if value == command or (isinstance(value, str) and _EARLIER.fullmatch(value)):
            return name, True
    for name in (wanted, _PREFIX + wanted):
        if name not in held:
            return name, False
    raise Refused(f"`{wanted}` and `{_PREFIX}{wanted}` are both taken; rename one of them")
