"""Complete a schema while it is replayed: what the generated types know, else the bare minimum.

Without it one missing table would hide everything that the later migrations do.
"""

import re
from collections.abc import Callable, Collection, Iterator

from .causes import EXTENSION_OF, Missing
from .lexer import Piece, subject
from .types_ts import Column, TypedTable, Types, sql_type

_NEEDS = {"earthdistance": "cube"}
_DEFAULTS = {
    "uuid": "gen_random_uuid()",
    "timestamptz": "now()",
    "date": "current_date",
    "boolean": "false",
    "numeric": "0",
    "text": "''",
    "jsonb": "'{}'",
}
_TABLE_OF = re.compile(
    r'\b(?:on|into|update|table|from)\s+(?:only\s+)?(?:if\s+exists\s+)?(?:"?public"?\s*\.\s*)?"?([\w$]+)"?',
    re.IGNORECASE,
)
_BEFORE = re.compile(r'"?(\w+)"?\s*\)?\s*$')
_WITH_CALLER = re.compile(
    r'"?(\w+)"?\s*=\s*\(?\s*(?:select\s+)?auth\.uid\(\)'
    r'|\bauth\.uid\(\)(?:\s+as\s+\w+)?\s*\)?\s*=\s*(?:"?\w+"?\.)?"?(\w+)"?(?!\s*\()',
    re.IGNORECASE,
)
_AFTER = re.compile(r'\W+(?:"?\w+"?\.)?"?(\w+)"?(?!\s*\()')


Later = Callable[[str], Collection[str]]


class Mender:
    """`run` executes SQL and says whether it applied; `kinds` are what `of` may be asked for."""

    def __init__(self, types: Types | None, run: Callable[[str], bool]) -> None:
        self.types = types or Types("")
        self._later: Later = lambda _: ()
        self._run = run
        self.rebuilt: set[tuple[str, str]] = set()
        self.stubs: set[str] = set()
        self.extensions: set[str] = set()
        self.enums: set[str] = set()

    def mend(self, lost: Missing, piece: Piece, damaged: set[str], later: Later) -> bool:
        """Make what a statement needs; False where that can't be known. `later` tells which
        columns of a table the chain is yet to add."""
        self._later = later
        if extension := EXTENSION_OF.get(lost.name) or EXTENSION_OF.get(lost.schema):
            return self._extension(extension)
        if lost.schema not in ("", "public") and lost.kind != "column":
            return False
        if lost.kind == "column":
            return self._column(lost, piece, damaged)
        ways = {
            "table": self._table,
            "type": self._enum,
            "function": self._function,
            "schema": self._schema,
            "role": self._role,
        }
        way = ways.get(lost.kind)
        return way(lost.name) if way else False

    def retype(self, text: str, at: int | None, told: str) -> bool:
        """Columns that the types only know as strings, and that are compared with an id."""
        if told not in ("text = uuid", "uuid = text"):
            return False
        if at is None:
            names = {name for found in _WITH_CALLER.findall(text) for name in found if name}
        else:
            found = _BEFORE.search(text[:at]) if told[0] == "t" else _AFTER.match(text[at:])
            names = {found[1]} if found else set()
        tables = {table for table in _TABLE_OF.findall(text) if ("public", table) in self.rebuilt}
        change = "alter table public.{} alter column {} type uuid using null"
        done = [
            self._run(change.format(quote(table), quote(name)))
            for table in sorted(tables)
            for name in sorted(names)
        ]
        return any(done)

    def give_way(self, piece: Piece) -> None:
        """Drop the table that stood in for a view which the chain now makes."""
        about = subject(piece.text) if self.rebuilt else None
        if about is None or about.verb != "create" or not about.kind.endswith("view"):
            return
        if ("public", about.name) in self.rebuilt and about.schema in ("", "public"):
            self.rebuilt.discard(("public", about.name))
            self._run(f"drop table if exists public.{quote(about.name)} cascade")

    def _schema(self, name: str) -> bool:
        return self._run(f"create schema {quote(name)}")

    def _role(self, name: str) -> bool:
        return self._run(f"create role {quote(name)} nologin")

    def _extension(self, name: str) -> bool:
        if name in self.extensions:
            return False
        self.extensions.add(name)
        if needed := _NEEDS.get(name):
            self._run(f"create extension if not exists {needed} with schema extensions")
        return self._run(f'create extension "{name}" with schema extensions')

    def _table(self, name: str) -> bool:
        known = self.types.tables.get(name) or self.types.views.get(name)
        if known:
            return self._typed_table(known)
        if not re.fullmatch(r"[A-Za-z_][\w$]*", name):
            return False
        self.stubs.add(name)
        self.rebuilt.add(("public", name))
        return self._run(
            f"create table public.{quote(name)} (id uuid primary key default gen_random_uuid())"
        )

    def _typed_table(self, table: TypedTable) -> bool:
        for column in table.columns.values():
            if found := re.match(r'public\."([^"]+)"', sql_type(column.name, column.type)):
                self._enum(found[1])
        later = self._later(table.name)
        parts = [
            column_sql(column) for column in table.columns.values() if column.name not in later
        ]
        if "id" in table.columns and "id" not in later:
            parts.append("primary key (id)")
        self.rebuilt.add(("public", table.name))
        if not self._run(f"create table public.{quote(table.name)} ({', '.join(parts)})"):
            return False
        for statement in foreign_keys(table):
            self._run(statement)
        return True

    def _column(self, lost: Missing, piece: Piece, damaged: set[str]) -> bool:
        tables = [lost.table] if lost.table else _TABLE_OF.findall(piece.text)
        for table in tables:
            known = self.types.tables.get(table)
            if known and lost.name in known.columns:
                column = known.columns[lost.name]
                free = Column(column.name, column.type, column.nullable, True)
                if self._add_column(table, column_sql(free)):
                    return True
        for table in tables:
            if table in self.stubs or table in damaged:
                kind = sql_type(lost.name, "string")
                if self._add_column(table, f"{quote(lost.name)} {kind}"):
                    return True
        return False

    def _add_column(self, table: str, definition: str) -> bool:
        if not self._run(f"alter table public.{quote(table)} add column {definition}"):
            return False
        self.rebuilt.add(("public", table))
        return True

    def _enum(self, name: str) -> bool:
        values = self.types.enums.get(name)
        if not values:
            return False
        listed = ", ".join(literal(value) for value in values)
        self.enums.add(name)
        return self._run(f"create type public.{quote(name)} as enum ({listed})")

    def _function(self, name: str) -> bool:
        known = self.types.functions.get(name)
        if known is None:
            return False
        arguments = ", ".join(_arguments(known.arguments))
        returns = sql_type("", known.returns)
        if (returns == "text" and "{" in known.returns) or known.returns.startswith("{"):
            returns = "jsonb"
        if known.returns in ("undefined", "unknown", "void"):
            returns = "text"
        self.rebuilt.add(("public", name))
        return self._run(
            f"create function public.{quote(name)}({arguments}) returns {returns} "
            f"language sql stable as 'select null::{returns}'"
        )


def _arguments(arguments: tuple[tuple[str, str, bool], ...]) -> Iterator[str]:
    """Those with a default come last, as PostgreSQL wants them."""
    for name, kind, optional in sorted(arguments, key=lambda argument: argument[2]):
        tail = " default null" if optional else ""
        yield f"{quote(name)} {sql_type(name, kind)}{tail}"


def column_sql(column: Column) -> str:
    kind = sql_type(column.name, column.type)
    text = f"{quote(column.name)} {kind}"
    if column.nullable:
        return text
    if not column.defaulted:
        return f"{text} not null"
    default = "'{}'" if kind.endswith("[]") else _DEFAULTS.get(kind)
    return f"{text} not null default {default}" if default else text


def foreign_keys(table: TypedTable) -> Iterator[str]:
    for key in table.keys:
        columns = ", ".join(map(quote, key.columns))
        referenced = ", ".join(map(quote, key.referenced))
        yield (
            f"alter table public.{quote(table.name)} add constraint {quote(key.name)} "
            f"foreign key ({columns}) references public.{quote(key.table)} ({referenced})"
        )


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
