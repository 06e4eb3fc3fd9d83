"""Numbers of the request that are counted with, and may be less than nothing."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler, comes_from
from ..facts.modules import Project
from ..facts.refusals import ROLES, refuses
from ..facts.syntax import (
    assigned,
    called,
    calls_in,
    dotted,
    found,
    key_of,
    place,
    target_name,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_COUNT = re.compile(
    r"^(quantity|qty|count|hours|days|nights|months|weeks|duration(_(minutes|hours|days))?|seats|guests|units|tickets"
    r"|num_\w+|number_of_\w+|(ticket|seat|guest|item)_count|hours_to_\w+|shares)$",
    re.IGNORECASE,
)
_PRICE = re.compile(r"(^|_)(price|rate|cost|fare|fee|rent|amount)(_|$)|per_(night|day|hour)$")
_AMOUNT = re.compile(r"^(amount|value|sum|points|coins|credits?|total|cantidad|monto|valor)$")
_HELD = re.compile(
    r"^((wallet|account|available|coin|current)_?)?(balance|points|coins|credits?|wallet)$"
)
_NUMBERS = {"int", "float", "Decimal", "round"}
_BOUNDS = {"gt", "ge", "min_value", "minimum"}
_POSITIVE = re.compile(r"PositiveInt|PositiveFloat|NonNegative|conint|condecimal|confloat")


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`area.price * int(form["hours"])`, `sender.balance -= amount`."""
    route = handler.route
    if not route.writes or not handler.writes or _for_staff(handler):
        return
    for node in handler.body:
        for value, what, severity in _used(node):
            within = _within(handler, node)
            name = _sent(handler, value, within)
            if not name or _is_bounded(handler, name, within):
                continue
            yield found(
                "validation.negative-amount", handler.module, node,
                f"{route.label} {what} {name} of the request, which may be less than nothing.",
                severity=severity, symbol=handler.function.name,
                also=[place(handler.module, value)],
            ), handler.function  # fmt: skip
            return


def _for_staff(handler: Handler) -> bool:
    """Whether another role is turned away, and not only given something for less."""
    route = handler.route
    if route.before not in {"public", "caller"} or route.access == "role":
        return route.before == "role" or any(
            isinstance(node, ast.If)
            and any(ROLES.search(word) for word in words_in(node.test))
            and any(refuses(inner, handler.function) for inner in nodes_in(node))
            for node in handler.body
        )
    return False


def _used(node: ast.AST) -> Iterator[tuple[ast.expr, str, Severity]]:
    """The numbers that a step counts with, and what it does."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for price, number in ((node.left, node.right), (node.right, node.left)):
            if any(_PRICE.search(word) for word in words_in(price) | {key_of(price)}):
                yield number, "multiplies a price by", Severity.MEDIUM
        return
    for held, value in _taken(node):
        if _HELD.match(held.rpartition(".")[2]):
            yield value, "takes away from a balance", Severity.HIGH


def _taken(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """`balance -= amount`, `{"$inc": {"balance": -amount}}`: of what, and how much."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub):
        yield target_name(node.target), node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
                yield text_of(key) or "", value.operand


def _within(handler: Handler, node: ast.AST) -> ast.AST:
    """The innermost loop that a step is in, which may have names of its own; else the function."""
    loops = (one for one in handler.body if isinstance(one, ast.For | ast.AsyncFor))
    around = [one for one in loops if node in nodes_in(one)]
    return max(around, key=lambda one: one.lineno, default=handler.function)


def _given(handler: Handler, name: str, within: ast.AST) -> tuple[list[ast.expr], ast.AST]:
    """What a name is given, and where: in the loop, or else anywhere in the function."""
    made = assigned(within, name)
    return (made, within) if made else (assigned(handler.function, name), handler.function)


def _sent(handler: Handler, value: ast.expr, within: ast.AST, left: int = 2) -> str:
    """The name of a number of the request, as it came or made one on the way."""
    while (inner := _unwrapped(value)) is not value:
        value = inner
    if isinstance(value, ast.Name):
        made, _ = _given(handler, value.id, within)
        if len(made) == 1 and left:
            return value.id if _sent(handler, made[0], within, left - 1) else ""
        said = _COUNT.match(value.id) or _AMOUNT.match(value.id)
        return value.id if said and not made and value.id in handler.inputs else ""
    if isinstance(value, ast.Attribute) and value.attr == "days":
        return ""  # of the time between two dates, which are compared
    name = key_of(value)
    said = _COUNT.match(name) or _AMOUNT.match(name)
    return name if said and comes_from(value, handler.inputs) else ""


def _unwrapped(value: ast.expr) -> ast.expr:
    """`minutes` of `float(minutes)`, of `minutes / 60`."""
    if isinstance(value, ast.Call) and value.args and called(value) in _NUMBERS:
        return value.args[0]
    divided = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div)
    if isinstance(value, ast.BinOp) and divided and isinstance(value.right, ast.Constant):
        return value.left
    return value


def _is_bounded(handler: Handler, name: str, within: ast.AST) -> bool:
    made, there = _given(handler, name, within)
    names = {name} | {
        word
        for given in made
        for word in (words_in(given) | {key_of(one) for one in nodes_in(given)})
        if _COUNT.match(word) or _AMOUNT.match(word)
    }
    for _, function in handler.reached():
        for node in nodes_in(there if function is handler.function else function):
            if isinstance(node, ast.Compare) and _bounds(node, names):
                return True
            if called(node) in {"max", "abs"} and names & words_in(node):
                return True
    return _declared(handler.project, names)


def _bounds(node: ast.Compare, names: set[str]) -> bool:
    """`if hours < 1`, `0 < hours`, `hours not in (1, 2)`: compared with what stands fast."""
    sides = [node.left, *node.comparators]
    named = [one for one in sides if names & (words_in(one) | {key_of(one)})]
    fixed = any(
        not isinstance(one, ast.Name | ast.Attribute | ast.Subscript) or dotted(one).isupper()
        for one in sides
        if one not in named
    )
    told = any(isinstance(one, ast.Constant) and one.value is None for one in sides)
    return bool(named) and fixed and not told


def _declared(project: Project, names: set[str]) -> bool:
    """A schema, or a parameter, says how small the number may be."""
    return any(
        target in names and _says_least(about)
        for module in project.service
        for node in module.nodes
        for target, about in _said_of(node)
    )


def _said_of(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.arg) and node.annotation is not None:
        yield node.arg, node.annotation
    elif isinstance(node, ast.AnnAssign):
        yield dotted(node.target), node
    elif isinstance(node, ast.Assign):
        yield dotted(node.targets[0]), node.value


def _says_least(node: ast.AST) -> bool:
    words = words_in(node)
    return any(_POSITIVE.search(word) for word in words) or any(
        {word.arg for word in call.keywords} & _BOUNDS or called(call) in {"NumberRange", "Range"}
        for call in calls_in(node)
    )
