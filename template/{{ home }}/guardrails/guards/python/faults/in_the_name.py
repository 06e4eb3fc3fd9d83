"""In whose name a row is made: the caller is known, and the request says somebody else."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts import meant
from ..facts.access import is_login
from ..facts.deciding import decided_by_user, knows_caller
from ..facts.handlers import Handler, comes_from
from ..facts.modules import Module
from ..facts.newcomers import serves_many
from ..facts.passed import as_sent, behind
from ..facts.shared import subject
from ..facts.syntax import assigned, assigns_in, called, chain, dotted, found, place, text_of
from .assignment import inserted, splatted

_AUTHOR = re.compile(
    r"^(user|owner|author|sender|creator|poster|uploader|reviewer|from_?user|buyer|borrower)_?(id|uid)$"
    r"|^(created|posted|submitted|uploaded)_by(_id)?$|^uid$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"^(patient|user|chat|conversation|room|thread|receiver|recipient)_?id$")
"""Whose talk it is: who writes from outside names nobody but themselves."""
_MAKES = re.compile(r"^[A-Z]\w+$|^(insert|insert_one|create|add|set|execute|fetchrow|fetchval)$")
_TO_OTHERS = re.compile(
    r"member|particip|assign|invit|notif|follow|collab|recipient|attend|enrol|share|permission|role"
    r"|access|grant|response|out$|read$|schema|token|block|report|friend",
    re.IGNORECASE,
)
"""Rows that say something of somebody else: who is added to a team, who is told."""


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`Review(user_id=body.user_id)` of whoever is signed in."""
    route = handler.route
    if route.access != "caller" or not knows_caller(handler) or decided_by_user(handler):
        return
    if serves_many(handler) and (made := _made(handler)) is not None:
        yield _told(handler, made, "knows who is signed in, and writes")


def for_nobody(handlers: list[Handler], told: set[ast.AST]) -> Iterator[tuple[Finding, ast.AST]]:
    """The same where nobody is asked, in a service that asks elsewhere: no guest has a number."""
    if not any(handler.route.access in {"caller", "role"} for handler in handlers):
        return
    for handler in handlers:
        route = handler.route
        if route.access != "public" or route.stated or is_login(route):
            continue
        if route.function in told or meant.by_code(handler) or meant.by_invitation(handler):
            continue
        if serves_many(handler) and (made := _made(handler)) is not None:
            yield _told(handler, made, "asks nobody who they are, and writes")


def _told(
    handler: Handler, made: tuple[Module, ast.Call, str], how: str
) -> tuple[Finding, ast.AST]:
    module, call, key = made
    route = handler.route
    return found(
        "authz.client-supplied-identity", module, call,
        f"{route.label} {how} in the name of whichever {key} the request names.",
        severity=Severity.HIGH, symbol=route.function.name,
        also=[place(handler.module, route.line, route.function.name)],
    ), route.function  # fmt: skip


def _made(handler: Handler) -> tuple[Module, ast.Call, str] | None:
    """Where a row is made of which the request says whose it is, and in which column."""
    route = handler.route
    if route.method != "POST" or _TO_OTHERS.search(f"{route.path} {route.function.name}"):
        return None
    for call in handler.calls:
        if not _makes(call):
            continue
        given = list(_given(handler, call))
        if any(
            handler.of_the_user(value) for key, value in given if _says_whose(handler, call, key)
        ):
            return None
        named = [
            key for key, value in given if _says_whose(handler, call, key) and _sent(handler, value)
        ]
        if not named and any(_BETWEEN.search(key) for key, _ in given):
            named = [key for key, value in given if key == "sender" and _sent(handler, value)]
        if named and not any(_hands_over_caller(handler, value) for value in call.args):
            return handler.module, call, named[0]
    return _made_behind(handler)


def _made_behind(handler: Handler) -> tuple[Module, ast.Call, str] | None:
    """The same in a service that is handed the body, and nothing of who calls."""
    for passed in behind(handler):
        given = [*passed.way.args, *(word.value for word in passed.way.keywords)]
        if any(map(handler.of_the_user, given)):
            continue
        for call in passed.calls:
            if not called(call)[:1].isupper() or _TO_OTHERS.search(called(call)):
                continue
            for word in call.keywords:
                if _AUTHOR.match(word.arg or "") and as_sent(word.value, passed.inputs):
                    return passed.module, call, word.arg or ""
    return None


def _says_whose(handler: Handler, call: ast.Call, key: str) -> bool:
    """A column that is called so, or by which the service shows callers what is theirs."""
    if _AUTHOR.match(key):
        return True
    return (subject(handler.project, handler.module, call), key) in handler.narrowed


def _hands_over_caller(handler: Handler, value: ast.expr) -> bool:
    """Something of the caller's goes in, and it can't be seen as what."""
    apart = isinstance(value, ast.Tuple | ast.List) or any(_whole(handler, value))
    return not apart and handler.of_the_user(value)


def _makes(call: ast.Call) -> bool:
    made = called(call)
    if not _MAKES.match(made) or _TO_OTHERS.search(made):
        return False
    return not any(_TO_OTHERS.search(part) for part in chain(call)[1:-1])


def _sent(handler: Handler, value: ast.expr) -> bool:
    """It is what the request says, as it came or as a number."""
    if isinstance(value, ast.Call) and value.args and called(value) in {"int", "str", "UUID"}:
        value = value.args[0]
    return comes_from(value, handler.inputs) and not handler.of_the_user(value)


def _given(handler: Handler, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The columns of a row with what goes in, also where it was put together before."""
    yield from inserted(call)
    for word in call.keywords:
        if word.arg:
            yield word.arg, word.value
        else:
            yield from _whole(handler, word.value)
    for value in call.args:
        yield from _whole(handler, value)


def _whole(handler: Handler, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """`{"user_id": body.user_id}`, `body.model_dump()`, or a name that holds one of them."""
    if isinstance(value, ast.Name):
        made = assigned(handler.function, value.id)
        given = [
            pair for one in made if not isinstance(one, ast.Name) for pair in _whole(handler, one)
        ]
        yield from given
        for target, one in assigns_in(handler.function):
            if isinstance(target, ast.Subscript) and dotted(target.value) == value.id:
                yield text_of(target.slice) or "", one
        return
    if isinstance(value, ast.Dict):
        for key, one in zip(value.keys, value.values, strict=True):
            if key is None:
                yield from _whole(handler, one)
            else:
                yield text_of(key) or "", one
    yield from splatted(handler, value)
