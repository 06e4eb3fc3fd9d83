"""Lines of gate.toml, one for each kind of request, and how they are written."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

PUBLIC, SIGNED_IN, NOBODY = "public", "authenticated", "nobody"
DECIDE = "to decide"
_STRICT = (PUBLIC, DECIDE, SIGNED_IN)
_WIDEST = 44

_HEADER = """\
# Who may call which route of the prototype. Every change of it is reviewed.
#
#   "METHOD /path/{parameter}" = "public" | "authenticated" | "role:NAME" | "claim:PATH=VALUE"
#                                | "nobody", or a list of which one must hold
#
# "*" is any method, WEBSOCKET a WebSocket, /** at the end whatever is below. The most specific
# line decides. What no line is for is refused: GATE_MODE=report-only (the default) only logs it,
# GATE_MODE=enforcing does it. Begun from what an inspection saw; from here on it is yours.

[routes]
"""


@dataclass(frozen=True)
class Line:
    """Who may call a method and a path. `finding` names what lets everybody do it today."""

    method: str
    path: str
    access: str
    why: str
    finding: str = ""

    @property
    def shape(self) -> tuple[str, ...]:
        """The same for lines that no request could tell apart."""
        segments = self.path.strip("/").split("/")
        return (
            self.method,
            *("{}" if segment.startswith("{") else segment.lower() for segment in segments),
        )


@dataclass(frozen=True)
class Section:
    """Lines with one thing in common, which is said above them."""

    about: str
    lines: Sequence[Line]


def rendered(sections: Iterable[Section]) -> str:
    """The file. Where two lines are for the same requests, the stricter one stays."""
    kept: dict[tuple[str, ...], Line] = {}
    listed = [Section(section.about, list(section.lines)) for section in sections]
    for section in listed:
        for line in section.lines:
            other = kept.get(line.shape)
            if other is None or _strictness(line) > _strictness(other):
                kept[line.shape] = line
    return _HEADER + "".join(_section(section, kept) for section in listed)


def _section(section: Section, kept: dict[tuple[str, ...], Line]) -> str:
    lines = [line for line in section.lines if kept[line.shape] is line]
    if not lines:
        return ""
    ordered = sorted(dict.fromkeys(lines), key=lambda line: (line.path, line.method))
    return "".join(f"{row}\n" for row in ("", f"# {section.about}", *_rows(ordered)))


def _rows(lines: Sequence[Line]) -> Iterator[str]:
    keys = [_key(line) for line in lines]
    width = min(max(map(len, keys)), _WIDEST)
    for line, key in zip(lines, keys, strict=True):
        yield f"{key:<{width}}  # {_plain(line.why)}"


def _key(line: Line) -> str:
    name = f'"{line.method} {_plain(line.path)}"'
    if line.access == DECIDE:
        return f'# {name} = "?"'
    return f'{name} = "{line.access}"'


def _plain(text: str) -> str:
    """Names of files and what was read from code end no line and no string."""
    return "".join(char for char in text if char.isprintable() and char not in '"\\')


def _strictness(line: Line) -> int:
    return _STRICT.index(line.access) if line.access in _STRICT else len(_STRICT)
