"""Rows that a function changes by their id alone, past row-level security, for any who logged in.

It found out who calls, and acts with the service key: whose the row is nobody asks any more.
"""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.queries import stem
from ..facts.signs import SERVICE, WEBHOOK_NAME
from .say import HIGH, at_route, finding, place

_CHANGED = re.compile(
    r"(?P<client>[A-Za-z_$][\w$]*)\s*\.from\(\s*['\"`](?P<table>\w+)['\"`]\s*\)\s*"
    r"\.(?P<verb>update|delete)\("
)
_FILTER = re.compile(r"\s*\.(\w+)\(((?:[^()]|\([^()]*\))*)\)")
_BY_ID = re.compile(r"\s*['\"`]id['\"`]\s*,\s*([\w$.?!]+)\s*,?\s*")
ASKED = re.compile(
    r"\.(?:user|owner|author|creator|profile|host|seller|created)_?(?:id|by)\b\s*[!=]==?"
    r"|[!=]==?\s*(?:user|userId|user\.id|userData\.user\.id)\b|is_?owner|can_?(?:edit|access|manage)"
    r"|(?:check|verify|assert|require|has)_?\w*(?:access|owner|permission|member)",
    re.IGNORECASE,
)
_CALLS = re.compile(r"\.rpc\(")


_PERSONS = {"profil", "user", "account", "member"}
_OF_A_PERSON = re.compile(
    r"\.eq\(\s*['\"`]\w*(?:user|owner|member|author|participant|creator)\w*['\"`]"
)
"""Who takes part in what the request names: somebody looked."""


def past_the_rows(case: Case, owned: set[str]) -> Iterator[Finding]:
    apart = case.route.kind == "edge" and case.access is Access.CALLER and case.service
    if (
        not apart
        or case.token_in_hand
        or WEBHOOK_NAME.search(case.route.name)
        or ASKED.search(case.code)
        or _CALLS.search(case.code)
    ):
        return
    for piece in case.pieces[:1]:
        for change in _CHANGED.finditer(piece.code):
            table = change["table"]
            if stem(table) not in owned - _PERSONS or _looked_up(case, piece, table):
                continue
            if _by_sent_id(case, piece, change.end()) and with_key(case, piece, change["client"]):
                verb = "deletes" if change["verb"] == "delete" else "changes"
                yield finding(
                    "authz.idor",
                    place(piece.module, piece.start + change.start("verb"), case.route.label),
                    f"{case.route.label} {verb} {table} by their id alone, with the service key: "
                    f"whose they are is never compared with the caller",
                    HIGH,
                    [at_route(case)],
                )
                return


def _looked_up(case: Case, piece: Piece, table: str) -> bool:
    """Whether rows of it are asked for by whose they are, or with the caller's own client."""
    asked = re.compile(
        rf"([A-Za-z_$][\w$]*)\s*\.from\(\s*['\"`]{table}['\"`]\s*\)"
        r"([^;]*?)(?=;|\bconst\b|\breturn\b|\bif\b)"
    )
    return any(
        re.search(r"\.eq\(\s*['\"`](?!id['\"`])\w+", one[2]) or not with_key(case, piece, one[1])
        for one in asked.finditer(piece.code)
    )


def _by_sent_id(case: Case, piece: Piece, at: int) -> bool:
    """Whether all that chooses the row is an id of the request."""
    depth, end = 1, at
    while depth and end < len(piece.code):
        depth += {"(": 1, ")": -1}.get(piece.code[end], 0)
        end += 1
    chosen = []
    while filtered := _FILTER.match(piece.code, end):
        end = filtered.end()
        if filtered[1] not in {"select", "single", "maybeSingle"}:
            chosen.append(filtered)
    if len(chosen) != 1 or chosen[0][1] != "eq":
        return False
    by = _BY_ID.fullmatch(chosen[0][2])
    names = case.flow.of(piece)
    if by is None or not names.has_sent(by[1]) or names.has_caller(by[1]):
        return False
    named = re.compile(rf"(?<![\w$.]){re.escape(by[1])}(?![\w$])")
    return not any(
        named.search(one) and _OF_A_PERSON.search(one)
        for one in re.split(r";|\bawait\b", piece.code)
    )


def with_key(case: Case, piece: Piece, name: str) -> bool:
    """Whether a client was made with the service key, or with a name that holds it; here, or in
    the file that it comes from."""
    there = case.program.find(piece.module, name) if name in piece.module.imports else None
    if there and (client := there[0].outer_values.get(there[1])):
        return SERVICE.search(there[0].slice(client)) is not None
    bindings = piece.module.bindings_in(piece.start, piece.end)
    held = {one.names.strip(): piece.module.slice(one) for one in bindings}
    held |= {
        key: piece.module.slice(one)
        for key, one in piece.module.outer_values.items()
        if key not in held
    }
    made = held.get(name, "")
    keys = {
        key for key, text in held.items() if SERVICE.search(text) and "createClient" not in text
    }
    return SERVICE.search(made) is not None or any(
        re.search(rf"\b{re.escape(key)}\b", made) for key in keys
    )
