"""Where a function turns its caller away, and where it only answers somebody else's question."""

import ast
import re
from collections.abc import Iterator

from .modules import Function
from .syntax import (
    argument,
    assigns_in,
    called,
    calls_in,
    dotted,
    key_of,
    own_body,
    strings_in,
    text_of,
    words_in,
)
from .walking import nodes_in

_REFUSALS = re.compile(
    r"unauth|forbidden|credential|permission_?denied|not_?authenticated|access_?denied|"
    r"auth(entication|orization)?_?(error|exception|failed|required)|invalid_?token|suspicious|"
    r"not_?allowed|(requires?|redirect_?to|needs?)_?log_?in|log_?in_?required",
    re.IGNORECASE,
)
SOUNDS_LIKE_PROOF = re.compile(
    r"^(generate_)?(token|verification|verified|verify)_(id|num(ber)?|no|status|method|pending|at|by|on"
    r"|count(ers?)?)$|(^|_)verified$|^verification_pending$|^(device|push|fcm)_token$"
    r"|^secrets$|^token_(hex|bytes|urlsafe)$",
    re.IGNORECASE,
)
"""What is called like a proof of who calls, and only numbers something or makes it by chance."""
ROLES = re.compile(
    r"(^|_)(roles?|is_?admin|is_?superuser|is_?staff|permissions?|permisos?|scopes?|user_type|"
    r"type_user|account_type|is_owner)$|^(SUPER_?)?ADMIN$|"
    r"^(has_perm|has_role|has_permission|is_admin)",
    re.IGNORECASE,
)
_CALLER_WORDS = re.compile(
    r"session|user|token|auth|logged|credential|identity|payload|cookie", re.IGNORECASE
)
_NOBODY = re.compile(r"anonym|guest|expired|invalid|missing|blocked|banned|denied", re.IGNORECASE)
_ASKED = re.compile(r"session|current_|^g$|cookie|header|token|auth|identity", re.IGNORECASE)
"""Where a function asks who calls."""
_BODY = re.compile(r"request\.(form|args|json|values|get_json|data|files)\b")


def _sent(value: ast.expr) -> bool:
    """What a form says: that it is missing turns nobody away."""
    return any(
        _BODY.match(dotted(node)) for node in nodes_in(value) if isinstance(node, ast.Attribute)
    )


def asked_about(test: ast.AST) -> set[str]:
    """The names of a test, and the keys that it reads: `user["role"]`, `getattr(user, "role")`."""
    read = (argument(call, 1) for call in calls_in(test) if called(call) == "getattr")
    asked = {text_of(name) or "" for name in read}
    return words_in(test) | asked | {key for inner in nodes_in(test) if (key := key_of(inner))}


def beside_the_point(function: Function) -> set[ast.AST]:
    """What stops no stranger, though it looks as if."""
    return _only_of_one_kind(function) | set(_done(function))


_WRITES = {"commit", "insert_one", "save", "add", "execute", "update_one", "create"}


def _done(function: Function) -> Iterator[ast.AST]:
    """`db.commit()`, and then on to the log-in page: whoever registers is sent there."""
    for node in (function, *own_body(function)):
        for block in (getattr(node, name, None) for name in ("body", "orelse")):
            written = False
            for statement in block if isinstance(block, list) else ():
                written = written or called(getattr(statement, "value", None) or node) in _WRITES
                if written and isinstance(statement, ast.Return):
                    yield statement


def _only_of_one_kind(function: Function) -> set[ast.AST]:
    """What only those of one role meet: `if role == "student": abort(403)` stops no stranger."""
    return {
        inner
        for node in own_body(function)
        if isinstance(node, ast.If) and _names_one_kind(node.test)
        for inner in (node, *(below for part in node.body for below in nodes_in(part)))
    }


def _names_one_kind(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(_names_one_kind(part) for part in test.values)
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq):
        return False
    return bool(text_of(test.comparators[0])) and any(
        ROLES.search(word) for word in asked_about(test.left)
    )


def refuses(node: ast.AST, function: Function | None = None) -> bool:
    """A statement that turns the caller away."""
    if isinstance(node, ast.Raise) and node.exc is not None:
        away = _refusing(node.exc) or _sent_away(node.exc)
        return away or _raised_name(node.exc, function)
    if isinstance(node, ast.Return) and node.value is not None:
        named = _raised_name(node.value, function)
        return named or _has_status(node.value) or _sends_to_login(node.value)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return called(node.value) in {"abort", "send_error"} and _has_status(node.value)
    if isinstance(node, ast.If) and _about_caller(node.test, function):
        return any(
            isinstance(inner, ast.Return) and called(inner.value or node) == "redirect"
            for inner in node.body
        )
    return False


def _about_caller(test: ast.expr, function: Function | None) -> bool:
    """Whether a test is of who calls, and of no row that the request names."""
    words = words_in(test)
    if isinstance(test, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        # Who is signed in already is sent on.
        return any(_NOBODY.search(word) for word in words)
    given = list(assigns_in(function)) if function else []
    words -= {one.id for one, value in given if isinstance(one, ast.Name) and _sent(value)}
    role = any(ROLES.search(word) for word in words)
    if not role and not _CALLER_WORDS.search(" ".join(words)):
        return False
    if function is None:
        return True
    made = {target.id for target, _ in given if isinstance(target, ast.Name)}
    return not words <= made or any(_ASKED.search(word) for word in words_in(function))


def _refusing(node: ast.expr) -> bool:
    return bool(_REFUSALS.search(dotted(node).rpartition(".")[2])) or _has_status(node)


_LOG_IN = re.compile(r"log_?-?in|sign_?-?in|auth")


def _sent_away(raised: ast.expr) -> bool:
    """`HTTPException(303, headers={"Location": "/login"})`: FastAPI's way to a page of log-in."""
    return any(
        (text_of(key) or "").lower() == "location"
        and any(_LOG_IN.search(text) for text in strings_in(value))
        for node in nodes_in(raised)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if key is not None
    )


def _raised_name(node: ast.expr, function: Function | None) -> bool:
    if not isinstance(node, ast.Name) or function is None:
        return False
    return any(
        isinstance(inner, ast.Assign)
        and dotted(inner.targets[0]) == node.id
        and _has_status(inner.value)
        for inner in nodes_in(function)
    )


def _has_status(node: ast.AST) -> bool:
    for inner in nodes_in(node):
        if isinstance(inner, ast.Constant) and inner.value in {401, 403}:
            return not isinstance(inner.value, bool)
        if isinstance(inner, ast.Attribute) and re.match(
            r"HTTP_40[13]_|(UNAUTHORIZED|FORBIDDEN)$", inner.attr
        ):
            return True
        if isinstance(inner, ast.Name) and re.match(
            r"HTTP_40[13]_|HttpResponse(Forbidden|Unauthorized)", inner.id
        ):
            return True
    return False


def _sends_to_login(node: ast.expr) -> bool:
    if called(node) not in {"redirect", "RedirectResponse", "HttpResponseRedirect", "url_for"}:
        return False
    return any(_LOG_IN.search(text) for text in strings_in(node))
