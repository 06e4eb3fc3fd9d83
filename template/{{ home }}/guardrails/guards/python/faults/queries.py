"""What a query is made of, and how much of it goes out: patterns, limits."""

import ast
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.handlers import Handler, comes_from
from ..facts.syntax import (
    called,
    calls_in,
    found,
    keyword,
    names_in,
    parameters,
)
from . import whole_accounts


def look(handler: Handler) -> Iterator[Finding]:
    yield from _patterns(handler)
    yield from _no_cap(handler)
    yield from whole_accounts.look(handler)


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
