"""Functions that read a number, change it and write it back, with nothing to keep others out."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ...engine.finding import Evidence, Finding, Place, Severity
from .functions import place
from .relations import Function
from .scene import Scene

_READ = re.compile(
    r"\bselect\s+(?:\w+\.)?(\w+)\s+into\s+(?:strict\s+)?(\w+)\s+from\s+([^;]*);",
    re.IGNORECASE,
)
_KEPT_OUT = re.compile(
    r"\bfor\s+(?:no\s+key\s+)?update\b|pg_(?:try_)?advisory|\block\s+table\b", re.IGNORECASE
)
_COUNTED = re.compile(
    r"balance|stock|credit|quantity|wallet|points|inventory|amount|seats|score|capacity|available"
    r"|count|saldo|estoque|pontos|coins|tokens|uses|used",
    re.IGNORECASE,
)


_READ_SEVERAL = re.compile(
    r"\bselect\s+([\w.,\s]+?)\s+into\s+(?:strict\s+)?([\w,\s]+?)\s+from\s+(?:public\.)?(\w+)\b([^;]*);",
    re.IGNORECASE,
)


def claimed(body: str) -> str:
    """The column that is compared with what is left, and counted up in a statement that compares
    nothing; or nothing.
    """
    body = re.sub(r"--[^\n]*|/\*.*?\*/", "", body, flags=re.DOTALL)
    for read in _READ_SEVERAL.finditer(body):
        columns = [one.strip().rpartition(".")[2] for one in read[1].split(",")]
        variables = [one.strip() for one in read[2].split(",")]
        rest = body[read.end() :]
        for column, variable in zip(columns, variables, strict=False):
            if not _COUNTED.search(column) or _KEPT_OUT.search(read[4]):
                continue
            tested = re.search(
                rf"(?i)\bif\b[^;]*?\b{re.escape(variable)}\s*[<>]=?|\bif\b[^;]*?[<>]=?\s*{re.escape(variable)}\b",
                rest,
            )
            update = re.search(
                rf"(?is)\bupdate\s+(?:public\.)?{read[3]}\b[^;]*?\bset\b[^;]*?\b{re.escape(column)}\s*=\s*"
                rf"(?:coalesce\(\s*)?(?:\w+\.)?{re.escape(column)}\b[^;]*?[+-]\s*\w+([^;]*)",
                rest,
            )
            if tested and update and not re.search(rf"(?i)\bwhere\b.*\b{column}\s*[<>]", update[1]):
                return column
    return ""


def find(scene: Scene) -> Iterator[Finding]:
    for function in scene.relations.functions:
        column = written_back(function.body)
        if column:
            yield Finding(
                "data.read-modify-write",
                _where(scene, function, column),
                f"`{function.name}` reads `{column}` and writes back what it made of it: of two "
                "calls at once one is lost.",
                Severity.MEDIUM,
                Evidence.READ,
            )
        elif column := claimed(function.body):
            yield Finding(
                "data.read-modify-write",
                _where(scene, function, column),
                f"`{function.name}` compares `{column}` first and counts it up after: of two calls "
                "at once both pass.",
                Severity.MEDIUM,
                Evidence.READ,
            )


def written_back(body: str) -> str:
    """The column that is read into a variable, counted up or down there, and stored; or nothing."""
    body = re.sub(r"--[^\n]*|/\*.*?\*/", "", body, flags=re.DOTALL)
    for read in _READ.finditer(body):
        column, variable, source = read[1], read[2], read[3]
        if not _COUNTED.search(column) or _KEPT_OUT.search(source):
            continue
        rest = body[read.end() :]
        held = {variable.lower()}
        sums = re.finditer(r"\b(\w+)\s*:=\s*([^;]*);", rest)
        changed = {
            made[1].lower()
            for made in sums
            if _mentions(made[2], held) and re.search(r"[+-]", made[2])
        }
        held |= changed
        stored = re.search(
            rf"\bset\b[^;]*?\b{re.escape(column)}\s*=\s*([^,;]*)", rest, re.IGNORECASE
        )
        if stored and _mentions(stored[1], held) and (changed or re.search(r"[+-]", stored[1])):
            return column
    return ""


def _mentions(expression: str, names: set[str]) -> bool:
    return any(word.lower() in names for word in re.findall(r"\b\w+\b", expression))


def _where(scene: Scene, function: Function, column: str) -> Place:
    """The line of the reading, where the statement that made the function is at hand."""
    made = place(scene, function)
    for statement in scene.replay.statements:
        if (statement.path, statement.line) == (made.path, made.line):
            for read in (*_READ.finditer(statement.sql), *_READ_SEVERAL.finditer(statement.sql)):
                if re.search(rf"(?i)\b{re.escape(column)}\b", read[1]):
                    line = made.line + statement.sql.count("\n", 0, read.start())
                    return replace(made, line=line, end_line=line, snippet=read[0].split("\n")[0])
    return made
