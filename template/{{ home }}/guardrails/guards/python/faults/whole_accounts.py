"""Accounts that go out as they are stored, the hash of each password included."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler
from ..facts.modules import Module
from ..facts.syntax import (
    assigns_in,
    called,
    calls_in,
    dotted,
    found,
    keyword,
    place,
    strings_in,
    words_in,
)

_ACCOUNTS = re.compile(
    r"^(users?|accounts?|admins?|customers?|employees?|members?|staff)$", re.IGNORECASE
)
_HASH = re.compile(r"^(password|password_hash|hashed_password|passwd)$")


_ROWS = {
    "all", "first", "one", "one_or_none", "scalars", "scalar_one_or_none", "scalar_one", "get",
    "to_list", "limit",
}  # fmt: skip
_WRAPS = {"jsonify", "JSONResponse", "dumps", "parse_json", "list"}
_LOADS = {"joinedload", "selectinload", "subqueryload"}
_LONGEST_WAY = 3


def look(handler: Handler) -> Iterator[Finding]:
    if handler.route.method != "GET" or _shaped(handler):
        return
    yield from _serialized(handler)
    if any(_HASH.match(text) for text in strings_in(handler.function)):
        return  # left out, or looked at
    for node in handler.body:
        asked = node.value if isinstance(node, ast.Return) else None
        rows = list(_asked_for(handler, asked)) if asked is not None else []
        whole = next((one for one in rows if _whole_users(handler, one)), None)
        if whole is not None:
            yield found(
                "authz.pii-exposed", handler.module, whole,
                f"{handler.route.label} answers with whole accounts, the hash of each password "
                "included.",
                severity=Severity.MEDIUM if handler.route.access == "role" else Severity.HIGH,
                symbol=handler.function.name, also=[place(handler.module, node)],
            )  # fmt: skip
            return


def _serialized(handler: Handler) -> Iterator[Finding]:
    """`jsonify([one.to_dict() for one in User.query.all()])`, where what makes the dict of a row
    takes every column of it (SQLAlchemy-serializer), and none is left out.
    """
    held = {
        target.id: dotted(value).partition(".")[0]
        for target, value in assigns_in(handler.function)
        if isinstance(target, ast.Name)
    }
    held |= {
        it.target.id: dotted(it.iter).partition(".")[0]
        for it in handler.body
        if isinstance(it, ast.comprehension) and isinstance(it.target, ast.Name)
    }
    for call in handler.calls:
        if called(call) != "to_dict" or any(_HASH.search(text) for text in _left_out(call)):
            continue
        name = dotted(call.func).partition(".")[0]
        model = held.get(name, name)
        if _every_column(handler, held.get(model, model)):
            yield found(
                "authz.pii-exposed", handler.module, call,
                f"{handler.route.label} answers with whole accounts, the hash of each password "
                "included.",
                severity=Severity.HIGH, symbol=handler.function.name,
            )  # fmt: skip
            return


def _left_out(call: ast.Call) -> set[str]:
    return {text.lstrip("-") for text in strings_in(call)}


def _every_column(handler: Handler, name: str) -> bool:
    meant = handler.project.resolve(handler.module, name)
    if not isinstance(meant.node, ast.ClassDef):
        return False
    bases = {dotted(base).rpartition(".")[2] for base in meant.node.bases}
    said = {word for item in meant.node.body for word in words_in(item)}
    own = any(isinstance(it, ast.FunctionDef) and it.name == "to_dict" for it in meant.node.body)
    narrowed = own or {"serialize_rules", "serialize_only"} & said
    return "SerializerMixin" in bases and not narrowed and any(map(_HASH.match, said))


def _asked_for(handler: Handler, answer: ast.expr, left: int = _LONGEST_WAY) -> Iterator[ast.expr]:
    """Where the rows come from that an answer consists of: `query.all()`, and `query` above."""
    value = answer.value if isinstance(answer, ast.Await) else answer
    if isinstance(value, ast.Call) and called(value) in _WRAPS:
        parts = value.args
    elif isinstance(value, ast.Dict):
        parts = value.values
    else:
        parts = []
    for part in parts:
        yield from _asked_for(handler, part, left)
    rows = isinstance(value, ast.Call) and called(value) in _ROWS
    if rows:
        yield value
    if left and (rows or isinstance(value, ast.Name)):
        started = dotted(value).partition(".")[0]
        for target, made in assigns_in(handler.function):
            if isinstance(target, ast.Name) and target.id == started:
                yield made
                yield from _asked_for(handler, made, left - 1)


def _shaped(handler: Handler) -> bool:
    """Whether a model says which fields go out."""
    if handler.function.returns is not None and not words_in(handler.function.returns) <= {
        "dict",
        "list",
        "List",
        "Dict",
        "Any",
    }:
        return True
    return any(
        isinstance(mark, ast.Call) and keyword(mark, "response_model") is not None
        for mark in handler.function.decorator_list
    )


_TALLIES = {"count", "scalar", "exists", "len", "sum", "count_documents"}


def _whole_users(handler: Handler, value: ast.expr) -> bool:
    if called(value) in _TALLIES:
        return False
    for call in calls_in(value):
        if called(call) == "find" and len(call.args) < 2 and not call.keywords:
            last = dotted(call.func).split(".")[-2:-1]
            return bool(last and _ACCOUNTS.match(last[0])) and _stored(handler)
        if handler.route.kind != "fastapi" or not call.args:
            continue
        first = call.args[0]
        if called(call) in {"query", "select"} and isinstance(first, ast.Name):
            held = _has_hash(handler, handler.module, first.id)
        elif called(call) in _LOADS and isinstance(first, ast.Attribute):
            held = _hangs_on_account(handler, first)
        else:
            held = False
        if held:
            return True
    return False


def _has_hash(handler: Handler, module: Module, name: str) -> bool:
    meant = handler.project.resolve(module, name)
    return isinstance(meant.node, ast.ClassDef) and any(
        _HASH.match(word) for word in words_in(meant.node)
    )


def _hangs_on_account(handler: Handler, loaded: ast.Attribute) -> bool:
    """`joinedload(Booking.customer)`, where the customer is an account."""
    meant = handler.project.resolve(handler.module, dotted(loaded.value))
    if not isinstance(meant.node, ast.ClassDef) or meant.module is None:
        return False
    for item in meant.node.body:
        if not isinstance(item, ast.Assign | ast.AnnAssign):
            continue
        targets = item.targets if isinstance(item, ast.Assign) else [item.target]
        if dotted(targets[0]) == loaded.attr:
            about = {one for one in strings_in(item) | words_in(item) if one.isidentifier()}
            return any(_has_hash(handler, meant.module, name) for name in about)
    return False


def _stored(handler: Handler) -> bool:
    """Whether accounts of this program have a password at all."""
    return any(
        _HASH.match(text)
        for module in handler.project.service
        for function in module.functions
        for text in strings_in(function)
    )
