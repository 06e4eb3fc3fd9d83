"""Tables whose rows belong to somebody, by how the routes ask for them or add to them."""

import re
from collections.abc import Iterator

from ...private_rows import PRIVATE
from ..facts.access import Case
from ..facts.flow import Names
from ..facts.paths import property_of
from ..facts.program import Piece
from ..facts.queries import CREATES, statement, stem, table
from ..facts.signs import READS
from ..facts.source import Call
from .parties import private

_COLUMN_IS = re.compile(
    r"\beq\(\s*(?:schema\.)?(\w+)\.\w*(?:user|owner|customer|client|tenant|org\w*|company|account|patient"
    r"|student|member)\w*\s*,\s*([\w$.?!]+)\s*,?\s*\)",
    re.IGNORECASE,
)
"""A condition of Drizzle's, wherever it is put together: `eq(jars.customerId, me)`."""


_BETWEEN = re.compile(
    r"\b(?:sender|from)(?:_?(?:user_?)?[iI]d)?['\"]?\s*(?:[:=,]).{0,200}\b(?:receiver|recipient|to)(?:_?(?:user_?)?[iI]d)?\b",
    re.DOTALL,
)
"""What one person says to another is theirs, whoever asks for it."""


_PERSONS = re.compile(
    r"[{,(]\s*(patient|user|customer|client|student|employee|member|owner)_?[iI]d\s*"
    r"(?::\s*([^,{}\n]+)|(?=[,}]))"
)


def _of_persons(names: Names, whole: str) -> bool:
    """Whether it asks for what is one person's: what is a patient's, whatever it is called."""
    found = _PERSONS.search(property_of(whole, "where") or whole)
    if found is None or not names.has_sent(found[2] or found[0].strip(" {,(")):
        return False
    return found[1] == "patient" or PRIVATE.search(stem(table(whole))) is not None


def owned_tables(cases: list[Case]) -> set[str]:
    """Tables of which some route asks only for what is the caller's: they have owners."""
    found: set[str] = set()
    for case in cases:
        for piece in case.pieces:
            if piece.depth > 2:
                continue
            names = case.flow.of(piece)
            found |= {
                stem(one[1]) for one in _COLUMN_IS.finditer(piece.code) if names.has_caller(one[2])
            }
            for call in piece.module.calls_in(piece.start, piece.end):
                if call.end - call.start > 3_000 or not call.arguments:
                    continue
                whole = statement(piece, call)
                arguments = " ".join(piece.module.slice(one) for one in call.arguments)
                theirs = (READS.search(whole) and _BETWEEN.search(arguments)) or _of_persons(
                    names, whole
                )
                if (
                    (theirs or names.has_caller(arguments))
                    and not CREATES.search(whole)
                    and (name := table(whole))
                ):
                    found.add(stem(name))
    return found


_OWNER = re.compile(
    r"[{,(\s](?:user|owner|customer|client|patient|buyer|student|tenant|applicant|renter|passenger"
    r"|sender|author|vendor|seller|host|doctor|provider|borrower)(?:_?[iI]d)?"
    r"\s*(?::\s*([^,{}\n]+)|(?=[,}]))"
)
_ADDS = re.compile(r"(?:^|\.)(?:create|insertOne|insert|values|add|save)$|^[A-Z]\w+$")
_IN_SQL = re.compile(
    r"\bINSERT\s+INTO\s+[\w\".`]+\s*\([^()]*\b(?:user|owner|customer|client|patient|buyer|student|tenant)_?id\b",
    re.IGNORECASE,
)
_NO_RECORD = re.compile(r"log|audit|notif|activit|session|token|like|follow|vote|view|member")


def written_tables(cases: list[Case]) -> set[str]:
    """Private tables to which some route adds rows that are the caller's: an order is of whoever
    placed it, even where no route asks for the caller's own.
    """
    found = {stem(table(added)) for case in cases for added in _added(case)}
    return {one for one in private(found) if not _NO_RECORD.search(one)}


def _added(case: Case) -> Iterator[str]:
    for piece in case.pieces:
        for call in piece.module.calls_in(piece.start, piece.end):
            if not call.arguments or call.end - call.start > 3_000:
                continue
            names = case.flow.of(piece)
            given = " ".join(map(piece.module.slice, call.arguments))
            if _ADDS.search(call.callee):
                owner = _OWNER.search(given)
                known = owner and names.has_caller((owner[1] or owner[0]).strip(" {,("))
            else:
                known = _IN_SQL.search(given) and names.has_caller(given)
            if known:
                yield _row(piece, call)


def _row(piece: Piece, call: Call) -> str:
    made = call.callee[:1].isupper() and "." not in call.callee
    return f"{call.callee}.create()" if made else statement(piece, call)
