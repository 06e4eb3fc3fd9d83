"""Links in mails, made with the address that the request says it was sent to."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.handlers import Handler
from ..facts.modules import Project
from ..facts.syntax import (
    assigns_in,
    called,
    calls_in,
    dotted,
    found,
    names_in,
    strings_in,
    words_in,
)
from ..facts.walking import nodes_in

_ADDRESS = re.compile(r"^req(uest)?\.(host_url|url_root|base_url|host)$")
_HEADERS = re.compile(r"^req(uest)?\.headers(\.get)?$")
_SAID = re.compile(r"^(x-forwarded-)?host$|^origin$|^referer$", re.IGNORECASE)
_SECRET = re.compile(r"token|reset|otp|magic|verif|invit", re.IGNORECASE)
_MAILS = re.compile(r"mail|^send(_|$)", re.IGNORECASE)
_LISTED = (
    "TrustedHostMiddleware",
    "TRUSTED_HOSTS",
    "ALLOWED_HOSTS",
    "SERVER_NAME",
    "allowed_hosts",
)


def listed(project: Project) -> bool:
    """Whether only hosts of a list are answered."""
    return any(word in module.text for module in project.service for word in _LISTED)


def look(handler: Handler) -> Iterator[Finding]:
    """`f"{request.host_url}/reset?token={token}"`, which goes out by mail."""
    if not any(_MAILS.search(called(call)) for call in handler.calls):
        return
    for node in handler.body:
        if isinstance(node, ast.JoinedStr | ast.BinOp) and _with_secret(handler, node):
            yield found(
                "web.host-header", handler.module, node,
                f"{handler.route.label} mails a link with a secret to whatever host the request "
                "names.",
                symbol=handler.function.name,
            )  # fmt: skip
            return


def _with_secret(handler: Handler, node: ast.expr) -> bool:
    said = {
        target.id
        for target, value in assigns_in(handler.function)
        if isinstance(target, ast.Name) and _from_address(value)
    }
    about = words_in(node) | strings_in(node)
    secret = any(_SECRET.search(word) for word in about)
    return secret and (_from_address(node) or bool(names_in(node) & said))


def _from_address(node: ast.AST) -> bool:
    named = (dotted(one) for one in nodes_in(node) if isinstance(one, ast.Attribute))
    if any(_ADDRESS.match(name) for name in named):
        return True
    return any(
        _HEADERS.match(dotted(one.func)) and any(_SAID.match(text) for text in strings_in(one))
        for one in calls_in(node)
    )
