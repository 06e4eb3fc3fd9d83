"""gate.toml: read, and refused with everything that is wrong with it at once."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ...platform.access import UnstatedAccess
from .rules import Rule, rule_of
from .table import ANY, TAIL, WEBSOCKET, GateTable, Line, is_parameter, shape

METHODS: Final = frozenset({
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", WEBSOCKET, ANY,
})  # fmt: skip
_PARAMETER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_LITERAL = re.compile(r"[^\s{}*?#%\\/\x00-\x20\x7f]+")


class InvalidGate(UnstatedAccess):
    """gate.toml can't be gone by, so nothing is started."""


def read_gate(path: Path) -> GateTable:
    """The table in a file.

    Raises:
        InvalidGate: there is no such file, or it says what can't be understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidGate(
            f"{path} is missing: it says who may call which route of the prototype. Without it "
            "nobody may. Restore it from git, or begin with an empty [routes] table."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidGate(f"{path} can't be read: {error}") from error
    return parse_gate(text, str(path))


def parse_gate(text: str, name: str = "gate.toml") -> GateTable:
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidGate(f"{name} is not TOML: {error}") from error
    faults: list[str] = []
    lines = list(_lines(content, text, faults))
    faults += _doubled(lines)
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise InvalidGate(f"{name} can't be gone by, so nothing was started:\n{listed}")
    return GateTable(lines)


def _lines(content: dict[str, Any], text: str, faults: list[str]) -> Iterator[Line]:
    unknown = content.keys() - {"routes"}
    faults += [f"{key!r} is not known: all routes stand in [routes]" for key in sorted(unknown)]
    routes = content.get("routes")
    if not isinstance(routes, dict):
        faults.append("the table [routes] is missing")
        return
    for key, value in routes.items():
        number = _line_number(text, key)
        try:
            method, path = _route(key)
            yield Line(method, path, _rules(value), number)
        except ValueError as error:
            faults.append(f"line {number}: {error}")


def _route(key: str) -> tuple[str, str]:
    method, _, path = key.partition(" ")
    if method not in METHODS:
        raise ValueError(f'{key!r} must begin with a method in capitals, or with "*"')
    if not path.startswith("/"):
        raise ValueError(f"{key!r}: after the method comes a path, which begins with /")
    if path == "/":
        return method, path
    segments = path[1:].removesuffix("/").split("/")
    for at, segment in enumerate(segments):
        last = at == len(segments) - 1
        if segment == TAIL and last:
            continue
        if is_parameter(segment) and _PARAMETER.fullmatch(segment):
            continue
        if segment in {".", ".."} or not _LITERAL.fullmatch(segment):
            raise ValueError(
                f"{key!r}: {segment!r} is no segment. A segment is text, not encoded, or a whole "
                "{parameter}; the last one may be **"
            )
    return method, "/" + "/".join(segments)


def _rules(value: object) -> tuple[Rule, ...]:
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{value!r} is neither a rule nor a list of rules")
    return tuple(map(rule_of, texts))


def _doubled(lines: list[Line]) -> Iterator[str]:
    """TOML refuses the same text twice; these differ in case, in a slash or in a name only."""
    seen: dict[tuple[str, ...], Line] = {}
    for line in lines:
        first = seen.setdefault(tuple(shape(line)), line)
        if first is not line:
            yield f"lines {first.number} and {line.number} are for the same requests: {line}"


def _line_number(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if key in line and not line.lstrip().startswith("#"):
            return number
    return 0
