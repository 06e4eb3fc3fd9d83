"""Proofs of who one is: codes that are answered to whoever asks, passwords that are too short."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.access import Gatekeeper
from ..facts.handlers import Handler
from ..facts.modules import Function, Project, is_script
from ..facts.routes import RouteTable
from ..facts.syntax import (
    called,
    calls_in,
    dotted,
    ends,
    found,
    keyword,
    own_body,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in
from . import any_password

_PROOF = re.compile(
    r"^(\w*_)?(otp(_code)?|one_time_(code|password)|verification_(code|token|link|url)"
    r"|verify_(code|token|link|url)|reset_(token|code|link|url|password_token)|password_reset_token"
    r"|temp(orary)?_password|sms_code|email_code|magic_link)$",
    re.IGNORECASE,
)
_NO_PROOF = re.compile(
    r"(^|_)(is|has|requires?|needs?|sent|verified|expires?|enabled|id|length)(_|$)"
)
_SOMETIMES = re.compile(
    r"debug|develop|dev(_|$)|(^|_)env|testing|test_mode|expose|echo|demo", re.IGNORECASE
)
_TAKES_OVER = re.compile(r"reset|forgot|recover|otp|log_?-?in|sign_?-?in|verif", re.IGNORECASE)


def look(table: RouteTable, keeper: Gatekeeper) -> Iterator[Finding]:
    open_ = {
        route.function: Handler(table.project, keeper, route)
        for route in table.routes
        if route.served and route.before == "public" and route.access != "role"
        if not is_script(route.module.path)
    }
    for handler in open_.values():
        yield from _answered(handler)
    yield from _too_short(table.project)
    yield from any_password.look(open_.values())


# given to whoever asks


def _answered(handler: Handler) -> Iterator[Finding]:
    """`return {"otp": otp}`: it was to be sent to whom the address or the phone belongs."""
    for node, key, value in _told(handler.function):
        if not _is_proof(key, value) or _shown_before(handler, node):
            continue
        sometimes = _only_sometimes(handler, node)
        name = f"{handler.route.path} {handler.function.name}"
        grave = Severity.CRITICAL if _TAKES_OVER.search(name) else Severity.HIGH
        yield found(
            "auth.code-in-response", handler.module, value,
            f"{handler.route.label} answers {key} to whoever asks: it proves nothing any more.",
            severity=Severity.MEDIUM if sometimes else grave, symbol=handler.function.name,
        )  # fmt: skip
        return


_VERIFIES = re.compile(r"verif|check|valid|confirm|compare", re.IGNORECASE)
_SENT_BEFORE = re.compile(r"(^|_)(otp|code|pin|passcode|token)(_|$)", re.IGNORECASE)


def _shown_before(handler: Handler, answer: ast.AST) -> bool:
    """`if not verify_otp(body.email, body.otp): raise` above it: who gets this far was sent a code
    before, and this is what they go on with.
    """
    return any(
        isinstance(step, ast.If)
        and step.lineno < getattr(answer, "lineno", 0)
        and ends(step)
        and _VERIFIES.search(called(call))
        and any(_SENT_BEFORE.search(word) for one in call.args for word in words_in(one))
        for step in handler.function.body
        for call in (calls_in(step.test) if isinstance(step, ast.If) else ())
    )


def _told(function: Function) -> Iterator[tuple[ast.AST, str, ast.expr]]:
    """What is answered under which key, and the statement that says so."""
    answers = [node for node in own_body(function) if isinstance(node, ast.Return) and node.value]
    for answer in answers:
        yield from ((answer, key, value) for key, value in _pairs(answer))
    names = {dotted(answer.value) for answer in answers}
    for node in own_body(function):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Subscript) and dotted(target) in names:
            yield node, text_of(target.slice) or "", getattr(node, "value", target)


def _pairs(answer: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes_in(answer):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield text_of(key) or "", value
        elif called(node) in {"jsonify", "dict"} and isinstance(node, ast.Call):
            yield from ((word.arg, word.value) for word in node.keywords if word.arg)


def _is_proof(key: str, value: ast.expr) -> bool:
    if isinstance(value, ast.Constant | ast.Compare | ast.BoolOp) or _NO_PROOF.search(key):
        return False
    values = words_in(value) - {"str"}
    return bool(_PROOF.match(key)) or any(
        _PROOF.match(word) and not _NO_PROOF.search(word) for word in values if not _called(value)
    )


def _called(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and called(value) not in {"str", "format"}


def _only_sometimes(handler: Handler, answer: ast.AST) -> bool:
    """Where it is for building the program: `if settings.DEBUG:`."""
    tests = [
        node.test
        for node in nodes_in(handler.function)
        if isinstance(node, ast.If | ast.IfExp)
        if answer in nodes_in(node) or node in nodes_in(answer)
    ]
    return any(_SOMETIMES.search(word) for test in tests for word in words_in(test))


# as short as one likes


_PASSWORD = re.compile(r"^(new_?|confirm_?)?(password|passwd|pwd)$", re.IGNORECASE)
_SHORTEST = 8


def _too_short(project: Project) -> Iterator[Finding]:
    for module in project.service:
        for node in module.nodes:
            least = _least(node)
            if least is not None and least < _SHORTEST:
                yield found(
                    "auth.weak-password", module, node,
                    f"A password of {least} characters will do.",
                )  # fmt: skip
                return


def _least(node: ast.AST) -> int | None:
    """The fewest characters that are taken: `len(password) < 6`, `Field(min_length=6)`."""
    if isinstance(node, ast.Compare) and called(node.left) == "len":
        about = node.left.args[0] if isinstance(node.left, ast.Call) and node.left.args else None
        if _names_it(about) and isinstance(node.ops[0], ast.Lt | ast.LtE):
            least = _number(node.comparators[0])
            return None if least is None else least + isinstance(node.ops[0], ast.LtE)
    if isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if _PASSWORD.match(dotted(target)):
            sizes = [_number(keyword(call, "min_length", "min")) for call in calls_in(node)]
            return next((one for one in sizes if one is not None), None)
    return None


def _names_it(about: ast.expr | None) -> bool:
    last = dotted(about).rpartition(".")[2] if about is not None else ""
    keys = [text_of(inner) or "" for inner in nodes_in(about)] if about is not None else []
    return any(map(_PASSWORD.match, [last, *keys]))


def _number(node: ast.expr | None) -> int | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 1 else None
