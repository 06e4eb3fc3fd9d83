"""How long the functions of a file are."""

import ast
from collections.abc import Iterator

from ..guards.routes.source import parse

_UNNAMED = "a function without a name"


def functions(path: str, text: str) -> Iterator[tuple[str, int, int]]:
    """Name, first line and number of lines of each; nothing for what can't be parsed."""
    yield from _python(text) if path.endswith(".py") else _script(path, text)


def _python(text: str) -> Iterator[tuple[str, int, int]]:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def _script(path: str, text: str) -> Iterator[tuple[str, int, int]]:
    if path.endswith((".vue", ".svelte")):
        return
    for function in parse(path, text).functions:
        first = text.count("\n", 0, function.start) + 1
        length = text.count("\n", function.start, function.end) + 1
        yield function.name or _UNNAMED, first, length
