"""What a function of the database is called with: values that lead to the victim's rows."""

import re

from psycopg.sql import SQL, Composed, Identifier, Placeholder

from .relations import Function
from .scene import Scene
from .seeding import VICTIM, text
from .sensitivity import words


def invocation(function: Function) -> Composed:
    """The call, with a placeholder for each argument."""
    last = len(function.arguments) - 1
    given = SQL(", ").join(
        SQL("{}{}::{}").format(
            SQL("variadic " if function.variadic and n == last else ""),
            Placeholder(f"a{n}"),
            SQL(kind.replace("%", "%%")),
        )
        for n, (_, kind) in enumerate(function.arguments)
    )
    return SQL("select to_jsonb(r) from {}({}) r").format(
        Identifier(function.schema, function.name), given
    )


def argument(scene: Scene, name: str, kind: str, function: Function | None = None) -> str | None:
    """A value that leads to the victim's rows."""
    plain = re.sub(r"^(p|in|arg|v|_|target|the|new|input)_+", "", words(name))
    if kind == "uuid" or (kind in {"text", "bigint", "integer"} and plain.endswith("_id")):
        return _id(scene, plain, kind, function, name)
    if kind == "uuid[]":
        return f"{{{_id(scene, plain, 'uuid', function, name)}}}"
    if kind in NUMBERS:
        return "1"
    if kind.startswith(("timestamp", "date")):
        return "2026-01-15"
    if kind.endswith("[]"):
        return "{}"
    if _SEARCHES.search(plain):
        plain = ""
    said = VICTIM.email if "mail" in plain else f"{VICTIM.mark} {plain}".strip()
    return _PLAIN.get(kind) or said


_SEARCHES = re.compile(r"^q$|(^|_)(search|query|term|keyword|pattern)(_|$)")
NUMBERS = {"integer", "bigint", "smallint", "numeric", "real", "double precision"}
_PLAIN = {"boolean": "true", "json": "{}", "jsonb": "{}", "interval": "1 hour"}


def _id(scene: Scene, name: str, kind: str, function: Function | None, given: str) -> str | None:
    """The victim's id in the table that the argument is named for, or, where it is named for none,
    in that of which the function gives rows; else the victim's own."""
    stem = re.sub(r"(^|_)(uu)?ids?$", "", name) or words(function.returns if function else "")
    for relation in scene.relations.tables:
        table = words(relation[1])
        if table in {stem, f"{stem}s", f"{stem}es", re.sub(r"y$", "ies", stem)}:
            row = scene.seeded.row(relation, VICTIM)
            if row is not None and len(row.key) == 1:
                return text(row.values[row.key[0]])
    return _looked_up(scene, given, function) or ("1" if kind in NUMBERS else VICTIM.uid)


_PROVES = re.compile(r"token|secret|code|key|hash|password|otp", re.IGNORECASE)


def _looked_up(scene: Scene, name: str, function: Function | None) -> str | None:
    """What of the victim's row the argument is compared with: `update visits ... where id = p`."""
    compared = re.compile(
        r"\b(?:update|from|join)\s+(?:\"?public\"?\.)?\"?(\w+)\"?"
        r"(?:(?!\b(?:update|from|join)\b)[^;])*?"
        rf"(?<![\w])\"?(\w+)\"?\s*=\s*{re.escape(name)}\b",
        re.IGNORECASE,
    )
    for table, column in compared.findall(function.body if function else ""):
        if _PROVES.search(column):
            continue  # who knows it may
        row = next(
            (
                row
                for (relation, person), row in scene.seeded.rows.items()
                if relation[1] == table.lower() and person is VICTIM
            ),
            None,
        )
        if row is not None and (value := text(row.values.get(column.lower()))):
            return value
    return None
