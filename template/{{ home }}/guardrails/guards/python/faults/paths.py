"""Whose name a file gets: paths that the caller leads out of their folder."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.handlers import Handler, comes_from, spread
from ..facts.syntax import (
    argument,
    assigns_in,
    called,
    calls_in,
    dotted,
    found,
    key_of,
    names_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_OPENERS = {"open", "send_file", "FileResponse", "read_text", "read_bytes", "remove", "unlink"}
_KEPT_INSIDE = {
    "basename", "resolve", "is_relative_to", "commonpath", "realpath", "abspath", "uuid4",
}  # fmt: skip
_LONGEST_WAY = 4
_SLASHED = re.compile(r"\{(\w+):path\}|<path:(\w+)>")
_OF_A_FILE = re.compile(r"file|image|path|url|name|photo|document", re.IGNORECASE)


def _among_known(node: ast.AST) -> bool:
    """`if image_url in car.images`: only what the row has a name of."""
    return (
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.In | ast.NotIn)
        and isinstance(node.left, ast.Name)
        and bool(_OF_A_FILE.search(node.left.id))
        and isinstance(node.comparators[0], ast.Attribute)
    )


def look(handler: Handler, *, cleaned: bool) -> Iterator[Finding]:
    if any(map(_among_known, handler.body)):
        return
    kept = (call for call in handler.calls if called(call) in _KEPT_INSIDE)
    if cleaned or any("__file__" not in names_in(call) for call in kept):
        return  # where the program itself lies says nothing of what is asked for
    for call in handler.calls:
        first = argument(call, 0, "path", "file")
        if called(call) in _OPENERS and first is not None and _names_a_file(handler, first):
            yield found(
                "web.path-traversal", handler.module, call,
                f"{handler.route.label} opens a path that the caller may lead elsewhere (../).",
            )  # fmt: skip
            return


def _names_a_file(handler: Handler, node: ast.expr) -> bool:
    """A part of the path is a free text of the caller: a file's name, or `{x:path}`."""
    words = {
        word
        for word in words_in(node) | {key_of(inner) for inner in nodes_in(node)}
        if re.search(r"file_?name|file_?path|^path$|^name$", word)
    }
    whole = {name for pair in _SLASHED.findall(handler.route.path) for name in pair if name}
    slashed = bool(whole and names_in(node) & spread(handler.function, whole))
    if not (words or slashed) or not _climbs(handler, node):
        return False
    # A segment of a route holds no slash in FastAPI, Flask and Django, unless it says `path`.
    return bool(whole) or not _of_the_route(handler, node)


def _of_the_route(handler: Handler, node: ast.expr) -> bool:
    """Whether all that the caller has a hand in comes from the segments of the route."""
    requested = spread(handler.function, set())
    segments = spread(handler.function, set(handler.path_parameters)) - requested
    others = spread(handler.function, handler.inputs - segments)
    return bool(names_in(node) & segments) and not comes_from(node, others)


def _climbs(handler: Handler, node: ast.expr, depth: int = 0) -> bool:
    """Whether a `../` of the caller's can start a part of the path."""
    if isinstance(node, ast.JoinedStr):
        return any(_climbs(handler, part, depth) for part in _starting(node))
    if isinstance(node, ast.Name) and node.id in handler.numbers:
        return False
    if isinstance(node, ast.Name):
        made = _made_of(handler, node.id) if depth < _LONGEST_WAY else []
        if made:
            return any(_climbs(handler, value, depth + 1) for value in made)
    if isinstance(node, ast.BinOp):
        return any(_climbs(handler, side, depth) for side in (node.left, node.right))
    if isinstance(node, ast.Call) and called(node) in {"join", "Path", "str"}:
        return any(_climbs(handler, one, depth) for one in node.args)
    return not _names_anew(handler, node) and comes_from(node, handler.inputs)


def _names_anew(handler: Handler, node: ast.expr) -> bool:
    """A function of the program's own that makes up the name: `new_name(file.filename)`."""
    if not isinstance(node, ast.Call):
        return False
    there = handler.project.resolve(handler.module, dotted(node.func)).node
    return isinstance(there, ast.FunctionDef | ast.AsyncFunctionDef) and any(
        called(call) in _KEPT_INSIDE for call in calls_in(there)
    )


def _starting(text: ast.JoinedStr) -> Iterator[ast.expr]:
    """The values that stand first in their part of the path: in `f"{digest}_{name}"` the second
    one climbs nowhere, for no folder is called `digest_..`.
    """
    before: ast.expr | None = None
    for item in text.values:
        starts = before is None or (text_of(before) or "").endswith(("/", "\\"))
        if isinstance(item, ast.FormattedValue) and starts:
            yield item.value
        before = item


def _made_of(handler: Handler, name: str) -> list[ast.expr]:
    return [
        value
        for target, value in assigns_in(handler.function)
        if isinstance(target, ast.Name) and target.id == name
    ]
