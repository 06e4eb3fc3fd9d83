"""Judges of money, days, and what is paid for."""

import re

from .case import WRITE, Case, Judge, from_request, last_name, words

_MONEY = re.compile(
    r"\b(price|amount|total|subtotal|cost|balance|fee|salary|wage|revenue|discount|tax|payment"
    r"|budget|"
    r"fare|freight|income|expense|profit|paid|commission|deposit|refund|tip|rent|donation|rate|"
    r"valor|preco|precio|monto|custo|saldo|harga|biaya|cash)s?\b"
)
_NO_MONEY = re.compile(
    r"\b(id|count|pages|page|items|users|time|index|percent|percentage|tax rate|hours|days|at"
    r"|date|limit)\b"
)


def money_name(case: Case) -> Case | None:
    """Its value, or where it goes, is called like money."""
    source, line = case.source, case.match.line
    before = source.line(line)[: case.match.column] if case.match.column else ""
    key = re.search(r"([\w$]+)\s*[:=]\s*[^:=,]*$", before)
    for candidate in (case.name("VALUE"), key[1] if key else ""):
        name = words(last_name(candidate))
        if _MONEY.search(name) and not _NO_MONEY.search(name):
            return case.but(NAME=last_name(candidate))
    return None


def mongoose_money(case: Case) -> Case | None:
    if "mongoose" not in case.source.text:
        return None
    name = words(case.name("KEY"))
    return (
        case.but(NAME=case.name("KEY"))
        if _MONEY.search(name) and not _NO_MONEY.search(name)
        else None
    )


def local_day(case: Case) -> Case | None:
    """A day cut out of UTC, where somebody means their own."""
    line = case.source.line(case.match.line)
    if re.search(r"\.(csv|pdf|xlsx|json|zip|txt|png)\b|download|filename|fileName", line):
        return None
    return None if re.search(r"Date\.UTC|T00:00|utc", line, re.IGNORECASE) else case


_GIVES = re.compile(
    r"\.run\(|\.(update|create|mark|activate|set)\w*\(|await\s+(mark|activate|rent|grant|set)\w*\("
)
_BOUGHT = re.compile(r"metadata|client_reference_id|already|processed|alreadyUsed")

_ADDED = re.compile(
    r"\b\w*(?:credits?|balance|points|coins|tokens)\b[^;\n+]{0,60}(?<!\+)\+\s*[A-Za-z_$][\w$.]*"
    r"|(?:credits?|balance|points|coins|tokens)\s*\+=",
    re.IGNORECASE,
)
"""What one has is counted up: shown again, the session counts again."""
_ONCE = re.compile(
    r"already|processed|existing|duplicate|idempot|23505|upsert|onConflict|ON CONFLICT"
    r"|\b(?!session|intent|payment)\w+\??\.status\s*[!=]==|\.(?:eq|neq|is)\(\s*[\"']\w*status[\"']",
    re.IGNORECASE,
)


def replayed_session(case: Case) -> Case | None:
    """A paid checkout session buys whatever the address says."""
    if not case.source.is_server or not from_request(case, case.name("ID")):
        return None
    below = re.sub(r"[\"'`][^\"'`\n]*[\"'`]", "", case.below)
    checked = re.search(r"payment_status|\.status\b", below)
    if not checked or not (WRITE.search(case.below) or _GIVES.search(below)):
        return None
    if _ADDED.search(below) and not _ONCE.search(case.below):
        return case
    return None if _BOUGHT.search(below) or _looked_up(case) else case


def _looked_up(case: Case) -> bool:
    """The purchase is found by the session itself, so it can be no other's."""
    session = re.escape(case.name("ID").strip())
    kept = r"[\"'`]?\w*(?:session|intent|checkout|payment|stripe)\w*[\"'`]?"
    return bool(
        re.search(
            rf"\.(?:eq|match)\(\s*(?:\{{\s*{kept}\s*:|{kept}\s*,)\s*{session}(?![\w$])"
            rf"|where:\s*\{{\s*{kept}\s*:\s*{session}(?![\w$])",
            case.below,
            re.IGNORECASE,
        )
    )


def card_on_server(case: Case) -> Case | None:
    return case.but(WHAT=last_name(case.name("VALUE"))) if case.source.is_server else None


JUDGES: dict[str, Judge] = {
    "money-name": money_name,
    "mongoose-money": mongoose_money,
    "local-day": local_day,
    "replayed-session": replayed_session,
    "card-on-server": card_on_server,
}
