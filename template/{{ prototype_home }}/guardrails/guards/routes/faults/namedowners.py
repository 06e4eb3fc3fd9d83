"""Rows that are written for whoever the request names, by the columns that say whose rows are.

Which columns these are, the other routes say: who deletes a quote must be its `plumber`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.given import named_by_client
from ..facts.middleware import Access
from ..facts.paths import property_of
from ..facts.program import Piece
from ..facts.queries import Query, queries, statement, stem, table
from ..facts.signs import ADMIN_PATH, LOGIN_PATH, WEBHOOK_NAME
from ..facts.source import Call
from ..facts.ties import tied
from .parties import own_columns
from .say import HIGH, at_route, finding, place

_OTHERS = re.compile(
    r"assign|recip|receiv|particip|invit|target|notif|^to$|^_?id$|parent", re.IGNORECASE
)
"""Whom a row is for, and not whose it is."""
_IN_FILTER = re.compile(
    r"(?:\beq\(\s*[\w.]+\.(\w+)\s*,|[{,]\s*(\w+)\s*:)\s*([\w$.?!]+)(?=\s*[,})])"
)
_IN_SQL = re.compile(r"\b(\w+)\s*=\s*(?:\?|\$(\d))")
_CHANGES = re.compile(r"(?i)update|delete|destroy|remove|\bset\b")


def named_owners(cases: list[Case]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        columns = _columns(of_app)
        for case in of_app if columns else ():
            if (
                case.access is Access.CALLER
                and case.route.writes
                and not case.bound_by_rows
                and not LOGIN_PATH.search(case.route.path)
                and not ADMIN_PATH.search(case.route.path)
                and not WEBHOOK_NAME.search(case.route.label)
                and not tied(case)
            ):
                yield from _named(case, columns)


def _columns(cases: list[Case]) -> dict[str, set[str]]:
    """By the stem of a table the columns by which only the caller's own rows are changed."""
    found: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        if case.access is Access.CALLER and case.route.method != "GET":
            for one in queries(case):
                found[stem(one.table)] |= {
                    column for column in _asked_of(case, one) if not _OTHERS.search(column)
                }
    return {name: columns for name, columns in found.items() if name and columns}


def _asked_of(case: Case, one: Query) -> Iterator[str]:
    """What must be the caller, for the query to find a row or for what it found to be changed."""
    piece = one.spot.piece
    names = case.flow.of(piece)
    for match in _IN_FILTER.finditer(one.code):
        if names.has_caller(match[3]):
            yield match[1] or match[2]
    given = _given(one.code)
    for column, at in () if one.alone else _places(one.code):
        if at < len(given) and names.has_caller(given[at]):
            yield column
    for row, column in own_columns(case, piece):
        into = rf"\b{re.escape(row)}\s*=\s*(?:await\s+)?$"
        if re.search(into, _before(piece, one.begins.at)):
            yield re.split(r"[?!]?\.", column)[0]


def _before(piece: Piece, at: int) -> str:
    return piece.module.code[max(piece.start, at - 60) : at]


def _places(code: str) -> list[tuple[str, int]]:
    """Of a statement in SQL what columns are compared, each with the value of which number."""
    where = re.search(r"(?i)\bWHERE\b", code)
    if where is None:
        return []
    before = code[: where.start()].count("?")
    return [
        (one[1], int(one[2]) - 1 if one[2] else before + n)
        for n, one in enumerate(_IN_SQL.finditer(code, where.end()))
    ]


def _given(code: str) -> list[str]:
    values = re.search(r"\[([^\[\]]*)\]\s*\)?\s*;?\s*$", code)
    return [one.strip() for one in values[1].split(",")] if values else []


_ADDS = re.compile(r"(?:\.(?:create|insertOne|insert|values)|^[A-Z]\w+)$")
_INSERTS = re.compile(r"\bINSERT\s+INTO\s+[`\"]?\w+[`\"]?\s*\(([^()]*)\)", re.IGNORECASE)


def _named(case: Case, columns: dict[str, set[str]]) -> Iterator[Finding]:
    for piece in case.pieces:
        for call in piece.module.calls_in(piece.start, piece.end):
            if not call.arguments or call.end - call.start > 2_500:
                continue
            whole = statement(piece, call)
            name = call.callee if re.fullmatch(r"[A-Z]\w+", call.callee) else table(whole)
            value = _whose(piece, call, whole, columns.get(stem(name), set()))
            if value is None or case.flow.of(piece).has_caller(whole):
                continue
            if named_by_client(case, piece, value[1]):
                message = (
                    f"{case.route.label} knows who is signed in, and writes {name} with the "
                    f"`{value[0]}` that the request names: elsewhere that says whose it is"
                )
                where = place(piece.module, call.start, case.route.label)
                yield finding(
                    "authz.client-supplied-identity", where, message, HIGH, [at_route(case)]
                )
                return


def _whose(piece: Piece, call: Call, whole: str, columns: set[str]) -> tuple[str, str] | None:
    """The column that says whose the new row is, and what is put there."""
    if not columns:
        return None
    if inserted := _INSERTS.search(whole):
        told = dict(zip(map(str.strip, inserted[1].split(",")), _given(whole), strict=False))
        return next(((one, told[one]) for one in sorted(columns) if told.get(one)), None)
    if not _ADDS.search(call.callee):
        return None
    given = piece.module.slice(call.arguments[0])
    given = property_of(given, "data") or given
    for one in sorted(columns):
        if value := property_of(given, one):
            return one, value
        if re.search(rf"[{{,]\s*{re.escape(one)}\s*[,}}]", given):
            return one, one
    return None
