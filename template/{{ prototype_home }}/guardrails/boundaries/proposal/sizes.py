"""Circles and ceilings: what holds for all of an application's own code."""

from collections.abc import Iterator, Sequence

from ...guards.structure.graph import components, within_package
from ...guards.structure.imports import When
from ...guards.structure.sources import is_content
from ..code import Code
from ..contracts import Acyclic, Ceiling, Contract
from ..globs import matching
from ..sizes import functions
from .model import Proposal, proposed

_MOST_IN_CIRCLES = 0.15
_LINES = (400, 500, 600, 800, 1000)
_FUNCTION_LINES = (150, 200, 300, 400)
_MOST_LONG = 0.1
_STEP = 50
"""A file that is too long already may grow to the next multiple of this, and no further."""


def acyclic(code: Code, own: Sequence[str], where: str) -> Iterator[Proposal]:
    inside = matching(own, code.texts)
    needs: dict[str, list[str]] = {}
    for entry in code.references:
        loaded = entry.when is When.LOADED and not within_package(entry.source, entry.target)
        if loaded and entry.source in inside and entry.target in inside:
            needs.setdefault(entry.source, []).append(entry.target)
    circling = sum(len(group) for group in components(needs))
    if needs and circling <= _MOST_IN_CIRCLES * len(inside):
        yield proposed(
            code, Contract(f"No circles of imports{where}", "acyclic", Acyclic(tuple(own))),
            "Each file can be understood, tested and replaced without those that use it.",
        )  # fmt: skip


def ceiling(code: Code, own: Sequence[str], where: str) -> Iterator[Proposal]:
    lines = {
        path: code.texts[path].count("\n") + 1
        for path in matching(own, code.texts)
        if not is_content(path, code.texts[path])
    }
    if not lines:
        return
    most = _fitting(list(lines.values()), _LINES) or _LINES[-1]
    allowed = {
        path: -(-length // _STEP) * _STEP
        for path, length in sorted(lines.items())
        if length > most
    }  # fmt: skip
    longest = [
        max(
            (entry[2] for entry in functions(path, code.texts[path], _FUNCTION_LINES[0])), default=0
        )
        for path in lines
    ]
    terms = Ceiling(tuple(own), most, _fitting(longest, _FUNCTION_LINES), allowed)
    yield proposed(
        code, Contract(f"Files and functions stay small{where}", "ceiling", terms),
        "What fits on a few screens can be read, reviewed and tested.",
    )  # fmt: skip


def _fitting(lengths: Sequence[int], steps: Sequence[int]) -> int:
    """The lowest ceiling that nearly all of them stay under; 0 when none is."""
    for step in steps:
        if sum(length > step for length in lengths) <= _MOST_LONG * len(lengths):
            return step
    return 0
