"""Columns that lose something: money in binary floating point, times without a zone."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.modules import Module, Project
from ..facts.syntax import (
    called,
    calls_in,
    dotted,
    found,
    is_true,
    key_of,
    keyword,
    strings_in,
    target_name,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_MONEY = re.compile(
    r"(^|_)(price|amount|total|subtotal|cost|fee|balance|salary|budget|revenue|payment|deposit|"
    r"wage|tax|discount_amount|grand_total|charge|payout|commission|fare|rate_per_\w+|hourly_rate|"
    r"unit_price|total_spent|spent|paid)(_\w+)?$",
    re.IGNORECASE,
)
_NO_MONEY = re.compile(
    r"count|percent|_pct|_at$|_id$|quantity|qty|tokens?$|status|method|date", re.IGNORECASE
)
_TIMES = re.compile(
    r"^(date|time|start_time|end_time|start_date|end_date|due_date|booking_date|booking_time|"
    r"appointment_date|appointment_time|check_in|check_out|pickup_time|pickup_date|event_date|"
    r"scheduled_at|created_at|updated_at|expires_at|timestamp)$"
)

_KEPT_SORTED = {"index", "primary_key", "unique"}


def look(module: Module, indexed: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """`indexed` are the columns for which some migration makes an index."""
    yield from _columns(module)
    yield from _naive_defaults(module)
    yield from _keys(module, indexed)
    yield from _cut_off(module)
    yield from _floats(module)


def _floats(module: Module) -> Iterator[Finding]:
    """`float(form["price"])`: the amount is rounded before anybody has counted it."""
    for call in module.calls:
        if called(call) != "float" or len(call.args) != 1:
            continue
        name = key_of(call.args[0]) or (dotted(call.args[0]).rpartition(".")[2])
        if _MONEY.search(name) and not _NO_MONEY.search(name):
            yield found(
                "money.float", module, call, f"{name} is money and becomes a binary fraction."
            )


def _cut_off(module: Module) -> Iterator[Finding]:
    """`int(total * 100)`: 19.99 becomes 1998 cents."""
    for call in module.calls:
        inner = call.args[0] if called(call) == "int" and len(call.args) == 1 else None
        if not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Mult):
            continue
        sides = [inner.left, inner.right]
        cents = any(isinstance(side, ast.Constant) and side.value == 100 for side in sides)
        if cents and any(
            _MONEY.search(name) and not _NO_MONEY.search(name)
            for side in sides
            for name in words_in(side)
        ):
            yield found(
                "money.float", module, call, "The fraction of a cent is cut off, not rounded."
            )


def indexed_columns(project: Project) -> frozenset[str]:
    """The columns named where an index is made: `Index("ix", "a")`, `op.create_index(…, ["a"])`."""
    return frozenset(
        text
        for module in project.modules
        for call in module.calls
        if called(call) in {"Index", "create_index", "UniqueConstraint", "PrimaryKeyConstraint"}
        for text in strings_in(call) | words_in(call)
    )


def _keys(module: Module, indexed: frozenset[str]) -> Iterator[Finding]:
    """Foreign keys of SQLAlchemy's and SQLModel's, which get no index by themselves."""
    for model in module.classes:
        for item in model.body:
            value = getattr(item, "value", None)
            name = target_name(item.targets[0]) if isinstance(item, ast.Assign) else ""
            name = target_name(item.target) if isinstance(item, ast.AnnAssign) else name
            if not name or name in indexed or not isinstance(value, ast.Call):
                continue
            refers = any(called(call) == "ForeignKey" for call in calls_in(value))
            if not refers and text_of(keyword(value, "foreign_key")) is None:
                continue
            if called(value) == "ForeignKey" or any(
                is_true(word.value) for word in value.keywords if word.arg in _KEPT_SORTED
            ):
                continue
            yield found(
                "db.fk-not-indexed", module, item,
                f"{model.name}.{name} refers to another table and has no index.",
                symbol=model.name,
            )  # fmt: skip


def _columns(module: Module) -> Iterator[Finding]:
    for model in module.classes:
        if not model.bases:
            continue
        for item in model.body:
            name, value, kind = _field(item)
            if not name:
                continue
            if (
                (
                    "Float" in kind
                    or "FloatField" in kind
                    or ("float" in kind and not isinstance(value, ast.Lambda))
                )
                and _MONEY.search(name)
                and not _NO_MONEY.search(name)
            ):
                yield found(
                    "money.float", module, item,
                    f"{model.name}.{name} is money in binary floating point.", symbol=model.name,
                )  # fmt: skip
            yield from _time_column(module, model, item, name, value, kind)


def _field(item: ast.stmt) -> tuple[str, ast.expr | None, set[str]]:
    if isinstance(item, ast.AnnAssign):
        kind = words_in(item.annotation) | (_types_in(item.value) if item.value else set())
        return target_name(item.target), item.value, kind
    if isinstance(item, ast.Assign) and isinstance(item.value, ast.Call):
        return (
            target_name(item.targets[0]),
            item.value,
            _types_in(item.value) | {called(item.value)},
        )
    return "", None, set()


def _types_in(value: ast.expr) -> set[str]:
    """The column types named in `Column(Float, …)`."""
    return {
        dotted(node).rpartition(".")[2]
        for node in nodes_in(value)
        if isinstance(node, ast.Attribute | ast.Name)
    }


def _time_column(
    module: Module, model: ast.ClassDef, item: ast.stmt, name: str, value: ast.expr | None,
    kind: set[str],
) -> Iterator[Finding]:  # fmt: skip
    if "DateTime" in kind and value is not None and called(value) in {"Column", "mapped_column"}:
        if not any(is_true(keyword(call, "timezone")) for call in calls_in(value)):
            yield found(
                "time.naive", module, item, f"{model.name}.{name} keeps a time without its zone.",
                symbol=model.name,
            )  # fmt: skip
    elif (
        _TIMES.match(name)
        and isinstance(item, ast.AnnAssign)
        and "str" in kind
        and not ({"Literal", "date", "datetime"} & kind)
        and kind
        <= {"str", "Optional", "Field", "None", "default_factory", "utcnow", "now", "isoformat"}
    ):
        yield found(
            "time.naive", module, item, f"{model.name}.{name} is a time kept as free text.",
            symbol=model.name,
        )  # fmt: skip


def _naive_defaults(module: Module) -> Iterator[Finding]:
    """`default=datetime.utcnow`: handed on, not called."""
    funcs = {call.func for call in module.calls}
    for node in module.nodes:
        if (
            isinstance(node, ast.Attribute)
            and node not in funcs
            and (
                node.attr == "utcnow"
                or (
                    node.attr == "now" and dotted(node) in {"datetime.now", "datetime.datetime.now"}
                )
            )
        ):
            yield found("time.naive", module, node, f"{dotted(node)} makes times without a zone.")
