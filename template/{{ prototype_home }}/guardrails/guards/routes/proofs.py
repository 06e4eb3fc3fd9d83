"""Whether a check compares anything, and a token that is looked up came with the request."""

import re

from .flow import Names
from .program import Piece, Program
from .signs import TOKEN_LOOKUP
from .source import Module

_PROVES = re.compile(
    r"(?<![\w'\"])(?!typeof)[\w.\])]+\s*[!=]==?\s*(?!['\"`]?(?:string|undefined|null|true|false)\b)"
    r"|\b(?:fetch|axios|request|equals?|compare\w*|timingSafeEqual|verify\w*)\("
    r"|\bcreate(?:Hmac|Verify|Hash)\(|\.(?:verify|sign|includes|constructEvent\w*|post)\("
)
"""In the body of a check: a comparison, a signature, or the provider is asked."""
_COLUMN = re.compile(r"\.eq\(")


def verifies(program: Program, module: Module, called: str) -> bool:
    """Whether a check of the tree's own compares anything, or only sees that it was sent."""
    name = re.fullmatch(r"(\w+)\(", called)
    found = program.function(module, name[1]) if name else None
    if found is None:
        return True
    body = found[0].slice(found[1]).partition("{")[2]
    return re.search(r"\breturn\s+true\b", body) is None or _PROVES.search(body) is not None


def by_token(piece: Piece, names: Names) -> bool:
    """Whether a record is looked up by an unguessable token that the request brings: not by one
    of a row that was read before.
    """
    return any(
        _COLUMN.match(found[0]) is None
        or "." not in (given := _given_to(piece, found))
        or names.has_sent(given)
        for found in TOKEN_LOOKUP.finditer(piece.code)
    )


def _given_to(piece: Piece, found: re.Match[str]) -> str:
    """What `.eq("token", …)` compares the column with."""
    return re.split(r"[)\n]", piece.code[found.end() : found.end() + 200])[0].strip(", ")
