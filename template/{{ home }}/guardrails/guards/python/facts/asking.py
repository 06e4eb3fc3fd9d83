"""Expressions that ask who is calling: the session, the token, what a check has left behind."""

import ast
import re

from .syntax import called, dotted, text_of
from .walking import nodes_in

_OF_THE_CALLER = re.compile(
    r"(self\.)?(request|g|info\.context)\.(state\.\w+|\w*user\w*|auth|principal|identity|jwt\w*)\b"
)
_SESSIONS = frozenset({"session", "flask_session", "request.session", "self.request.session"})
_WHO = re.compile(
    r"^(current_user|get_jwt_identity|get_current_user|user_from_token|current_identity|"
    r"get_jwt|require_user|get_user_from_token|verify_token|decode_token|auth_user|me)$|"
    r"^_?(require|get|verify|check)_.*(user|admin|auth|token|identity)",
)


def asks_who(node: ast.AST) -> bool:
    """An expression that asks the session or the token who is calling."""
    for inner in nodes_in(node):
        if isinstance(inner, ast.Attribute):
            name = dotted(inner)
            if _OF_THE_CALLER.match(name):
                return True
        if isinstance(inner, ast.Name) and inner.id == "current_user":
            return True
        if asks_session(inner):
            return True
        if isinstance(inner, ast.Call) and _WHO.search(called(inner)):
            return True
    return False


def asks_session(node: ast.AST) -> bool:
    """`session["x"]`, `session.get("x")`, `"x" in session`: the browser's, no database's."""
    if isinstance(node, ast.Subscript):
        return dotted(node.value) in _SESSIONS
    if isinstance(node, ast.Call) and called(node) == "get" and node.args:
        return text_of(node.args[0]) is not None and (
            dotted(node.func).rpartition(".")[0] in _SESSIONS
        )
    return isinstance(node, ast.Compare) and dotted(node.comparators[0]) in _SESSIONS
