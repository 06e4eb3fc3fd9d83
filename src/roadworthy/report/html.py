"""The report: one file for a browser, which works from disk, offline and without JavaScript.

Every word of the prototype in it is hostile. Jinja escapes all of them; control and
direction-changing characters are replaced; and a policy (CSP) lets the page load nothing and run
and style itself with these two blocks only, known by their hashes.
"""

import base64
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from roadworthy.inspection import LEVELS, Fault, Inspection, Place, Severity, steps

from . import facts, words
from .chart import chart
from .examples import example

FOLDER = Path(__file__).parent
MOST_PLACES = 40
"""More places than this of one fault are counted; the JSON lists them."""
_FIRST_PLACES = 5
"""So many are seen at once; the others unfold."""
_MOST_FILES = 12
"""More files than this of one hole are counted."""
_MOST_ROWS = 12
"""So many tables of the matrix are on the first screen; the others unfold."""
_KEPT = {"\n", "\t"}


@dataclass(frozen=True)
class Block:
    """Lines of one file, the first place's name over them."""

    place: str
    lines: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Entry:
    """One hole of a fault: where it is, or the way that a request takes to it."""

    message: str
    blocks: tuple[Block, ...]
    way: bool = False


def page(inspection: Inspection) -> str:
    style, script = _asset("page.css"), _asset("page.js")
    rows = words.matrix(inspection)
    callers = words.callers(rows)
    return (
        _engine()
        .get_template("page.html.jinja")
        .render(
            it=inspection,
            words=words,
            levels=LEVELS,
            severities=[severity.label for severity in reversed(Severity)],
            rows=[_row(row, [name for name, _ in callers]) for row in rows],
            callers=[caller for _, caller in callers],
            reach=words.reach_words(inspection),
            first_rows=_MOST_ROWS,
            most_places=MOST_PLACES,
            first_places=_FIRST_PLACES,
            most_files=_MOST_FILES,
            faults=inspection.faults,
            entries=_entries,
            example=lambda fault: example(fault, inspection.stack),
            chart=chart(inspection.facts.get("modules")),
            routes=facts.routes(inspection),
            open_routes=[route for route in facts.routes(inspection) if route.open],
            replays=facts.replays(inspection),
            style=Markup(style),  # noqa: S704, ours
            script=Markup(script),  # noqa: S704, ours
            policy=_policy(style, script),
        )
    )


def clean(value: Any) -> Any:
    """What every expression of the template goes through."""
    if isinstance(value, Markup) or not isinstance(value, str) or value.isprintable():
        return value
    return "".join(
        char if char.isprintable() or char in _KEPT else "\N{REPLACEMENT CHARACTER}"
        for char in value
    )


def _row(row: Any, callers: list[str]) -> dict[str, Any]:
    holds = words.holds(row)
    return {
        "table": str(row.get("table", "")),
        "schema": str(row.get("schema", "")),
        "holds": holds,
        "rebuilt": bool(row.get("rebuilt")),
        "cells": [
            [
                {"is": cell, "bad": cell == "yes" and (bool(holds) or operation != "select")}
                for operation, cell in zip(words.OPERATIONS, words.cells(row, caller), strict=True)
            ]
            for caller in callers
        ],
    }


def _entries(fault: Fault) -> list[Entry]:
    """A message that the fault says already, or the entry before said, is not said again."""
    entries: list[Entry] = []
    for issue in fault.issues:
        if way := steps(issue):
            entries.append(Entry(issue.message, tuple(_block([it]) for it in way), way=True))
        elif issue.count == 1:
            entries.append(Entry(issue.message, _blocks(issue.places)))
        else:
            entries += _by_file(issue.places)
    before = fault.message
    for at, entry in enumerate(entries):
        if entry.message in {before, fault.message}:
            entries[at] = replace(entry, message="")
        before = entry.message or before
    return entries


def _by_file(places: tuple[Place, ...]) -> list[Entry]:
    """What is said of several lines of one file is said once over all of them."""
    said: dict[tuple[str, str], list[Place]] = {}
    for place in places:
        said.setdefault((place.message, place.path), []).append(place)
    return [Entry(message, (_block(those),)) for (message, _), those in said.items()]


def _blocks(places: tuple[Place, ...]) -> tuple[Block, ...]:
    by_file: dict[str, list[Place]] = {}
    for place in places:
        by_file.setdefault(place.path, []).append(place)
    return tuple(_block(those) for those in by_file.values())


def _block_of(place: Place) -> Block:
    return _block([place])


def _block(places: list[Place]) -> Block:
    lines = {
        (place.line and place.line + offset): text
        for place in places
        for offset, text in enumerate(place.snippet.splitlines())
    }
    return Block(str(places[0]), tuple(sorted(lines.items())))


def _prose(text: str) -> Markup:
    """A sentence whose names stand between backticks."""
    parts = [escape(clean(part)) for part in text.split("`")]
    if len(parts) % 2 == 0:
        return escape(clean(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)
    )


@cache
def _engine() -> Environment:
    engine = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=clean,
    )
    engine.filters |= {
        "prose": _prose,
        "block": _block_of,
        "thousands": lambda number: f"{number:,}",
    }
    return engine


@cache
def _asset(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    hashes = [base64.b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
