"""Accounts that Mongoose hands out whole: by themselves, or in place of what refers to them."""

import re
from collections.abc import Iterator

from .access import Case
from .models import keeps_hash, model_text
from .paths import property_of
from .program import Piece
from .queries import statement

_OF_A_MODEL = re.compile(
    r"([A-Z]\w*)\.(?:find|findOne|findById|findByIdAndUpdate|findOneAndUpdate)$"
)
_CHOSEN = re.compile(r"\.select\(|\bselect\s*:|projection|\}\s*,\s*['\"{](?!\s*new\b)|,\s*['\"]")
SIGNS_IN_BY = re.compile(
    r"\b(?:e?mail\w*|phone\w*|user_?name|mobile\w*|login)['\"]?\s*:", re.IGNORECASE
)
"""A match has a password as well, that of its room."""
_POPULATED = re.compile(
    r"\.populate\(\s*(?:\[\s*)?(?:['\"](?P<fields>[\w ]+)['\"]\s*[,\])]|(?=\{))(?!\s*['\"{\w])"
)


def accounts_of_a_model(case: Case, piece: Piece) -> Iterator[tuple[int, str]]:
    """Where a model is asked for whole accounts, and what of its answer is one: what is read at
    once is looked at elsewhere, what is put in place of a reference here alone.
    """
    names = case.flow.of(piece)
    for call in piece.module.calls_in(piece.start, piece.end):
        model = _OF_A_MODEL.match(call.callee)
        whole = statement(piece, call) if model else ""
        text = model_text(case.program, piece.module, model[1]) if model else ""
        if not text:
            continue
        along = next((one for one in _populated(whole) if _hashed(case, text, one)), "")
        if along and not names.has_caller(property_of(whole, along)):
            yield call.start, f"whole accounts (`{along}`)"
            continue
        read = piece.depth and not _CHOSEN.search(whole) and _is_account(text)
        if read and not names.has_caller(whole):
            yield call.start, "whole accounts"


def _is_account(text: str) -> bool:
    return keeps_hash(text) and SIGNS_IN_BY.search(text) is not None


def _populated(whole: str) -> Iterator[str]:
    """The references that come with all columns: `populate("host")`, `populate({ path: "host" })`,
    and not `populate("host", "name")`.
    """
    for one in _POPULATED.finditer(whole):
        if one["fields"]:
            yield from one["fields"].split()
        elif not property_of(whole[one.end() :], "select"):
            yield property_of(whole[one.end() :], "path").strip("'\"`")


def _hashed(case: Case, text: str, field: str) -> bool:
    """Whether a field refers to a model that keeps the hash of a password."""
    ref = re.search(
        rf"\b{re.escape(field)}\s*:\s*\[?\s*\{{[^{{}}]*\bref\s*:\s*['\"](\w+)['\"]", text
    )
    named = re.compile(rf"\bmodel\s*(?:<[^()]*>)?\(\s*['\"]{ref[1]}['\"]") if ref else None
    texts = (module.code for _, module in case.program.parsed())
    return named is not None and any(keeps_hash(one) for one in texts if named.search(one))
