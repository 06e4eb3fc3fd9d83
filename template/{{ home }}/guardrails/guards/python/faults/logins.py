"""Log-ins that let in whoever names an account."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.access import Gatekeeper, is_login
from ..facts.handlers import Handler
from ..facts.literal_words import PASSWORD
from ..facts.modules import Function, Module, Project
from ..facts.routes import Route, RouteTable
from ..facts.storing import is_query
from ..facts.syntax import (
    assigns_in,
    called,
    dotted,
    found,
    names_in,
    own_body,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_TOKEN_KEYS = {"token", "access_token", "admin_token", "auth_token", "jwt", "api_token"}
_ISSUES = re.compile(
    r"^(create|generate|make|issue|sign|build|new)_?\w*(token|jwt)s?$|^login_user$|^encode$",
    re.IGNORECASE,
)
_PROOF = re.compile(
    r"pass|otp|(^|_)(codes?|secret)(_|$)|verif|valid|check|compare|decode|oauth|signature|magic|cred"
    r"|id_?token|refresh|(^|_)pin(_|$)|google|firebase|apple|wallet|nonce|challenge|telegram|hash"
    r"|guest|anonym|ticket",
    re.IGNORECASE,
)


def look(table: RouteTable, keeper: Gatekeeper) -> Iterator[Finding]:
    seen: set[ast.AST] = set()
    for route in table.routes:
        name = f"{route.path} {route.function.name}"
        if (
            route.function in seen
            or not route.writes
            or not re.search(r"log_?-?in|auth|token", name)
        ):
            continue
        seen.add(route.function)
        yield from _static_token(table.project, route)
        if is_login(route):
            unchecked = list(_unchecked_login(route))
            yield from unchecked or _unproven(Handler(table.project, keeper, route))


def _static_token(project: Project, route: Route) -> Iterator[Finding]:
    for node in own_body(route.function):
        if not isinstance(node, ast.Return) or node.value is None:
            continue
        for key, value in _pairs(node.value):
            if key in _TOKEN_KEYS and _is_constant(project, route.module, route.function, value):
                yield found(
                    "auth.static-token", route.module, value,
                    f"{route.label} hands the same {key} to everybody, for ever.",
                    severity=Severity.CRITICAL, symbol=route.function.name,
                )  # fmt: skip
                return


def _pairs(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    for inner in nodes_in(node):
        if isinstance(inner, ast.Dict):
            for key, value in zip(inner.keys, inner.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value
        elif isinstance(inner, ast.Call):
            yield from ((word.arg, word.value) for word in inner.keywords if word.arg)


def _is_constant(project: Project, module: Module, function: Function, value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str) and len(value.value) > 2
    if not isinstance(value, ast.Name):
        return False
    if any(value.id in names_in(target) for target, _ in assigns_in(function)):
        return False
    meant = project.resolve(module, value.id)
    made = getattr(meant.node, "value", None)
    return made is not None and (
        text_of(made) is not None
        or called(made) in {"get", "getenv"}
        or (isinstance(made, ast.Subscript) and "environ" in dotted(made))
    )


def _unchecked_login(route: Route) -> Iterator[Finding]:
    """A login that takes a password and never looks at it, yet hands out a token."""
    if not re.search(r"log_?-?in|sign_?-?in", f"{route.path} {route.function.name}"):
        return
    body = list(own_body(route.function))
    words = {word for node in body for word in words_in(node)} | {
        text for node in body for text in strings_in(node)
    }
    given = {parameter.arg for parameter in route.function.args.args}
    tokens = {
        key
        for node in body
        if isinstance(node, ast.Return) and node.value is not None
        for key, _ in _pairs(node.value)
    } & _TOKEN_KEYS
    if tokens and "password" in given and not any(PASSWORD.search(word) for word in words):
        yield found(
            "auth.fake-login", route.module, route.line,
            f"{route.label} never looks at the password that it is given.",
            severity=Severity.CRITICAL, symbol=route.function.name,
        )  # fmt: skip


def _unproven(handler: Handler) -> Iterator[Finding]:
    """The account is the one that the request names, and nothing is compared with anything."""
    route = handler.route
    issues = next((call for call in handler.calls if _ISSUES.search(called(call))), None)
    asks = [call for call in handler.calls if is_query(call) and _named(handler, call)]
    if issues is None or not asks or route.access != "public" or not route.writes:
        return
    told = words_in(handler.function) | strings_in(handler.function)
    told |= {word.arg or "" for call in handler.calls for word in call.keywords}
    if any(_PROOF.search(word) for word in told if " " not in word):
        return
    yield found(
        "auth.fake-login", route.module, route.line,
        f"{route.label} signs in whoever names an account: no password, code or token is looked "
        "at.",
        severity=Severity.CRITICAL, symbol=route.function.name,
    )  # fmt: skip


def _named(handler: Handler, call: ast.Call) -> bool:
    given = [*call.args, *(word.value for word in call.keywords)]
    return any(names_in(one) & handler.inputs for one in given)
