"""What a merge is: one shared file, what is added to it, and whether that can be done."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Refused(Exception):
    """The file needs somebody's decision: the message says why, and the way out."""


class Kind(StrEnum):
    CREATED = "created"
    BLOCK = "block"
    KEYS = "keys"
    NONE = "none"


class State(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UP_TO_DATE = "up to date"
    REFUSED = "refused"
    LEFT = "left alone"


@dataclass(frozen=True)
class Merge:
    """One shared file. `guardrail` is the one that it belongs to; empty: whichever are fitted.

    `before` and `after` are the whole file; None: there is none.
    """

    path: str
    kind: Kind
    state: State
    reason: str = ""
    guardrail: str = ""
    diff: str = ""
    before: bytes | None = None
    after: bytes | None = None

    @property
    def pending(self) -> bool:
        return self.state in {State.NEW, State.CHANGED}

    def to_json(self) -> dict[str, Any]:
        names = ("path", "kind", "state", "reason", "guardrail", "diff")
        return {name: str(getattr(self, name)) for name in names}


def difference(path: str, before: bytes | None, after: bytes | None, context: int = 3) -> str:
    """A unified diff for a reader; what is no UTF-8 shows as replacement characters."""
    lines = difflib.unified_diff(
        _lines(before),
        _lines(after),
        "/dev/null" if before is None else f"a/{path}",
        "/dev/null" if after is None else f"b/{path}",
        n=context,
    )
    return "".join(_shown(lines))


def _lines(content: bytes | None) -> list[str]:
    text = (content or b"").decode("utf-8", "replace")
    return [line + "\n" for line in text.split("\n")[:-1]] + [text.split("\n")[-1]] * (
        not text.endswith("\n") and bool(text)
    )


def _shown(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
