"""Rows that the service writes down for whoever is signed in: they are somebody's own."""

import ast
import re
from collections.abc import Iterator

from .asking import asks_who
from .handlers import Handler
from .shared import collection, subject
from .stored import statement, table
from .storing import is_query
from .syntax import assigns_in, called, chain, text_of

_OWNER = re.compile(
    r"^(?:\w+_)?(user|owner|author|creator|account|customer|client|seller|patient|student|member|host|sender)"
    r"_?(id|uid|email)$|^(created|owned|reported|requested)_by$|^(user|owner|customer)$",
    re.IGNORECASE,
)
_SHARED = re.compile(
    r"review|rating|comment|testimonial|feedback|post|article|photo|image|profile|listing|product"
    r"|event|recipe|course|project|like|follow|vote",
    re.IGNORECASE,
)
"""What people write for others to read, whoever wrote it."""


def kept_for_callers(
    handlers: list[Handler], narrowed: frozenset[tuple[str, str]] = frozenset()
) -> frozenset[str]:
    """Models and collections of which a row is made, or asked for, with its owner; `narrowed`
    are those that the services behind the handlers ask for so.
    """
    told = [name for handler in handlers for name in _subjects(handler)]
    told += [name for name, column in narrowed if _OWNER.match(column)]
    return frozenset(name for name in told if name and not _SHARED.search(name))


def _subjects(handler: Handler) -> Iterator[str]:
    made: set[str] = set()
    for call in handler.calls:
        yield from _tables(handler, call)
    for call in handler.calls:
        if called(call)[:1].isupper() and _owned(handler, call):
            made.add(called(call))
            yield called(call)
        elif is_query(call) and (_owned(handler, call) or _asks_for_own(handler, call)):
            yield subject(handler.project, handler.module, call)
    for call in handler.calls:
        documents = any(_owned_document(handler, one) for one in call.args)
        if called(call) == "insert_one" and (made or documents):
            named = collection(handler.project, handler.module, call)
            yield named or next(iter(chain(call)[-2:-1]), "")


_OF_ONE = re.compile(
    r"\b(?:user|owner|author|account|customer|client|student|member)_?id\s*=\s*(?:\?|%s|[:$]\w)",
    re.IGNORECASE,
)


def _tables(handler: Handler, call: ast.Call) -> Iterator[str]:
    """`SELECT … FROM payments WHERE user_id = ?` with who calls."""
    given = [*call.args[1:], *(word.value for word in call.keywords)]
    if _OF_ONE.search(statement(handler.module, call)) and any(map(handler.of_the_user, given)):
        yield table(handler.module, call)


def _owned(handler: Handler, call: ast.Call) -> bool:
    return any(
        _OWNER.match(word.arg or "") and handler.of_the_user(word.value) for word in call.keywords
    )


def _asks_for_own(handler: Handler, call: ast.Call) -> bool:
    said = text_of(call.args[0]) if len(call.args) > 1 else None
    if said and _OWNER.match(said) and handler.of_the_user(call.args[-1]):
        return True  # `.eq("user_id", me.id)`, `.where("user_id", "==", me.id)`
    return any(_owned_document(handler, one) or _owned_column(handler, one) for one in call.args)


def _owned_column(handler: Handler, node: ast.expr) -> bool:
    """`Job.customer_id == me.id`."""
    return (
        isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Attribute)
        and _OWNER.match(node.left.attr) is not None
        and handler.of_the_user(node.comparators[0])
    )


def _owned_document(handler: Handler, node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        given = assigns_in(handler.function)
        made = [it for to, it in given if isinstance(to, ast.Name) and to.id == node.id]
        node = made[0] if len(made) == 1 else node
    if isinstance(node, ast.Call) and _owned(handler, node):
        return True  # `split_document(host_id=me["id"])`
    return isinstance(node, ast.Dict) and any(
        _OWNER.match(text_of(key) or "") and handler.of_the_user(value)
        for key, value in zip(node.keys, node.values, strict=True)
    )


def of_the_session(handler: Handler) -> bool:
    """The rows are asked for with what the caller's session holds: a cart without an account."""
    asked = [call for call in handler.calls if called(call) in {"filter_by", "find_one"}]
    given = [[*call.args, *(word.value for word in call.keywords)] for call in asked]
    return bool(given) and all(any(asks_who(one) for one in values) for values in given)


def private(handler: Handler) -> bool:
    """Whether it reads rows that are people's own, or what hangs on one of them."""
    of = {one.removesuffix("_id").replace("_", "").lower() for one in handler.path_parameters}
    kept = {one.replace("_", "").lower() for one in handler.kept}
    if any(one in kept or f"{one}s" in kept for one in of):
        return not _SHARED.search(handler.route.path)
    return any(
        subject(handler.project, handler.module, call) in handler.kept
        for call in handler.calls
        if (is_query(call) or called(call) == "get")
        and called(handler.whole(call)) not in {"count", "count_documents"}
    )
