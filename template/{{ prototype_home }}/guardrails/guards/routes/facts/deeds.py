"""What a route does to data: each place where it touches rows that somebody else may care for."""

import re
from collections.abc import Iterator, Sequence

from .clients import found_first, rows_decide
from .program import Piece, Program
from .signs import NO_WRITE
from .stores import harmless, in_memory


def done(
    program: Program, pieces: Sequence[Piece], sign: "re.Pattern[str]"
) -> Iterator[tuple[Piece, int]]:
    """Where the sign stands for work on a store, and no rule of the store's own decides."""
    for piece in pieces:
        for match in sign.finditer(piece.code):
            before = piece.code[: match.start()]
            owner = re.search(r"[\w$.]+$", before)
            whole = (owner[0] if owner else "") + match[0]
            named = before[-80:] + match[0]
            kept = in_memory(piece.module, named) or harmless(before, match[0])
            at = piece.start + match.start()
            kept = kept or rows_decide(program, piece, at)
            kept = kept or found_first(program, piece, at)
            if not NO_WRITE.match(whole) and not kept:
                yield piece, at
