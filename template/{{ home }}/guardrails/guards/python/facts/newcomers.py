"""Whether strangers can have an account: where they can't, who is signed in works there."""

import ast
import re
from functools import lru_cache

from .handlers import Handler
from .modules import Function, Module, Project
from .syntax import called, calls_in, chain, words_in


def serves_many(handler: Handler) -> bool:
    """Where nobody can sign up, whoever is logged in is the owner or one of their staff."""
    if accounts_elsewhere(handler.project):
        return True
    ways = [
        (function, _kept_closed(handler, module, function))
        for module in handler.project.service
        for function in module.functions
        if is_sign_up(function)
    ]
    closed = {function.name for function, kept in ways if kept}
    return any(
        not kept and (function.decorator_list or function.name not in closed)
        for function, kept in ways
    )


_PROVIDES = {"verify_id_token", "verify_session_cookie"}
"""Firebase's, where whoever asks for an account gets one unless it is switched off there."""
_LISTS = re.compile(r"allow|whitelist|permitted|invited|domain", re.IGNORECASE)


@lru_cache(maxsize=8)
def accounts_elsewhere(project: Project) -> bool:
    """A provider of accounts says who calls, and people sign up there: no route of ours does."""
    return any(
        not any(_LISTS.search(word) for word in words_in(function))
        for module in project.service
        for function in module.functions
        if any(map(_provided, calls_in(function)))
    )


def _provided(call: ast.Call) -> bool:
    """`firebase_admin.auth.verify_id_token(…)`, `supabase.auth.get_user(token)`."""
    return called(call) in _PROVIDES or (
        called(call) == "get_user" and chain(call)[-2:-1] == ["auth"] and bool(call.args)
    )


def _kept_closed(handler: Handler, module: Module, function: Function) -> bool:
    """An account that only administrators can make is no way in for strangers."""
    checks = [handler.keeper.check(module, mark) for mark in function.decorator_list]
    checks.append(handler.keeper.function(module, function))
    return any(verdict is not None and verdict.access == "role" for verdict in checks)


def is_sign_up(function: Function) -> bool:
    if not _SIGNS_UP.search(function.name):
        return False
    closed = isinstance(function.body[-1], ast.Raise) and not any(
        isinstance(statement, ast.If | ast.Try | ast.With | ast.Assign)
        for statement in function.body
    )
    first = [item.arg for item in function.args.args[:1]]
    if first and first[0] in _WIRED:
        return False
    method = first == ["self"]
    of_people = not method or any(_PEOPLE.search(word) for word in words_in(function))
    return not closed and of_people


_SIGNS_UP = re.compile(
    r"regist(?!\w*_(?:blueprint|route|handler|command|error|filter|extension|middleware|page_))"
    r"|sign_?up|create_(?:user|account)(?!_session|_model)",
    re.IGNORECASE,
)
"""Parts of the program are registered, too."""
_WIRED = {"app", "application", "flask_app", "api", "router", "server", "dispatcher", "bot"}
"""What `register_commands(app)` is handed to hang something on it."""
_PEOPLE = re.compile(
    r"user|account|password|e?mail|member|customer|client|patient|student|profile", re.IGNORECASE
)
