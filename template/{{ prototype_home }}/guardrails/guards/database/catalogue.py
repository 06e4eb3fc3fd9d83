"""Faults that the catalogue itself shows, whoever asks: keys, indexes, types."""

import re
from collections.abc import Iterator, Mapping

from ...engine.finding import Evidence, Finding, Place, Severity
from .model import ObjectKey, Replay
from .relations import Column, Relations, Table
from .repeats import repeats
from .sensitivity import words

Repeated = Mapping[ObjectKey, tuple[Place, ...]]

MONEY = re.compile(
    r"(^|_)(price|amount|total|subtotal|cost|fee|balance|salary|wage|payment|payout|paid|refund|tax"
    r"|discount_amount|budget|revenue|income|expense|deposit|debt|credit|earnings|commission_amount"
    r"|donation|tip|rent|fare|invoice|preco|valor|saldo|custo|precio|monto|importe|prix|montant|preis|betrag"
    r"|harga|jumlah_bayar|biaya)s?(_|$)"
)
NO_MONEY = re.compile(
    r"(percent|percentage|pct|ratio|rate|count|quantity|qty|score|hours|days|minutes|items|weight"
    r"|credits?_used|distance|time|units?|tokens?|seconds|points|stock|area|_id|_at)(_|$)"
)


def find(replay: Replay, relations: Relations) -> Iterator[Finding]:
    repeated = repeats(replay)
    for table in relations.tables.values():
        if table.partition or (table.schema, table.name) in replay.rebuilt:
            continue
        yield from _keys(replay, table)
        yield from _indexes(replay, table, repeated)
        for column in table.columns:
            yield from _column(replay, table, column)


def _keys(replay: Replay, table: Table) -> Iterator[Finding]:
    if not table.key:
        yield Finding(
            "db.no-primary-key",
            replay.place("table", table.schema, table.name),
            f"`{table.name}` has no primary key.",
            evidence=Evidence.EXECUTED,
        )


def _indexes(replay: Replay, table: Table, repeated: Repeated) -> Iterator[Finding]:
    for reference in table.references:
        if not reference.indexed:
            columns = ", ".join(reference.columns)
            key = ("column", table.schema, f"{table.name}.{reference.columns[0]}")
            yield Finding(
                "db.fk-not-indexed",
                _constraint_place(replay, table, reference.name, reference.columns[0]),
                f"`{table.name}.{columns}` refers to `{reference.target[1]}` and has no index.",
                Severity.LOW if len(table.references) > 8 else None,
                Evidence.EXECUTED,
                also=repeated.get(key, ()),
            )


def _constraint_place(replay: Replay, table: Table, constraint: str, column: str) -> Place:
    for kind, name in (
        ("constraint", f"{table.name}.{constraint}"),
        ("column", f"{table.name}.{column}"),
    ):
        if (kind, table.schema, name) in replay.provenance:
            return replay.place(kind, table.schema, name)
    return replay.place("table", table.schema, table.name)


def _column(replay: Replay, table: Table, column: Column) -> Iterator[Finding]:
    name = words(column.name)
    if column.base in {"float4", "float8"} and MONEY.search(name) and not NO_MONEY.search(name):
        yield Finding(
            "money.float",
            _column_place(replay, table, column),
            f"`{table.name}.{column.name}` keeps money as {column.type}.",
            evidence=Evidence.EXECUTED,
        )
    elif column.base == "timestamp":
        yield Finding(
            "time.naive",
            _column_place(replay, table, column),
            f"`{table.name}.{column.name}` is a timestamp without time zone.",
            Severity.LOW,
            Evidence.EXECUTED,
        )


def _column_place(replay: Replay, table: Table, column: Column) -> Place:
    key = ("column", table.schema, f"{table.name}.{column.name}")
    kind, name = ("column", key[2]) if key in replay.provenance else ("table", table.name)
    return replay.place(kind, table.schema, name)
