"""Read the types that Supabase generates from a live database: the witness of what is in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    nullable: bool
    defaulted: bool


@dataclass(frozen=True)
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]


@dataclass(frozen=True)
class TypedTable:
    name: str
    line: int
    columns: Mapping[str, Column]
    keys: tuple[ForeignKey, ...] = ()


@dataclass(frozen=True)
class TypedFunction:
    name: str
    arguments: tuple[tuple[str, str, bool], ...]
    returns: str


@dataclass(frozen=True)
class Types:
    """The schema `public` as its types tell it."""

    path: str
    tables: Mapping[str, TypedTable] = field(default_factory=dict)
    views: Mapping[str, TypedTable] = field(default_factory=dict)
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    functions: Mapping[str, TypedFunction] = field(default_factory=dict)


_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ENTRY = re.compile(r'\s*(?:"([^"]+)"|([A-Za-z_$][\w$]*))\s*(\?)?\s*:\s*')
_LITERAL = re.compile(r'"([^"]*)"')
_OPENS, _CLOSES = "{[(<", "}])>"


def parse(path: str, text: str) -> Types | None:
    """What the file says about `public`; None when it is not of that kind."""
    text = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    start = re.search(r"(?<!_)\bpublic\s*:\s*\{", text)
    if start is None:
        return None
    parts = {name: (body, at) for name, _, body, at in _entries(text, start.end() - 1)}
    empty = ("{}", 0)
    return Types(
        path,
        tables=_tables(text, *parts.get("Tables", empty)),
        views=_tables(text, *parts.get("Views", empty)),
        enums={
            name: tuple(_LITERAL.findall(body))
            for name, _, body, _ in _entries(*_whole(parts.get("Enums", empty)))
        },
        functions=_functions(parts.get("Functions", empty)),
    )


def _whole(part: tuple[str, int]) -> tuple[str, int]:
    return part[0], 0


def _entries(text: str, at: int) -> Iterator[tuple[str, bool, str, int]]:
    """Name, optional, body and offset of each member of the object that opens at `at`."""
    at = text.find("{", at) + 1
    if at == 0:
        return
    while entry := _ENTRY.match(text, at):
        end = _end(text, entry.end())
        yield entry[1] or entry[2], bool(entry[3]), text[entry.end() : end].strip(), entry.end()
        at = end
        while at < len(text) and text[at] in ";, \n\r\t":
            at += 1


def _end(text: str, at: int) -> int:
    """Where the value that begins at `at` ends: at its line's end, outside of any bracket."""
    depth = 0
    for token in re.finditer(r'"[^"\n]*"|=>|[{\[(<}\])>\n;,]', text[at:]):
        mark = token.group()
        if mark in _OPENS:
            depth += 1
        elif mark in _CLOSES:
            if depth == 0:
                return at + token.start()
            depth -= 1
        elif mark in ";\n," and depth == 0:
            rest = text[at + token.end() : at + token.end() + 200].lstrip()
            begun = text[at : at + token.start()].strip()
            if begun and not rest.startswith("|"):
                return at + token.start()
    return len(text)


def _tables(text: str, body: str, at: int) -> dict[str, TypedTable]:
    tables = {}
    for name, _, content, offset in _entries(body, 0):
        parts = {part: inner for part, _, inner, _ in _entries(content, 0)}
        if "Row" not in parts:
            continue
        line = text.count("\n", 0, at + offset) + 1
        insert = {
            column: optional for column, optional, _, _ in _entries(parts.get("Insert", "{}"), 0)
        }
        columns = {}
        for column, _, kind, _ in _entries(parts["Row"], 0):
            nullable = bool(re.search(r"\|\s*null\b", kind))
            plain = re.sub(r"\|\s*null\b", "", kind).strip()
            columns[column] = Column(column, plain, nullable, insert.get(column, True))
        keys = tuple(_keys(parts.get("Relationships", "")))
        tables[name] = TypedTable(name, line, columns, keys)
    return tables


def _keys(text: str) -> Iterator[ForeignKey]:
    for part in re.findall(r"\{[^{}]*\}", text):
        fields = {name: body for name, _, body, _ in _entries(part, 0)}
        table = _LITERAL.search(fields.get("referencedRelation", ""))
        name = _LITERAL.search(fields.get("foreignKeyName", ""))
        if table and name:
            yield ForeignKey(
                name[1],
                tuple(_LITERAL.findall(fields.get("columns", ""))),
                table[1],
                tuple(_LITERAL.findall(fields.get("referencedColumns", ""))),
            )


def _functions(part: tuple[str, int]) -> dict[str, TypedFunction]:
    functions = {}
    for name, _, body, _ in _entries(part[0], 0):
        parts = {key: inner for key, _, inner, _ in _entries(body, 0)}
        if "Returns" not in parts:
            continue
        arguments = tuple(
            (argument, kind, optional)
            for argument, optional, kind, _ in _entries(parts.get("Args", "{}"), 0)
            if parts.get("Args", "").startswith("{")
        )
        functions[name] = TypedFunction(name, arguments, parts["Returns"])
    return functions


_ENUM = re.compile(r'\["Enums"\]\["([^"]+)"\]')
_UUID = re.compile(r"(^|_)u?u?id$|_by$|^uid$")
_TIME = re.compile(r"_at$|_on$|timestamp|^created$|^updated$|_until$|expires")


_PLAIN = {"number": "numeric", "boolean": "boolean"}


def sql_type(column: str, kind: str) -> str:
    """The type that a column most likely has, by its TypeScript type and its name."""
    array = "[]" if kind.endswith("[]") else ""
    kind = kind.removesuffix("[]").strip("() ")
    if enum := _ENUM.search(kind):
        return 'public."' + enum[1].replace('"', '""') + f'"{array}'
    if kind.startswith("Json"):
        return f"jsonb{array}"
    if kind == "string":
        return _text_type(column) + array
    return _PLAIN.get(kind, "text") + array


def _text_type(column: str) -> str:
    if _UUID.search(column):
        return "uuid"
    if _TIME.search(column):
        return "timestamptz"
    return "date" if column.endswith("_date") or column == "date" else "text"
