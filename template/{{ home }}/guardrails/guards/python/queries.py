"""What a query is made of, and how much of it goes out: patterns, limits, hashes."""

import ast
import re
from collections.abc import Iterator

from ...engine.finding import Finding, Severity
from .handlers import Handler, comes_from
from .syntax import (
    called,
    calls_in,
    dotted,
    found,
    keyword,
    names_in,
    parameters,
    strings_in,
    words_in,
)


def look(handler: Handler) -> Iterator[Finding]:
    yield from _patterns(handler)
    yield from _no_cap(handler)
    yield from _hashes(handler)


def _patterns(handler: Handler) -> Iterator[Finding]:
    """`{"$regex": words}`: what somebody searches for is run as a regular expression."""
    for node in handler.body:
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or key.value != "$regex":
                continue
            if comes_from(value, handler.inputs) and not _escaped(handler, value):
                yield found(
                    "injection.nosql", handler.module, value,
                    f"{handler.route.label} takes {ast.unparse(value)[:40]} of the request as a "
                    "pattern without escaping it.",
                    symbol=handler.function.name,
                )  # fmt: skip
                return


def _escaped(handler: Handler, value: ast.expr) -> bool:
    if any(called(call) == "escape" for call in calls_in(value)):
        return True
    names = names_in(value)
    return any(
        isinstance(node, ast.Assign)
        and names_in(node.targets[0]) & names
        and any(called(call) == "escape" for call in calls_in(node.value))
        for node in handler.body
    )


_CAPS = {"le", "lt"}


def _no_cap(handler: Handler) -> Iterator[Finding]:
    """`limit: int = 50`: the caller may as well ask for a million."""
    if handler.route.kind != "fastapi" or handler.route.method != "GET":
        return
    for parameter, default in parameters(handler.function):
        if parameter.arg not in {"limit", "page_size", "per_page", "size"} or default is None:
            continue
        named = [
            *calls_in(default),
            *(calls_in(parameter.annotation) if parameter.annotation else ()),
        ]
        if any(keyword(call, *_CAPS) for call in named) or _kept_small(handler, parameter.arg):
            continue
        if any(
            called(call) in {"limit", "to_list"} and parameter.arg in names_in(call)
            for call in handler.calls
        ):
            yield found(
                "data.unbounded-query", handler.module, parameter,
                f"{handler.route.label} reads as many rows as {parameter.arg} asks for.",
                symbol=handler.function.name,
            )  # fmt: skip
            return


def _kept_small(handler: Handler, name: str) -> bool:
    return any(
        (isinstance(node, ast.Call) and called(node) == "min" and name in names_in(node))
        or (isinstance(node, ast.Compare) and name in names_in(node))
        for node in handler.body
    )


_ACCOUNTS = re.compile(
    r"^(users?|accounts?|admins?|customers?|employees?|members?|staff)$", re.IGNORECASE
)
_HASH = re.compile(r"^(password|password_hash|hashed_password|passwd)$")


def _hashes(handler: Handler) -> Iterator[Finding]:
    """Documents of users as they are stored, in the answer."""
    if handler.route.method != "GET" or _shaped(handler):
        return
    if any(_HASH.match(text) for text in strings_in(handler.function)):
        return  # left out, or looked at
    for node in handler.body:
        if not isinstance(node, ast.Assign) or not _whole_users(handler, node.value):
            continue
        names = names_in(node.targets[0])
        answers = [it.value for it in handler.body if isinstance(it, ast.Return) and it.value]
        if any(_as_it_is(answer, names) for answer in answers):
            yield found(
                "authz.pii-exposed", handler.module, node,
                f"{handler.route.label} answers with whole accounts, the hash of each password "
                "included.",
                severity=Severity.MEDIUM if handler.route.access == "role" else Severity.HIGH,
                symbol=handler.function.name,
            )  # fmt: skip
            return


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


def _whole_users(handler: Handler, value: ast.expr) -> bool:
    for call in calls_in(value):
        if called(call) == "find" and len(call.args) < 2 and not call.keywords:
            last = dotted(call.func).split(".")[-2:-1]
            return bool(last and _ACCOUNTS.match(last[0])) and _stored(handler)
        if called(call) == "query" and call.args and isinstance(call.args[0], ast.Name):
            meant = handler.project.resolve(handler.module, call.args[0].id)
            return (
                isinstance(meant.node, ast.ClassDef)
                and any(_HASH.match(word) for word in words_in(meant.node))
                and handler.route.kind == "fastapi"
            )
    return False


def _stored(handler: Handler) -> bool:
    """Whether accounts of this program have a password at all."""
    return any(
        _HASH.match(text)
        for module in handler.project.service
        for function in module.functions
        for text in strings_in(function)
    )


def _as_it_is(answer: ast.expr, names: set[str]) -> bool:
    if isinstance(answer, ast.Name):
        return answer.id in names
    if isinstance(answer, ast.Call) and called(answer) in {
        "jsonify",
        "JSONResponse",
        "dumps",
        "parse_json",
    }:
        return any(_as_it_is(one, names) for one in answer.args)
    if isinstance(answer, ast.Dict):
        return any(_as_it_is(one, names) for one in answer.values)
    return False
