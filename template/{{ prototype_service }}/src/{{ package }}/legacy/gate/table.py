"""The gate table: for each route of the prototype who may call it, compiled for every request.

The most specific line decides: a literal segment before a `{parameter}`, that before `/**`, each
for lines that state the method. A path is compared without regard to case, for Express does so;
where a server that heeds case would take another line, both must allow.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ..callers.caller import Caller
from .paths import Ambiguous, Segments, readings, undecoded
from .rules import Rule

_REMEMBERED: Final = 4096
_LONGEST_REMEMBERED: Final = 256
ANY: Final = "*"
TAIL: Final = "**"
WEBSOCKET: Final = "WEBSOCKET"
UNKNOWN_ROUTE: Final = "unknown-route"
AMBIGUOUS_PATH: Final = "ambiguous-path"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of gate.toml: `"GET /bookings/{id}" = "authenticated"`."""

    method: str
    path: str
    rules: tuple[Rule, ...]
    number: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def segments(self) -> Segments:
        return tuple(self.path.strip("/").split("/")) if self.path != "/" else ()

    @property
    def is_exact(self) -> bool:
        return not self.path.endswith(TAIL)

    @property
    def access(self) -> str:
        return " or ".join(map(str, self.rules))

    @property
    def is_shut(self) -> bool:
        return all(rule.kind == "nobody" for rule in self.rules)

    def admits(self, caller: Caller | None) -> bool:
        return any(rule.admits(caller) for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Found:
    """The lines that must all allow a request; or `fault`, why there are none to go by."""

    lines: tuple[Line, ...] = ()
    fault: str = ""

    @property
    def is_public(self) -> bool:
        return not self.fault and all(line.admits(None) for line in self.lines)


@dataclass(slots=True)
class _Node:
    literals: "dict[str, _Node]" = field(default_factory=dict)
    parameter: "_Node | None" = None
    here: dict[str, Line] = field(default_factory=dict)
    below: dict[str, Line] = field(default_factory=dict)


class GateTable:
    """Matching takes a step for each segment; what was matched a moment ago takes none."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = tuple(lines)
        self._exact, self._folded = _Node(), _Node()
        for line in self.lines:
            _add(self._exact, line, line.segments)
            _add(self._folded, line, tuple(map(_folded, line.segments)))
        self._remembered: dict[tuple[str, str], Found] = {}

    def find(self, method: str, raw_path: str) -> Found:
        """What decides on a method and a path as it was sent, without its query."""
        key = (method, raw_path)
        found = self._remembered.get(key)
        if found is None:
            found = self._find(method, raw_path)
            if len(raw_path) <= _LONGEST_REMEMBERED:
                if len(self._remembered) >= _REMEMBERED:
                    self._remembered.clear()
                self._remembered[key] = found
        return found

    def _find(self, method: str, raw_path: str) -> Found:
        try:
            ways = readings(raw_path)
        except Ambiguous:
            return Found(fault=AMBIGUOUS_PATH)
        wanted = _methods(method)
        lines: dict[Line, None] = {}
        for way in ways:
            if (line := _search(self._folded, tuple(map(str.lower, way)), 0, wanted)) is None:
                return Found(fault=UNKNOWN_ROUTE)
            lines[line] = None
        # What a server with other habits would take, if it would take anything.
        others = [(self._exact, ways[0])]
        if "%" in raw_path:
            others.append((self._folded, tuple(map(str.lower, undecoded(raw_path)))))
        for root, way in others:
            if (line := _search(root, way, 0, wanted)) is not None:
                lines[line] = None
        return Found(tuple(lines))


def _methods(method: str) -> tuple[str, ...]:
    """The names under which a method may be stated, the best first.

    Whoever answers GET answers HEAD (RFC 9110, 9.3.2), and a WebSocket begins as a GET.
    """
    if method in {"HEAD", WEBSOCKET}:
        return (method, "GET", ANY)
    return (method, ANY)


def _search(node: _Node, way: Segments, at: int, names: Iterable[str]) -> Line | None:
    """Depth first, so that a literal wins; every node of the table is entered once at most."""
    if at == len(way):
        if (line := _of(node.here, names)) is not None:
            return line
    else:
        literal = node.literals.get(way[at])
        if literal and (line := _search(literal, way, at + 1, names)) is not None:
            return line
        other = node.parameter
        if other and (line := _search(other, way, at + 1, names)) is not None:
            return line
    return _of(node.below, names)


def _of(lines: dict[str, Line], names: Iterable[str]) -> Line | None:
    for name in names:
        if (line := lines.get(name)) is not None:
            return line
    return None


def _add(root: _Node, line: Line, segments: Segments) -> None:
    node = root
    for segment in segments:
        if segment == TAIL:
            node.below[line.method] = line
            return
        if is_parameter(segment):
            node.parameter = node.parameter or _Node()
            node = node.parameter
        else:
            node = node.literals.setdefault(segment, _Node())
    node.here[line.method] = line


def is_parameter(segment: str) -> bool:
    return segment.startswith("{") and segment.endswith("}")


def shape(line: Line) -> Iterator[str]:
    """What two lines have in common that nothing could tell apart."""
    yield line.method
    for segment in line.segments:
        yield "{}" if is_parameter(segment) else _folded(segment)


def _folded(segment: str) -> str:
    return segment if is_parameter(segment) else segment.lower()
