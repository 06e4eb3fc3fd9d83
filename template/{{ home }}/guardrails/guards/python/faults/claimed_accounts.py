"""Accounts that are made for somebody beforehand, and opened by whoever knows their address."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler, comes_from, fields_of
from ..facts.storing import by_its_id, is_query
from ..facts.syntax import assigned, called, calls_in, dotted, found, key_of, place

_OPENS = re.compile(
    r"sign_?-?up|regist|activat|claim|set_?-?pass|onboard|complete_?-?(profile|account)"
    r"|first_?-?log_?-?in",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"^(hashed_?)?(password|passwd|pwd)(_?hash(ed)?)?$", re.IGNORECASE)
_PROOF = re.compile(r"token|otp|(^|_)codes?(_|$)|verif|secret|invit|signature|nonce", re.IGNORECASE)
_PROVES = re.compile(
    r"^(verify|check|decode|compare|loads?$|consume)|check_?pass|checkpw", re.IGNORECASE
)


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`user = find(body.email); user.password = hash(body.password)`, and a token for it."""
    route = handler.route
    if route.access != "public" or not route.writes or handler.uses_user:
        return
    if not _OPENS.search(f"{route.path} {handler.function.name}") or _proved(handler):
        return
    for node in handler.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if not isinstance(target, ast.Attribute) or not _PASSWORD.match(target.attr):
            continue
        if _of_another(handler, dotted(target.value)):
            yield found(
                "authz.unauthenticated-endpoint", handler.module, node,
                f"{route.label} gives the account of whichever address the request names a "
                "password, and asks for no proof that it is theirs.",
                severity=Severity.CRITICAL, symbol=handler.function.name,
                also=[place(handler.module, route.line, handler.function.name)],
            ), handler.function  # fmt: skip
            return


def _of_another(handler: Handler, name: str) -> bool:
    """It is a row that was there, looked up by what the request says, and never a new one."""
    given = assigned(handler.function, name)
    return bool(given) and all(
        any(
            (is_query(call) or by_its_id(call))
            and any(
                comes_from(it, handler.inputs)
                for it in (*call.args, *(word.value for word in call.keywords))
            )
            for call in calls_in(value)
        )
        and not (called(value)[:1].isupper())
        for value in given
    )


def _proved(handler: Handler) -> bool:
    """The request carries something that only the owner of the address was sent."""
    words = {key_of(node) for node in handler.body if comes_from(node, handler.inputs)}
    words |= {*handler.path_parameters, *handler.inputs}
    words |= {
        field
        for _, module, model in handler.models
        for field in fields_of(handler.project, module, model)
    }
    if any(map(_PROOF.search, words)):
        return True
    return any(
        _PROVES.search(called(call)) and "validate" not in called(call)
        for _, function in handler.reached()
        for call in calls_in(function)
    )
