"""Functions that do no more than count one up: a number of views, of members, of attendees."""

import re

from .relations import Function

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_OTHER_WRITES = re.compile(r"\b(?:insert\s+into|delete\s+from|truncate|execute)\b", re.IGNORECASE)
_UPDATE = re.compile(
    r"\bupdate\s+[\w.\"]+(?:\s+(?:as\s+)?\w+)?\s+set\b(?P<items>[^;]*?)(?=\bwhere\b|\breturning\b|;|\Z)",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"(?P<column>\w+)\s*=\s*(?:greatest\s*\(\s*(?:0\s*,\s*)?)?(?:coalesce\s*\(\s*)?(?:\w+\.)?(?P=column)"
    r"(?:\s*,\s*0\s*\))?\s*[+-]\s*\d+(?:\s*,\s*0)?\s*\)?|\w+_at\s*=\s*(?:now\(\)|current_timestamp)",
    re.IGNORECASE,
)
_WORTH = re.compile(
    r"balance|credit|wallet|point|coin|amount|price|stock|saldo|token|quota|limit", re.IGNORECASE
)


def only_counts(body: str) -> bool:
    """Whether all that is written is a column, by a number that the function itself names."""
    code = _COMMENT.sub("", body)
    updates = [found["items"] for found in _UPDATE.finditer(code)]
    if not updates or _OTHER_WRITES.search(code):
        return False
    return all(_ITEM.sub("", items).strip(" ,\n\t") == "" for items in updates) and not any(
        _WORTH.search(items) for items in updates
    )


_TALLIES = re.compile(r"(?:^|_)(?:rate_?limits?|attempts?|logs?|throttles?)$")


def only_tallies(tables: list[str]) -> bool:
    """Whether all that is written is how often somebody tried: a nuisance, and nobody's data."""
    return all(_TALLIES.search(table) for table in tables)


_LITERAL = re.compile(
    r"=\s*(?:'[^']*'(?:\s*::\s*[\w.]+)?|true|false|null|-?\d[\d.]*)\s*(?:,|$)", re.IGNORECASE
)
_LOOKED_UP = r"\b\w*id\s*=\s*{}\b"


def decides_nothing(function: Function) -> bool:
    """Whether its caller says no more than which row: what is written it counts or works out of
    what is there.
    """
    if only_counts(function.body):
        return True
    code = _COMMENT.sub("", function.body)
    updates = [found["items"].strip() for found in _UPDATE.finditer(code)]
    if not updates or _OTHER_WRITES.search(code) or any(map(_LITERAL.search, updates)):
        return False
    return all(
        len(re.findall(rf"\b{re.escape(name)}\b", code))
        == len(re.findall(_LOOKED_UP.format(re.escape(name)), code))
        for name, _ in function.arguments
        if name
    )
