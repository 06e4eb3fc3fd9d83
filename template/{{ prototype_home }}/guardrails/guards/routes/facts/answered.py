"""Whether a row goes out in an answer as it was read."""

import re

from .program import Piece
from .source import Binding

_ANSWERS = re.compile(r"(?:\.json|\.send|Response\.json)$")
_HANDED = re.compile(r"\b\w+\((?:[^()]|\([^()]*\))*\)")
"""What a function makes of a row: `publicParts(user)`."""
_SAYS = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")


def answered_whole(piece: Piece, binding: Binding) -> bool:
    """Whether the row goes out as it is: not one of its fields, nor without its password."""
    name = binding.names.strip()
    if not re.fullmatch(r"[\w$]+", name):
        return False
    later = piece.module.code[binding.end : piece.end]
    without = (
        rf"{name}\.password\s*=|delete\s+{name}\.|\}}\s*=\s*{name}\b|{name}\.toObject|{name}\.map\("
    )
    if re.search(without, later):
        return False
    whole = re.compile(rf"(?<![\w$.]){re.escape(name)}(?![\w$.(\[?]|\s*:)")
    return any(
        whole.search(_HANDED.sub("", _SAYS.sub("", piece.module.slice(one))))
        for call in piece.module.calls_in(binding.end, piece.end)
        if _ANSWERS.search(call.callee)
        for one in call.arguments[:1]
    )
