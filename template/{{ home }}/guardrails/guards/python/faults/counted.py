"""What is counted or read first and changed afterwards: of two at once both go through."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.at_once import is_refused, waits
from ..facts.modules import Function, Module
from ..facts.syntax import (
    assigns_in,
    called,
    chain,
    dotted,
    ends,
    found,
    key_of,
    names_in,
    own_body,
    place,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_HELD = re.compile(
    r"^(stock|balance|quantity|credits?|points|seats?|inventory|coins?|wallet\w*|\w+_balance"
    r"|available\w*|\w*_stock|\w+_(left|remaining)|remaining\w*|occupied|capacity)$"
)
_ORDERS = ast.Lt | ast.LtE | ast.Gt | ast.GtE


def look(module: Module, function: Function) -> Iterator[Finding]:
    if waits(function) or is_refused(function):
        return
    yield from _over_the_limit(module, function)
    yield from _first(_spent(module, function), _overwritten(module, function))


def _first(*looks: Iterator[Finding]) -> Iterator[Finding]:
    for look_ in looks:
        for one in look_:
            yield one
            return


# as many as there may be


def _over_the_limit(module: Module, function: Function) -> Iterator[Finding]:
    """`if Seat.query.filter_by(...).count() >= room.seats: return`, and then one is added."""
    counts = {
        target.id: value
        for target, value in assigns_in(function)
        if isinstance(target, ast.Name) and _counted(function, value)
    }
    for statement in own_body(function):
        if not isinstance(statement, ast.If) or not ends(statement):
            continue
        for test in nodes_in(statement.test):
            if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], _ORDERS):
                continue
            asked = next((counts[name] for name in sorted(names_in(test) & set(counts))), None)
            asked = asked if asked is not None else _counted(function, test)
            if asked is None or _of_nothing(test):
                continue
            added = _added(function, statement, _subjects(asked))
            if added is not None:
                yield found(
                    "data.check-then-insert", module, statement,
                    f"{function.name} counts the rows there are and adds one more: of two at once "
                    "both are told that there is room.",
                    symbol=function.name, also=[place(module, added, function.name)],
                )  # fmt: skip
                return


def _of_nothing(test: ast.Compare) -> bool:
    """`count > 0`: whether there is one at all is asked by another look."""
    return any(isinstance(one, ast.Constant) and one.value in {0, 1} for one in test.comparators)


def _counted(function: Function, node: ast.expr) -> ast.expr | None:
    """The expression in which rows are counted; a result that was executed leads to its query."""
    for call in nodes_in(node):
        if isinstance(call, ast.Call) and called(call) in {"count", "count_documents"}:
            return call
    if called(node) in {"scalar", "scalar_one", "fetchone"}:
        made = [value for target, value in assigns_in(function) if _is(target, chain(node)[:1])]
        counting = [one for one in [node, *made] if "count" in words_in(one)]
        return counting[-1] if counting else None
    return None


def _is(target: ast.expr, names: list[str]) -> bool:
    return isinstance(target, ast.Name) and [target.id] == names


def _subjects(asked: ast.AST) -> set[str]:
    """The models and the collection that are counted."""
    models = {word for word in words_in(asked) if re.match(r"[A-Z][a-z]\w*$", word)}
    names = chain(asked)
    return models | (set(names[-2:-1]) if called(asked) == "count_documents" else set())


def _added(function: Function, after: ast.If, subjects: set[str]) -> ast.Call | None:
    later = [
        node
        for node in own_body(function)
        if isinstance(node, ast.Call) and node.lineno > after.lineno
    ]
    makes = any(called(node) in subjects for node in later)
    for node in later:
        if called(node) == "insert_one" and set(chain(node)[-2:-1]) & subjects:
            return node
        if called(node) == "add" and makes:
            return node
    return None


# what is there is looked at, and taken


_SQL_TAKES = re.compile(r"\bset\b[^;]*?\b(?P<held>\w+)\s*=\s*(?P=held)\s*-", re.IGNORECASE)


def _spent(module: Module, function: Function) -> Iterator[Finding]:
    """`if user.balance < price: return`, then `{"$inc": {"balance": -price}}` without asking."""
    for call in own_body(function):
        if not isinstance(call, ast.Call):
            continue
        for held in filter(_HELD.match, _taken(call)):
            if held in _looked_at(function, call.lineno) and not _asks_again(call, held):
                yield found(
                    "data.read-modify-write", module, call,
                    f"{function.name} looks whether there is enough {held} and takes it away "
                    "afterwards: of two at once both get it.",
                    symbol=function.name,
                )  # fmt: skip


def _looked_at(function: Function, before: int) -> set[str]:
    """What a comparison asks how much there is of, itself or by a name that was given to it."""
    given = {
        target.id: value for target, value in assigns_in(function) if isinstance(target, ast.Name)
    }
    looked: set[str] = set()
    for node in own_body(function):
        if not isinstance(node, ast.Compare) or node.lineno >= before:
            continue
        if isinstance(node.ops[0], _ORDERS):
            sides = [node.left, *node.comparators]
            sides += [given[name] for one in sides for name in names_in(one) if name in given]
            looked |= {key_of(inner) for side in sides for inner in nodes_in(side)}
    return looked


def _taken(call: ast.Call) -> Iterator[str]:
    if called(call) in {"update_one", "find_one_and_update", "update_many"}:
        for node in nodes_in(call):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
                        yield (text_of(key) or "").rpartition(".")[2]
    elif called(call) == "execute" and call.args:
        for text in strings_in(call.args[0]):
            yield from (told["held"] for told in _SQL_TAKES.finditer(text))


def _asks_again(call: ast.Call, held: str) -> bool:
    """The statement itself takes only what is there."""
    if called(call) == "execute":
        texts = " ".join(strings_in(call.args[0]))
        return re.search(rf"\b{held}\s*(>|-[^,]*>)", texts) is not None
    asked = call.args[0] if call.args else None
    return asked is not None and held in {text.rpartition(".")[2] for text in strings_in(asked)}


# read, computed, written back


_WRITES = {"update_one", "find_one_and_update", "update"}


def _overwritten(module: Module, function: Function) -> Iterator[Finding]:
    """`left = row["left"] - 1`, then `{"$set": {"left": left}}`: what came in between is lost."""
    given = {
        target.id: value for target, value in assigns_in(function) if isinstance(target, ast.Name)
    }
    for call in own_body(function):
        if not isinstance(call, ast.Call) or called(call) not in _WRITES:
            continue
        for key, value in _set_in(call):
            made = given.get(value.id) if isinstance(value, ast.Name) else value
            if made is not None and _changed(made, key, given):
                yield found(
                    "data.read-modify-write", module, call,
                    f"{function.name} reads {_name(key)}, changes it and writes it back: of two "
                    "at once one is lost.",
                    symbol=function.name,
                )  # fmt: skip
                return


def _changed(made: ast.expr, key: ast.expr, given: dict[str, ast.expr]) -> bool:
    """Whether it is what was read under the same key, and more or less of it."""
    if not isinstance(made, ast.BinOp) or not isinstance(made.op, ast.Add | ast.Sub):
        return False
    sides: list[ast.expr] = [made.left]
    sides += [given[name] for name in names_in(made.left) if name in given]
    return any(_same_key(inner, key) for side in sides for inner in nodes_in(side))


def _set_in(call: ast.Call) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What `{"$set": {…}}` sets, and Supabase's `update({…})`."""
    dicts = [node for node in nodes_in(call) if isinstance(node, ast.Dict)]
    for node in dicts:
        for key, value in zip(node.keys, node.values, strict=True):
            nested = isinstance(value, ast.Dict)
            if key is not None and not nested and not (text_of(key) or "").startswith("$inc"):
                yield key, value


def _same_key(node: ast.AST, key: ast.expr) -> bool:
    if text := text_of(key):
        return key_of(node) == text.rpartition(".")[2]
    if not isinstance(key, ast.Name):
        return False
    if isinstance(node, ast.Subscript):
        return dotted(node.slice) == key.id
    return (
        isinstance(node, ast.Call)
        and called(node) == "get"
        and key.id in map(dotted, node.args[:1])
    )


def _name(key: ast.expr) -> str:
    return text_of(key) or dotted(key)
