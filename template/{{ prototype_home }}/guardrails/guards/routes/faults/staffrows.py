"""Rows that the policies let only who holds a role write, and a function writes for any account.

It found out who calls, acts with the service key, and asks for no role: who signed up a minute ago
does what the database leaves to the staff.
"""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.queries import queries, stem
from ..facts.signs import ROLE_TEST, WEBHOOK_NAME
from .pastrows import with_key
from .say import HIGH, at_route, at_spot, deeds, finding, place

_CHANGED = re.compile(
    r"(?P<client>[A-Za-z_$][\w$]*)\s*\.from\(\s*(?:['\"`](?P<table>\w+)['\"`]|(?P<named>\w+))\s*"
    r"(?:as\s+any\s*)?\)\s*\.(?P<verb>update|delete)\("
)
_ROW = re.compile(
    r"\.eq\(\s*['\"`]\w+['\"`]\s*,\s*(?P<by>(?P<row>[A-Za-z_$][\w$]*)(?:[!?]?\.\w+)?)"
)
_LITERAL = re.compile(r"['\"`](\w+)['\"`]")
_ASKED = re.compile(
    r"\bif\s*\(\s*!\s*\w*(?:staff|employee|member|profile|professional|doctor|teacher|agent|admin"
    r"|permi|allowed|access|owner)\w*|\.rpc\(|\brole\w*\s*(?:===|!==|==|!=)"
    r"|(?:check|verify|assert|require)_?\w*(?:access|owner|permission|member|role)",
    re.IGNORECASE,
)


def staff_rows(case: Case, kept: set[str]) -> Iterator[Finding]:
    apart = case.access is Access.CALLER and case.service and not case.token_in_hand
    code = case.code
    if not apart or WEBHOOK_NAME.search(case.route.label):
        return
    if ROLE_TEST.search(code) or _ASKED.search(code):
        return
    for piece in case.pieces[:1]:
        for change in _CHANGED.finditer(piece.code):
            tables = _tables(piece, change)
            if (
                tables
                and {stem(one) for one in tables} <= kept
                and _of_whom_they_like(case, piece, change)
            ):
                verb = "deletes" if change["verb"] == "delete" else "changes"
                yield finding(
                    "authz.missing-role-check",
                    place(piece.module, piece.start + change.start("verb"), case.route.label),
                    f"{case.route.label} {verb} {' and '.join(sorted(tables))} with the service "
                    f"key for whoever is signed in: the policies leave that to who holds a role",
                    HIGH,
                    [at_route(case), *(at_spot(one.spot) for one in queries(case)), *deeds(case)],
                )
                return


def _tables(piece: Piece, change: "re.Match[str]") -> set[str]:
    """What it changes: a name that holds one of two tables holds both."""
    if change["table"]:
        return {change["table"]}
    made = re.search(rf"\bconst\s+{change['named']}\s*(?::[^=;]+)?=([^;\n]+)", piece.code)
    offered = made[1].rpartition("?")[2] if made else ""
    return set(_LITERAL.findall(offered))


def _of_whom_they_like(case: Case, piece: Piece, change: "re.Match[str]") -> bool:
    """Whether the request chooses the row, by its own id or by what it hangs on."""
    statement = re.split(r";|\n\s*\n", piece.code[change.start() :], maxsplit=1)[0]
    rows = list(_ROW.finditer(statement))
    names = case.flow.of(piece)
    if not with_key(case, piece, change["client"]) or not rows:
        return False
    return all(
        _found_by_it(case, piece, row["row"])
        or (names.has_sent(row["by"]) and not names.has_caller(row["by"]))
        for row in rows
    )


def _found_by_it(case: Case, piece: Piece, name: str) -> bool:
    """`note.id`, where `note` was looked up by what was sent, and not by who calls."""
    names = case.flow.of(piece)
    for binding in piece.module.bindings_in(piece.start, piece.end):
        value = piece.module.slice(binding)
        looked_up = re.search(rf"\b{re.escape(name)}\b", binding.names) and ".eq(" in value
        if looked_up and names.has_sent(value) and not names.has_caller(value):
            return True
    return False
