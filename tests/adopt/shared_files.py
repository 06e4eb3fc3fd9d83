"""Shared files of prototypes as they come: every encoding, layout and line ending."""

import json
from typing import Any

from guardrails.merges import Merge
from hypothesis import strategies as st


def merge_of(merges: list[Merge], path: str) -> Merge:
    return next(merge for merge in merges if merge.path == path)


NEWLINES = ("\n", "\r\n")
_LINE = st.sampled_from(
    [
        b"node_modules", b"dist/", b"", b"   ", b"\t", b"# a comment", b"!keep.me", b".env*",
        b"caf\xe9/", "straße/".encode(), b'"quoted \\" and "nested""', b"# >> guardrails",
        b"# <<< other block", b"<!-- a note -->", b"# >>> platform: not ours", b"* @somebody",
        b"A=1 # b", b"```", b"## Heading", b"| a | b |", b"trailing  ", b"\\", b"a\rb",
    ]
)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A file of lines: no, one or mixed line endings, perhaps a BOM, perhaps no end."""
    parts = draw(st.lists(_LINE, max_size=8))
    kinds = draw(st.sampled_from([[b"\n"], [b"\r\n"], [b"\n", b"\r\n"]]))
    text = b"".join(line + draw(st.sampled_from(kinds)) for line in parts)
    text += draw(st.sampled_from([b"", b"no newline at the end", b"ends with \r"]))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text


_NAME = st.sampled_from(
    ["dev", "build", "a b", 'q"uote', "ünïcode", "\\back", "test", "{", "}", ","]
)
_VALUE = st.one_of(
    st.sampled_from(["vite", 'echo "hi"', "tsc -b && vite build", "a,b:{c}", "é"]),
    st.integers(),
    st.none(),
    st.lists(st.booleans(), max_size=2),
    st.dictionaries(_NAME, st.text(max_size=3), max_size=2),
)


@st.composite
def package_json(draw: st.DrawFn) -> bytes:
    """A valid package.json, dumped in some layout, or with odd space around every token."""
    content: dict[str, Any] = draw(st.dictionaries(_NAME, _VALUE, max_size=3))
    if draw(st.booleans()):
        taken = st.sampled_from(["dev", "guardrails", "guardrails:baseline", "build"])
        content["scripts"] = draw(st.dictionaries(taken, st.just("echo mine"), max_size=3))
        if draw(st.booleans()):
            content["type"] = "module"
    indent = draw(st.sampled_from([None, 2, 4, "\t", "odd"]))
    ascii_only = draw(st.booleans())
    if indent == "odd":
        text = _odd(draw, content)
    else:
        text = json.dumps(content, indent=indent, ensure_ascii=ascii_only)
    newline = draw(st.sampled_from(NEWLINES))
    text = text.replace("\n", newline) + draw(st.sampled_from(["", newline, newline * 2]))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode()


def _odd(draw: st.DrawFn, value: Any) -> str:
    space = draw(st.sampled_from(["", " ", "\n", "\n\n   ", "\t"]))
    if isinstance(value, dict):
        members = [f"{space}{json.dumps(k)}{space}:{_odd(draw, v)}" for k, v in value.items()]
        return f"{space}{{{f'{space},'.join(members)}{space}}}{space}"
    return f"{space}{json.dumps(value)}{space}"


_REPO = (
    ("repo: https://example.com/hooks\n  rev: v1.0  # pinned\n  hooks:\n    - id: one\n"
    "      args: [--a, 'b: c']\n"),
    "repo: local\n  hooks:\n  - id: two\n    entry: |\n      some script\n      # no comment\n",
    'repo: local\n  hooks: [{id: x, name: "x # y", entry: e, language: system}]\n',
    "repo: meta\n  hooks:\n    - id: identity\n    # - id: switched-off\n\n",
    "repo: &name local\n  rev:\n",
)  # fmt: skip


@st.composite
def yaml_list(draw: st.DrawFn, key: str) -> bytes:
    """YAML with a list under the key, or none, in block or flow style."""
    head = draw(st.sampled_from(["", "# a comment\n", "---\n", "fail_fast: true\n", "\n\n"]))
    tail = draw(st.sampled_from(["", "ci:\n  skip: [a]\n", "# the end", "\n\n", "last: 'x'"]))
    form = draw(st.sampled_from(["block", "block", "flow", "null", "absent"]))
    if form == "block":
        indent = " " * draw(st.sampled_from([0, 2, 4]))
        items = draw(st.lists(st.sampled_from(_REPO), min_size=1, max_size=3))
        body = f"{key}:\n" + "".join(_indented("- " + item, indent) for item in items)
    elif form == "flow":
        inside = draw(
            st.sampled_from(
                ["", " ", "\n", "{a: b}", "{a: b}, ", "{a: b}, # c\n  ", "\n  'x',\n  y\n"]
            )
        )
        body = f"{key}: [{inside}]" + draw(st.sampled_from(["\n", " # flow\n"]))
    else:
        body = f"{key}:\n" if form == "null" else ""
    text = (head + body + tail).replace("\n", draw(st.sampled_from(NEWLINES)))
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode()


def _indented(text: str, indent: str) -> str:
    return "".join(
        indent + line if line.strip() else line for line in text.splitlines(keepends=True)
    )


ENV = st.sampled_from(
    [
        b"A_KEY=hidden-value-1\nB=2\n",
        b"\xef\xbb\xbfexport TOKEN='hidden-value-2'\r\nEMPTY=\r\n",
        b'PEM="-----BEGIN KEY-----\nhiddenvalue3==\nHIDDEN=value\n-----END KEY-----"\nAFTER=1',
        b"KEY=-----BEGIN KEY-----\nAAhiddenValue4x==\nABCDEF=\n-----END KEY-----\nNEXT=1\n",
        "W=hidden-value-5\r\n".encode("utf-16"),
        b"# OLD=hidden-value-6\n  SPACED = hidden-value-7 # note\nnot an assignment\n",
        b"OPEN='hidden-value-8\nHIDDEN_9=x\n",
    ]
)
"""Env files with values that no example may show."""
