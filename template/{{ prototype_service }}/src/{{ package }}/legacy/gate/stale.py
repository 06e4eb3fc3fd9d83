"""Where gate.toml and the prototype have parted: routes without a line, lines without a route."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...platform.access import AccessEntry
from .table import ANY, GateTable, Line, is_parameter


@dataclass(frozen=True, slots=True)
class SeenRoute:
    """A route of the prototype as the guardrails see it in its source."""

    method: str
    pattern: str
    place: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The routes, each of which needs a line, and other paths that may have one."""

    routes: Sequence[SeenRoute]
    others: Sequence[str] = ()


def seen_routes(text: str) -> Seen:
    """Read what `python -m guardrails.gate_routes` prints.

    Raises:
        ValueError: it is something else.
    """
    content: Any = json.loads(text)
    try:
        routes = [
            SeenRoute(entry["method"], entry["pattern"], f"{entry['file']}:{entry['line']}")
            for entry in content["routes"]
        ]
        return Seen(routes, list(map(str, content.get("others", ()))))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a list of routes: {error!r}") from error


def taken_over(table: GateTable, answered: Iterable[AccessEntry]) -> Iterator[str]:
    """Lines for what the service answers itself by now: its own access table decides there."""
    own = {(entry.method, _shape(entry.path)) for entry in answered}
    for line in table.lines:
        methods = [line.method] if line.method != ANY else ["GET", "POST", "PUT", "PATCH", "DELETE"]
        if line.is_exact and all((method, _shape(line.path)) in own for method in methods):
            yield f"line {line.number}: {line}: the service answers it itself"


def parted(table: GateTable, seen: Seen) -> Iterator[str]:
    """Routes that no line is for, and lines that are for no route."""
    needed: set[Line] = set()
    for route in seen.routes:
        found = table.find(route.method, _example(route.pattern))
        needed.update(found.lines)
        if found.fault:
            yield f"no line: {route.method} {route.pattern} ({route.place})"
    known = {_shape(route.pattern) for route in seen.routes} | set(map(_shape, seen.others))
    below = tuple(other.removesuffix("**") for other in seen.others if other.endswith("/**"))
    for line in table.lines:
        is_known = line in needed or _shape(line.path) in known or line.path.startswith(below)
        if line.is_exact and not is_known:
            yield f"line {line.number}: {line}: the prototype has no such route"


def _shape(path: str) -> tuple[str, ...]:
    return tuple(
        "{}" if is_parameter(segment) else segment.lower() for segment in path.strip("/").split("/")
    )


def _example(pattern: str) -> str:
    """A path that the pattern fits; what stands for a parameter is no literal of any table."""
    segments = (
        "~" if is_parameter(segment) or segment == "**" else segment
        for segment in pattern.strip("/").split("/")
    )
    return "/" + "/".join(segments)
