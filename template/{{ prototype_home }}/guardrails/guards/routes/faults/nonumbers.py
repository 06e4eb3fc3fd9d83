"""Amounts that come as text: made a number, they may be none, and every comparison lets that by."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Piece
from .say import MEDIUM, at_route, finding, place

_MADE = re.compile(r"^\s*(?:Number|parseFloat|parseInt)\(|^\s*\+\s*[\w.]+\s*$")
_AMOUNT = re.compile(
    r"(?:amount|price|total|sum|quantity|qty|coins|credits|stake|bid|valor|monto|jumlah)$",
    re.IGNORECASE,
)
_SHAPED = re.compile(
    r"\b(?:z|yup|Joi|v)\.\w+\(|(?:safeParse|parseAsync)\(|isFinite|isNaN|isInteger|isSafeInteger"
)


def no_numbers(cases: list[Case]) -> Iterator[Finding]:
    """`Number(form.get("amount")) < 50` turns no text away: nothing is less than NaN."""
    for case in cases:
        if case.access is Access.ROLE or not case.route.writes or _SHAPED.search(case.code):
            continue
        for piece in case.pieces[:1]:
            yield from _unasked(case, piece)


def _unasked(case: Case, piece: Piece) -> Iterator[Finding]:
    names = case.flow.of(piece)
    for binding in piece.module.bindings_in(piece.start, piece.end):
        name = binding.names.strip()
        made = piece.module.slice(binding)
        if not (_AMOUNT.search(name) and _MADE.match(made) and names.has_sent(made)):
            continue
        if "||" in made or "??" in made or not _only_compared(piece, name):
            continue
        yield finding(
            "validation.negative-amount",
            place(piece.module, binding.at, case.route.label),
            f"{case.route.label} makes a number of {name} and only compares it: of text it is none "
            f"(NaN), which is neither too little nor too much, and is taken away all the same",
            MEDIUM,
            [at_route(case)],
        )
        return


def _only_compared(piece: Piece, name: str) -> bool:
    """Whether it is refused for being too little or too much alone, and then taken away."""
    word = rf"(?<![\w$.]){re.escape(name)}(?![\w$])"
    refused = re.search(rf"\bif\s*\([^;{{}}]*(?:{word}\s*<|[<]=?\s*{word})", piece.code)
    empty = re.search(rf"!\s*{word}|!\s*\(\s*{word}\s*>", piece.code)
    taken = re.search(rf"-\s*{word}", piece.code)
    return bool(refused and taken) and empty is None
