"""The proposals as `boundaries.toml`, for a person to read and change."""

import json
from collections.abc import Iterable, Iterator, Sequence

from ..contracts import Acyclic, Ceiling, Forbidden, Independent, Layers, OnlyThrough, Terms
from .model import Proposal

_HEADER = """\
# The contracts between the parts of this code: what it keeps to today may not get worse.
#
# `python -m guardrails check` holds them. What broke one on the day this was written is in
# baseline.jsonl and may only become less. The file is yours: change it when the design changes,
# and have the change reviewed. Imports of types alone and tests break no contract.
#
# kind            holds that
# layers          each layer imports from those below it alone; the top one comes first
# forbidden       `from` imports nothing of `to`
# independent     each of `modules` knows what is `public` of the others, and nothing else of them
# only-through    `target` is imported by what is in `through` alone, of all that is in `from`
# acyclic         no file needs one that needs it
# ceiling         no file and no function is longer; `allowed` are files that were, and may stay so
#
# Places are globs from the root of the repository: * within a name, ** for folders of any depth,
# a folder for all that is in it, `package:NAME` for what is installed, `package:NAME#one,other`
# for some of its names. `instead` in a contract is the way out that a finding tells.
"""
_WIDTH = 96


def written(proposals: Sequence[Proposal]) -> str:
    return _HEADER + "".join(f"\n{text}" for text in map(_contract, proposals))


def _contract(proposal: Proposal) -> str:
    contract = proposal.contract
    lines = [f"# {proposal.protects}", f"# {_known(proposal)}", "[[contract]]"]
    lines += [f"name = {_string(contract.name)}", f"kind = {_string(contract.kind)}"]
    lines += [f"{key} = {_value(value)}" for key, value in _keys(contract.terms)]
    return "\n".join(lines) + "\n"


def _known(proposal: Proposal) -> str:
    if not proposal.known:
        return "It holds today."
    count, files = len(proposal.known), proposal.files
    some = f"{count} in {files} file{'s' * (files > 1)}"
    return f"Known today: {some}, such as {proposal.known[0].path}."


def _keys(terms: Terms) -> Iterator[tuple[str, object]]:
    match terms:
        case Layers():
            yield "layers", [layer[0] if len(layer) == 1 else layer for layer in terms.layers]
        case Forbidden():
            yield from (("from", terms.source), ("to", terms.target))
        case Independent():
            yield from (("modules", terms.modules), ("public", terms.public))
        case Acyclic():
            yield "within", terms.within
        case OnlyThrough():
            yield from (("target", terms.target), ("through", terms.through))
            yield "from", terms.source
        case Ceiling():
            yield from _sizes(terms)


def _sizes(terms: Ceiling) -> Iterator[tuple[str, object]]:
    yield "files", terms.files
    for key, number in (("lines", terms.lines), ("function_lines", terms.function_lines)):
        if number:
            yield key, number
    for path, number in sorted(terms.allowed.items()):
        yield f"allowed.{_string(path)}", number


def _value(value: object) -> str:
    if isinstance(value, str):
        return _string(value)
    if not isinstance(value, (list, tuple)):
        return str(value)
    short = _inline(value)
    if len(short) <= _WIDTH - 16:  # the longest key
        return short
    if any(isinstance(entry, (list, tuple)) for entry in value):
        return "[\n" + "".join(f"  {_inline(entry)},\n" for entry in value) + "]"
    return "[\n" + "".join(f"  {line}\n" for line in _filled(map(_inline, value))) + "]"


def _filled(entries: Iterable[str]) -> Iterator[str]:
    line = ""
    for entry in entries:
        if line and len(line) + len(entry) > _WIDTH:
            yield line
            line = ""
        line = f"{line} {entry},".lstrip()
    yield line


def _inline(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_inline, value))}]"
    return _string(str(value))


def _string(text: str) -> str:
    """A basic string of TOML: JSON's escapes are TOML's, apart from DEL, which is no path."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
