"""States in which a row lies open to whoever asks, though nobody said that it may be shown.

`using (kind in ('seller', 'agent'))` asks nothing about who reads: a row of the default kind stays
hidden, and those that count do not. What somebody has published, or shared, is meant to be seen.
"""

import re
from collections.abc import Iterable, Iterator

from .contents import held, purpose_of
from .relations import Column, Table
from .sensitivity import STRONG, Holds, Purpose
from .values import mentions

_ASKS = re.compile(
    r"\bselect\b|\bcurrent_(?:user|role)\b|\b(?!(?:now|lower|upper|coalesce)\()\w+\(",
    re.IGNORECASE,
)
"""The caller, other rows, or a function of which nobody knows what it asks."""
_MEANT = re.compile(
    r"publi[csk]|publish|visib|listed|shared?|discover|searchable|show(?:n|_|case)|display"
    r"|featured|\bopen\b|consent|opt_?in|profile_view",
    re.IGNORECASE,
)
_GRAVE = {Holds.SECRET, Holds.IDENTITY, Holds.HEALTH}
_LITERAL = r"'((?:[^']|'')*)'"


def states(table: Table, role: str, columns: Iterable[str]) -> Iterator[dict[str, str]]:
    """What a row would have to hold for each policy that looks at nothing but the row."""
    if not _minded(table, columns):
        return
    for policy in table.policies:
        plain = policy.permissive and policy.applies("SELECT", role)
        if plain and not _ASKS.search(policy.using) and not _MEANT.search(policy.using):
            state = dict(_state(table, policy.using))
            if state:
                yield state


def _minded(table: Table, columns: Iterable[str]) -> bool:
    """Whether somebody would mind: a shop shows its telephone, and what is let its address."""
    kept = set(held(table, columns).values())
    kind = purpose_of(table)
    if kind in {Purpose.BUSINESS, Purpose.CATALOGUE}:
        return Holds.SECRET in kept
    somebodys = kind in {Purpose.PERSONAL, Purpose.PRIVILEGE} or Holds.NAME in kept
    return bool(kept & _GRAVE) or (somebodys and bool(kept & STRONG))


def _state(table: Table, using: str) -> Iterator[tuple[str, str]]:
    for column in table.columns:
        if not column.generated and mentions(using, column.name):
            value = _wanted(column, using)
            if value is not None:
                yield column.name, value


def _wanted(column: Column, using: str) -> str | None:
    at = rf"(?<![\w'])\(*\"?{re.escape(column.name)}\"?\)*(?:::[\w ]+(?:\(\d+\))?)?\)*"
    if column.category == "B":
        refused = rf"\bNOT\s+{at}|{at}\s*(?:=\s*false|IS\s+(?:NOT\s+TRUE|FALSE))"
        return "false" if re.search(refused, using, re.IGNORECASE) else "true"
    if column.category == "D":
        later = re.search(rf"{at}\s*(>=?|<=?)\s*now\(\)", using, re.IGNORECASE)
        return {">": "2099-01-01", "<": "2000-01-01"}[later[1][0]] if later else None
    listed = re.search(rf"{at}\s*=\s*(?:ANY\s*\(+(?:ARRAY\[)?\(*)?{_LITERAL}", using)
    return listed[1].replace("''", "'") if listed else None
