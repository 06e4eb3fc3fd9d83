"""How long the functions of a file are."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from ast_grep_py import SgNode, SgRoot

from ..guards.structure.imports import parsed

_UNNAMED = "a function without a name"
_KINDS = (
    "function_declaration",
    "generator_function_declaration",
    "function_expression",
    "arrow_function",
    "method_definition",
)
_LANGUAGES = {".ts": "typescript", ".mts": "typescript", ".cts": "typescript"}


def functions(path: str, text: str, over: int = 0) -> Iterator[tuple[str, int, int]]:
    """Name, first line and number of lines of each that is longer; of what can be parsed."""
    if text.count("\n") < over or path.endswith((".vue", ".svelte")):
        return
    found = _python(text) if path.endswith(".py") else _script(path, text)
    yield from (entry for entry in found if entry[2] > over)


def _python(text: str) -> Iterator[tuple[str, int, int]]:
    module = parsed(text)
    for node in ast.walk(module) if module else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def _script(path: str, text: str) -> Iterator[tuple[str, int, int]]:
    root = SgRoot(text, _LANGUAGES.get(PurePosixPath(path).suffix, "tsx")).root()
    wanted = {"rule": {"any": [{"kind": kind} for kind in _KINDS]}}
    for node in root.find_all(wanted):  # type: ignore[call-overload]
        span = node.range()
        yield _name(node), span.start.line + 1, span.end.line - span.start.line + 1


def _name(node: SgNode) -> str:
    """Its own, or that of what it is given to: `const Page = memo(() => …)`."""
    own = node.field("name")
    at = node.parent()
    while own is None and at is not None and at.kind() in {"arguments", "call_expression"}:
        at = at.parent()
    if own is None and at is not None:
        own = at.field("name") or at.field("key") or at.field("left")
    return own.text() if own is not None else _UNNAMED
