"""What a middleware writes on the request of who calls: `req.clerkId = decoded.id`, or over what
was sent: `req.body.clerkId = decoded.id`.
"""

import re
from collections.abc import Iterable

from .flow import Flow
from .middleware import guard_pieces
from .program import Program
from .table import Guarding

_WRITTEN = re.compile(
    r"(?<![\w$.])(?:req|request)\.((?:(?:body|query|params)\.)?(?!body\b|query\b|params\b|headers\b)\w+)"
    r"\s*=(?![=>])\s*([^;\n]+)"
)
_TAKES_A_FORM = re.compile(r"multer|[uU]pload|formidable|\.(?:single|array|fields|any|none)\(")
"""What reads a form makes a new body: what stood in the old one is what was sent again."""


def identified(program: Program, guards: Iterable[Guarding]) -> frozenset[str]:
    """The fields of the request that name the caller when a handler gets it."""
    found: set[str] = set()
    for guarding in guards:
        if _TAKES_A_FORM.search(guarding.code):
            found = {one for one in found if not one.startswith("body.")}
        else:
            found |= _written(program, guarding)
    return frozenset(found)


def _written(program: Program, guarding: Guarding) -> frozenset[str]:
    key = (guarding.module.path, guarding.code)
    if key not in program.identified:
        program.identified[key] = frozenset(_by_guard(program, guarding))
    return program.identified[key]


def _by_guard(program: Program, guarding: Guarding) -> Iterable[str]:
    pieces, _ = guard_pieces(program, guarding)
    for piece in pieces:
        written = list(_WRITTEN.finditer(piece.code))
        names = Flow(program, [piece]).of(piece) if written else None
        for one in written:
            said = re.search(rf"!\s*req\w*\.{re.escape(one[1])}\b", piece.code)
            if names and names.has_caller(one[2]) and not names.has_sent(one[2]) and not said:
                yield one[1]
