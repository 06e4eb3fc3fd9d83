"""Statements that failed only because an earlier file said the same: further places of a fault."""

import re
from collections.abc import Mapping

from ...engine.finding import Place
from .model import ObjectKey, Outcome, Replay

_NAME = r'(?:"([^"]+)"|(\w+))'
_ON = rf"(?:{_NAME}\s*\.\s*)?{_NAME}"
_POLICY = re.compile(rf"create\s+policy\s+{_NAME}\s+on\s+{_ON}", re.IGNORECASE)
_TABLE = re.compile(rf"create\s+table\s+(?:if\s+not\s+exists\s+)?{_ON}", re.IGNORECASE)
_FAILED = {Outcome.FAILED, Outcome.CASCADE}


def repeats(replay: Replay) -> Mapping[ObjectKey, tuple[Place, ...]]:
    """Where policies, tables and their columns are said once more, by their key."""
    found: dict[ObjectKey, list[Place]] = {}
    for statement in replay.statements:
        if statement.outcome not in _FAILED:
            continue
        if policy := _POLICY.search(statement.sql):
            name, schema, table = _names(policy)
            found.setdefault(("policy", schema or "public", f"{table}.{name}"), []).append(
                statement.place
            )
        elif made := _TABLE.search(statement.sql):
            schema, table = _names(made)
            for offset, line in enumerate(statement.sql.splitlines()):
                if column := re.match(r'\s*"?(\w+)"?\s+\w', line):
                    key = ("column", schema or "public", f"{table}.{column[1]}")
                    place = Place(statement.path, statement.line + offset, snippet=line.strip())
                    found.setdefault(key, []).append(place)
    return {key: tuple(places) for key, places in found.items() if _known(replay, key)}


def _names(found: re.Match[str]) -> list[str]:
    pairs = found.groups()
    return [
        quoted or (plain or "").lower()
        for quoted, plain in zip(pairs[::2], pairs[1::2], strict=True)
    ]


def _known(replay: Replay, key: ObjectKey) -> bool:
    return key in replay.provenance
