"""Marked blocks: found, put in, replaced and taken out of a file's bytes.

A block in lines of its own:            and inside of a flow-style list of YAML:

    …                                       repos: [a
    <one empty line>                          # >>> guardrails 1f3c9a2e: …
    # >>> guardrails 1f3c9a2e: …              , b
    …                                         # <<< guardrails
    # <<< guardrails                          ]

The mark carries a digest of what was written, which tells an edit by hand from an older version.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

from .merge import Refused

_NOTE = "kept up to date; write yours outside of this block"
_START = re.compile(
    rb"^(?P<indent>[ \t]*)(?:#|<!--) >>> guardrails(?: (?P<digest>[0-9a-f]{8}))?\b[^\r\n]*"
    rb"(?P<newline>\r?\n)?",
    re.MULTILINE,
)
_END = re.compile(rb"^[ \t]*(?:#|<!--) <<< guardrails\b[^\r\n]*", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Where it begins and ends (the newline after it excluded), and the lines between the marks,
    without the indentation of the mark and with plain newlines."""

    start: int
    end: int
    body: str
    digest: str
    indent: str
    newline: bytes

    @property
    def edited(self) -> bool:
        """Whether somebody changed it since it was written."""
        return self.digest != digest(self.body)

    @property
    def in_flow(self) -> bool:
        return self.body.startswith((",", "{"))


def digest(body: str) -> str:
    return sha256(body.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def newline_of(content: bytes) -> bytes:
    """What most lines end with."""
    crlf = content.count(b"\r\n")
    return b"\r\n" if crlf > content.count(b"\n") - crlf else b"\n"


def find(path: str, content: bytes) -> Block | None:
    """The block of the file.

    Raises:
        Refused: one of its marks is missing, or there are several.
    """
    starts, ends = list(_START.finditer(content)), list(_END.finditer(content))
    if not starts and not ends:
        return None
    if len(starts) != 1 or len(ends) != 1 or ends[0].start() < starts[0].end():
        raise Refused(_damage(path, content, starts, ends))
    start, end = starts[0], ends[0]
    newline = start["newline"] or b"\n"
    indent = start["indent"]
    inside = content[start.end() : end.start()].decode("utf-8", "surrogateescape")
    return Block(
        start=start.start(),
        end=end.end(),
        body=_plain(inside, indent.decode()),
        digest=(start["digest"] or b"").decode(),
        indent=indent.decode(),
        newline=newline,
    )


def _plain(inside: str, indent: str) -> str:
    lines = inside.replace("\r\n", "\n").removesuffix("\n").split("\n")
    return "\n".join(line.removeprefix(indent) for line in lines)


def _damage(
    path: str, content: bytes, starts: list[re.Match[bytes]], ends: list[re.Match[bytes]]
) -> str:
    first = min(starts + ends, key=re.Match.start)
    line = content.count(b"\n", 0, first.start()) + 1
    if not ends:
        what = "the block begins here and its end mark (`<<< guardrails`) is missing"
    elif not starts:
        what = "a block ends here and its start mark (`>>> guardrails`) is missing"
    elif len(starts) > 1 or len(ends) > 1:
        what = "there is more than one block"
    else:
        what = "the end mark stands before the start mark"
    return f"{path}:{line}: {what}; remove what is left of it, marks included, and run this again"


def rendered(body: str, *, html: bool = False, indent: str = "", newline: bytes = b"\n") -> bytes:
    """The block's lines, without a newline at the end."""
    opens, closes = ("<!--", " -->") if html else ("#", "")
    lines = [
        f"{opens} >>> guardrails {digest(body)}: {_NOTE}{closes}",
        *body.split("\n"),
        f"{opens} <<< guardrails{closes}",
    ]
    text = "\n".join(indent + line if line else line for line in lines)
    return text.encode("utf-8", "surrogateescape").replace(b"\n", newline)


def put_in(content: bytes | None, block: bytes, at: int, newline: bytes) -> bytes:
    """The content with the block at the beginning of a line, or at the end.

    One empty line comes before it, always, so that taking it out restores every byte; and a file
    that had no newline at its end has none afterwards.
    """
    if content is None:
        return block + newline
    if at == len(content) and content and not content.endswith(b"\n"):
        return content + newline * 2 + block
    return content[:at] + newline + block + newline + content[at:]


def put_in_flow(content: bytes, block: bytes, at: int, newline: bytes, indent: str) -> bytes:
    return content[:at] + newline + block + newline + indent.encode() + content[at:]


def replaced(content: bytes, block: Block, new: bytes) -> bytes:
    return content[: block.start] + new + content[block.end :]


def taken_out(content: bytes, block: Block) -> bytes | None:
    """The content as it was before the block was put in; None when the file was made for it."""
    before, after, newline = content[: block.start], content[block.end :], block.newline
    if not before and after in {b"", newline}:
        return None
    if block.in_flow:
        joined = after.removeprefix(newline).removeprefix(block.indent.encode())
        return before.removesuffix(newline) + joined
    if not after:
        return before.removesuffix(newline).removesuffix(newline)
    if before == newline or before.endswith(b"\n" + newline):
        before = before.removesuffix(newline)
    return before + after.removeprefix(newline)
