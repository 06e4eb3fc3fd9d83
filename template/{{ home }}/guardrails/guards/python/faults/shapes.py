"""Bodies that nothing describes, and states that are any text."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.handlers import Handler, fields_of
from ..facts.modules import Module
from ..facts.routes import RouteTable
from ..facts.storing import is_write
from ..facts.syntax import (
    called,
    dotted,
    found,
    keyword,
    parameters,
    strings_in,
    words_in,
)

_STATES = re.compile(r"^(status|state|role|type|priority|payment_status|order_status|stage)$")
_SCHEMAS = (
    "marshmallow",
    "pydantic",
    "wtforms",
    "flask_wtf",
    "webargs",
    "cerberus",
    "voluptuous",
    "flask_restx",
    "flask_smorest",
    "apiflask",
    "jsonschema",
    "rest_framework",
    "django",
)


def look(table: RouteTable, handlers: list[Handler]) -> Iterator[Finding]:
    for handler in handlers:
        yield from _loose(handler)
    yield from _untyped(table, handlers)


def _loose(handler: Handler) -> Iterator[Finding]:
    """A status that is any text: a parameter of the handler, or a field of its body."""
    if handler.route.kind != "fastapi" or not handler.writes or not handler.route.writes:
        return
    if any(isinstance(node, ast.Compare) and _STATES.match(_left(node)) for node in handler.body):
        return
    for parameter, default in parameters(handler.function):
        if (
            _STATES.match(parameter.arg)
            and dotted(parameter.annotation) == "str"
            and (default is None or isinstance(default, ast.Constant))
        ):
            yield _any_text(handler, handler.module, parameter, parameter.arg)
            return
    for _, module, model in handler.models:
        for name, item in fields_of(handler.project, module, model).items():
            if (
                _STATES.match(name)
                and words_in(item.annotation) <= {"str", "Optional"}
                and not (
                    isinstance(item.value, ast.Call) and keyword(item.value, "pattern", "regex")
                )
                and not any(
                    called(mark) in {"field_validator", "validator"} and name in strings_in(mark)
                    for method in model.body
                    if isinstance(method, ast.FunctionDef)
                    for mark in method.decorator_list
                )
            ):
                yield _any_text(handler, module, item, name)
                return


def _left(node: ast.Compare) -> str:
    return (
        dotted(node.left).rpartition(".")[2] if isinstance(node.ops[0], ast.In | ast.NotIn) else ""
    )


def _any_text(handler: Handler, module: Module, node: ast.AST, name: str) -> Finding:
    return found(
        "validation.loose", module, node, f"{handler.route.label} takes any text as {name}.",
        symbol=handler.function.name,
    )  # fmt: skip


def _untyped(table: RouteTable, handlers: list[Handler]) -> Iterator[Finding]:
    """Bodies that nothing describes."""
    has_schemas = table.project.imports_any(*_SCHEMAS)
    for handler in handlers:
        if not handler.route.writes or not handler.writes:
            continue
        if handler.route.kind == "fastapi":
            for parameter, default in parameters(handler.function):
                if (
                    dotted(parameter.annotation) in {"dict", "Dict"}
                    and (default is None or called(default) in {"Body", ""})
                    and parameter.arg not in handler.users
                ):
                    yield _no_shape(handler, parameter)
        elif not has_schemas:
            node = next((call for call in handler.calls if called(call) == "get_json"), None)
            if node is not None and any(is_write(call) for call in handler.calls):
                yield _no_shape(handler, node)


def _no_shape(handler: Handler, node: ast.AST) -> Finding:
    return found(
        "validation.none", handler.module, node,
        f"{handler.route.label} takes a body of any shape.", symbol=handler.function.name,
    )  # fmt: skip
