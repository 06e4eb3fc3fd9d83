"""Whether the scanner could find anything: to start it costs more than to read ten files.

Each of its rules needs words (`akia`, `algolia`) and, for the secret itself, letters of some kind
in a row. They are in `scanner_marks.json`, for one version of the scanner; any other is started
each time. A text in which no rule has what it needs holds nothing that the scanner would tell.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from ...engine import regex as re

MARKS = Path(__file__).with_name("scanner_marks.json")
_OTHER_LETTERS_I = {0x130: "i", 0x131: "i"}
"""With and without a dot; an expression that heeds no case takes them for that letter."""
_MOST = 300_000
"""Characters; with more to read, the scanner itself is as quick."""


@dataclass(frozen=True)
class _Known:
    """Of one version of the scanner: the rules whose matches are never told, and of each other
    rule words, one of each list, and an expression for its core."""

    version: str
    left_out: tuple[str, ...]
    marks: Sequence[tuple[Sequence[Sequence[str]], str]]


def is_worth_starting(texts: Iterable[str | None]) -> bool:
    """Whether the scanner is to be asked about files with these texts; of None nothing is known."""
    read = list(texts)
    if not _is_known() or sum(len(text or "") for text in read) > _MOST:
        return True
    return any(text is None or _may_hold_one(text) for text in read)


def rules_left_out() -> tuple[str, ...]:
    """Rules that the scanner need not compile, where it is known to have them."""
    return _known().left_out if _is_known() else ()


def _may_hold_one(text: str) -> bool:
    small = text.translate(_OTHER_LETTERS_I).casefold() if not text.isascii() else text.casefold()
    return any(
        all(any(map(small.__contains__, some)) for some in words) and re.search(core, small)
        for words, core in _known().marks
    )


def _is_known() -> bool:
    try:
        installed = import_module("kingfisher").__version__
    except (ImportError, AttributeError):
        return False
    return bool(installed == _known().version)


@cache
def _known() -> _Known:
    content = json.loads(MARKS.read_text(encoding="utf-8"))
    marks = [(words, core) for words, core in content["marks"]]
    return _Known(content["version"], tuple(content["leftOut"]), marks)
