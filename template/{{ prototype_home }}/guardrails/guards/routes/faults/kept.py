"""What a handler keeps beside a database: in files of the server, or in its memory."""

import re
from collections.abc import Iterator

from ....engine.finding import Severity
from ...passing import PASSING
from ..facts.access import Case
from ..facts.meant import guests
from ..facts.program import Piece
from .say import HIGH, MEDIUM

_FILES = re.compile(
    r"\b(?:writeFile|appendFile|unlink|rename|copyFile|createWriteStream|outputFile|outputJson"
    r"|writeJson)(?:Sync)?\("
)
_FOR_NOW = re.compile(r"tmp|temp\b|temp[A-Z_]|\blogs?\b|\.log\b|cache|tmpdir", re.IGNORECASE)
_CHANGED = re.compile(
    r"(?<![\w$.])(?<!const )(?<!let )(?<!var )([A-Za-z_$][\w$]*)\s*"
    r"(?:\.(?:(?P<adds>push|unshift|set|add)|splice|delete|clear)\(|\[[^\]\n]+\]\s*=(?!=)|=\s*\1\.(?:filter|map)\()"
)
_CONTAINER = re.compile(r"\[|\{|new\s+(?:Map|Set)\b")


def kept_beside(case: Case) -> tuple[Severity, str] | None:
    """How bad it is that anybody may change what is kept, and what that is."""
    if any(_keeps_file(piece) for piece in case.pieces):
        return MEDIUM if guests(case) else HIGH, "writes files of the server"
    if any(name for piece in case.pieces for name in _names(case, piece)):
        return MEDIUM, "changes what the server keeps in its memory"
    return None


def _keeps_file(piece: Piece) -> bool:
    for call in piece.module.calls_in(piece.start, piece.end):
        if call.arguments and _FILES.search(call.callee.rpartition(".")[2] + "("):
            where = piece.module.slice(call.arguments[0])
            if not _FOR_NOW.search(_spelled_out(piece, where)):
                return True
    return False


def _spelled_out(piece: Piece, where: str) -> str:
    """A path with what its names hold."""
    names = set(re.findall(r"[A-Za-z_$][\w$]*", where))
    held = [
        piece.module.slice(one)
        for one in piece.module.bindings_in(piece.start, piece.end)
        if one.names in names
    ]
    outer = piece.module.outer_values
    held += [piece.module.slice(outer[name]) for name in names if name in outer]
    return " ".join([where, *held])


def _names(case: Case, piece: Piece) -> Iterator[str]:
    """Lists and maps outside of functions that the code changes."""
    local = {one.names for one in piece.module.bindings_in(piece.start, piece.end)}
    for match in _CHANGED.finditer(piece.code):
        name = match[1]
        if match["adds"] and case.route.method == "POST":
            continue  # one more of a stranger's own
        there = case.program.find(piece.module, name) if not PASSING.search(name) else None
        binding = there[0].outer_values.get(there[1]) if there and name not in local else None
        if there and binding and _CONTAINER.match(there[0].slice(binding).strip()):
            yield name
