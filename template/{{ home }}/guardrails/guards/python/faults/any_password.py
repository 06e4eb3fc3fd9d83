"""Accounts with a password as short as one likes: nothing asks how long it is."""

import ast
import re
from collections.abc import Iterable, Iterator

from ....engine.finding import Finding
from ..facts.handlers import Handler, fields_of
from ..facts.modules import Function, Module, Project
from ..facts.newcomers import is_sign_up
from ..facts.syntax import called, calls_in, dotted, found, key_of, parameters, place, words_in
from ..facts.walking import nodes_in

_PASSWORD = re.compile(r"^(new_?|confirm_?)?(password|passwd|pwd)$", re.IGNORECASE)
_HASHES = {
    "generate_password_hash", "hash_password", "get_password_hash", "hashpw", "hash",
    "set_password", "make_password", "create_user",
}  # fmt: skip
_NO_BODY = {
    "Request", "Response", "BackgroundTasks", "Session", "AsyncSession", "Annotated", "Optional",
    "UploadFile", "Dict", "Any", "AsyncIOMotorDatabase", "Database", "Connection",
}  # fmt: skip
_ASKED = re.compile(r"valid|strength|strong|polic|complex|rules?$|requirement|pattern|regex|match")


def look(handlers: Iterable[Handler]) -> Iterator[Finding]:
    """One of a service: whoever writes the rule for one form has it for all."""
    for handler in handlers:
        if _judged(handler.project):
            return
        route = handler.route
        if route.access != "public" or not route.writes or not is_sign_up(handler.function):
            continue
        reached = list(handler.reached())
        hashed = next((one for module, it in reached for one in _hashed(module, it)), None)
        if hashed is None or any(_asks(it) for _, it in reached) or _described(handler):
            continue
        yield found(
            "auth.weak-password", hashed[0], hashed[1],
            f"{route.label} takes a password of one character: nothing asks how long it is.",
            symbol=handler.function.name,
            also=[place(handler.module, route.line, handler.function.name)],
        )  # fmt: skip
        return


def _judged(project: Project) -> bool:
    """Somewhere there is a function for it: the form before this one may have asked."""
    named = {name for module in project.service for name in module.named}
    return any("password" in name and _ASKED.search(name) for name in named)


def _hashed(module: Module, function: Function) -> Iterator[tuple[Module, ast.Call]]:
    """`generate_password_hash(data["password"])`"""
    for call in calls_in(function):
        given = [*call.args, *(word.value for word in call.keywords)]
        if called(call) in _HASHES and any(map(_is_password, given)):
            yield module, call


def _is_password(given: ast.expr) -> bool:
    return any(
        _PASSWORD.match(node.id if isinstance(node, ast.Name) else key_of(node))
        for node in nodes_in(given)
        if isinstance(node, ast.expr)
    )


def _asks(function: Function) -> bool:
    """Its length is taken, or something is called that judges it."""
    for call in calls_in(function):
        about = [*call.args, *(word.value for word in call.keywords)]
        judges = called(call) == "len" or _ASKED.search(called(call).lower())
        if judges and (any(map(_is_password, about)) or "password" in called(call)):
            return True
    return False


def _described(handler: Handler) -> bool:
    """A class that the body is read into says more of the password than that it is a text, or is
    none that is seen.
    """
    seen = {name for name, _, _ in handler.models}
    if any(_of_a_class(it) and it.arg not in seen for it, _ in parameters(handler.function)):
        return True
    for _, module, model in handler.models:
        if any(
            _PASSWORD.match(name) and _says_more(field)
            for name, field in fields_of(handler.project, module, model).items()
        ):
            return True
        methods = [item for item in model.body if isinstance(item, ast.FunctionDef)]
        if any("password" in word for item in methods for word in words_in(item) | {item.name}):
            return True
        if any(map(_decorated, methods)):
            return True
    return False


def _of_a_class(parameter: ast.arg) -> bool:
    name = dotted(parameter.annotation).rpartition(".")[2]
    return name[:1].isupper() and name not in _NO_BODY


def _decorated(method: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Constant) and node.value == "password"
        for mark in method.decorator_list
        for node in nodes_in(mark)
    )


def _says_more(field: ast.AnnAssign) -> bool:
    plain = isinstance(field.annotation, ast.Name) and field.annotation.id == "str"
    return not plain or field.value is not None
