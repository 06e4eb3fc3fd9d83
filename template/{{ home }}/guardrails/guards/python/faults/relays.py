"""Routes that send for whoever asks: to whom the request names, what the request says."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.access import is_login
from ..facts.handlers import Handler, comes_from, fields_of
from ..facts.syntax import called, calls_in, found, key_of, parameters, place

_TO = re.compile(
    r"^(to|recipients?|to_(e?mails?|number|phone|address|user)|(fcm|device|push)_tokens?"
    r"|target_(token|device|email)|receiver(_email)?)$",
    re.IGNORECASE,
)
_SAYS = re.compile(
    r"^(body|message|subject|title|text|html|content|msg)(_body|_text|_html)?$", re.IGNORECASE
)
_SENDS = re.compile(
    r"^(send|sendmail|send_(message|e?mail|sms|push|to_\w+|multicast|each\w*|notification\w*)"
    r"|messages?_create|publish)$",
    re.IGNORECASE,
)


def look(handlers: list[Handler], told: set[ast.AST]) -> Iterator[tuple[Finding, ast.AST]]:
    """Nobody is asked, in a service that asks elsewhere."""
    if not any(handler.route.access in {"caller", "role", "secret"} for handler in handlers):
        return
    files: dict[str, list[Handler]] = defaultdict(list)
    for handler in handlers:
        route = handler.route
        asked = route.access != "public" or route.stated or is_login(route)
        if asked or route.function in told or not route.writes or handler.writes:
            continue
        if _says_all(handler) and _sends(handler):
            files[route.module.path].append(handler)
    for first, *others in files.values():
        route = first.route
        yield found(
            "authz.unauthenticated-endpoint", route.module, route.line,
            f"{route.label} sends whatever is asked to whomever is named, and asks nobody who "
            "they are.",
            severity=Severity.HIGH, symbol=route.function.name,
            also=[place(one.module, one.route.line, one.function.name) for one in others],
        ), route.function  # fmt: skip


def _says_all(handler: Handler) -> bool:
    """Whether the request names who gets it, and what: a form of contact goes to the house."""
    named = {
        field
        for _, module, model in handler.models
        for field in fields_of(handler.project, module, model)
    }
    named |= {item.arg for item, _ in parameters(handler.function) if item.arg in handler.inputs}
    named |= {key_of(node) for node in handler.body if comes_from(node, handler.inputs)}
    return any(map(_TO.match, named)) and any(map(_SAYS.match, named))


def _sends(handler: Handler) -> bool:
    return any(
        _SENDS.match(called(call))
        for _, function in handler.reached()
        for call in calls_in(function)
    )
