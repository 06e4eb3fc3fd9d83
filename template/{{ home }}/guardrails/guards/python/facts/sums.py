"""Totals that are added up of what the request says that each thing costs."""

import ast
import re
from collections.abc import Iterator

from .handlers import comes_from
from .passed import Seen
from .syntax import assigned, called, dotted, key_of, words_in
from .walking import nodes_in

_PRICE = re.compile(
    r"^(unit_?|item_?|base_?|total_?|line_?)?(price|cost|rate|amount|(sub_?)?total)$", re.IGNORECASE
)
_LONGEST_WAY = 3
_TAKEN = {"get", "get_json", "json", "model_dump", "dict", "loads", "list"}


def summed(seen: Seen, value: ast.expr) -> bool:
    """`total += item.price * item.quantity`, for the items that the request lists."""
    added = [value] if called(value) == "sum" else list(_added(seen, dotted(value)))
    told = [node for one in added for node in nodes_in(one) if _PRICE.match(key_of(node))]
    theirs = set(_theirs(seen))
    if not told or any(dotted(node).partition(".")[0] not in theirs for node in told):
        return False
    return not any(
        isinstance(node, ast.Compare)
        and any(_PRICE.match(word) for word in words_in(node) | set(map(key_of, nodes_in(node))))
        and not any(isinstance(side, ast.Constant) for side in node.comparators)
        for node in seen.body
    )


def _added(seen: Seen, name: str) -> Iterator[ast.expr]:
    for node in seen.body:
        if isinstance(node, ast.AugAssign) and dotted(node.target) == name:
            yield from (node.value, *_behind(seen, node.value))
    for value in assigned(seen.function, name):
        if called(value) in {"sum", "round"}:
            yield value


def _behind(seen: Seen, value: ast.expr) -> Iterator[ast.expr]:
    """`line = item.price * item.quantity`, where `total += line`."""
    if isinstance(value, ast.Name):
        yield from assigned(seen.function, value.id)


def _theirs(seen: Seen) -> Iterator[str]:
    """What runs over the things that the request lists."""
    for node in seen.body:
        if not isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            continue
        if isinstance(node.target, ast.Name) and _of_the_body(seen, node.iter):
            yield node.target.id


def _of_the_body(seen: Seen, value: ast.expr, left: int = _LONGEST_WAY) -> bool:
    """A field of the request's body, with no row or function of ours in between."""
    if any(isinstance(one, ast.Call) and called(one) not in _TAKEN for one in nodes_in(value)):
        return False
    root = dotted(value).partition(".")[0]
    if root in {name for name, _, _ in seen.models} & seen.inputs:
        return True
    if comes_from(value, set()):
        return True
    made = assigned(seen.function, root)
    return left > 0 and len(made) == 1 and _of_the_body(seen, made[0], left - 1)
