"""Checks that believe whoever calls: a header, a cookie or a field says who it is, unasked."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from ....engine.finding import Finding, Severity
from ..facts.access import is_login
from ..facts.asking import asks_who
from ..facts.handlers import Handler, comes_from
from ..facts.modules import Function, Module, Project, is_script
from ..facts.refusals import SOUNDS_LIKE_PROOF, refuses
from ..facts.storing import is_query, is_write
from ..facts.syntax import (
    argument,
    assigns_in,
    called,
    calls_in,
    dotted,
    found,
    key_of,
    names_in,
    own_body,
    parameters,
    place,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_SAID = re.compile(
    r"^(x[-_])?(auth[-_])?(user|account|uid|customer|owner|member|admin|driver|student|employee)"
    r"[-_]?(id|uid|email|name|role)?$|^(x[-_])?role$|^(x[-_])?is[-_]admin$",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"^(user|owner|requester|admin|caller|current_?user|actor)_?(id|uid)$|^(user_?)?role$|^is_?admin$",
    re.IGNORECASE,
)
_OWNER = re.compile(
    r"^(user|owner|author|buyer|seller|customer|client|driver|sender|creator|patient|student|tenant"
    r"|renter|member|employee|vendor|host|guest)_?(id|uid)$|^uid$",
    re.IGNORECASE,
)
_PROOF = re.compile(
    r"decode|verif|jwt|token|secret|api_?key|^session_\w+|passw|^authoriz|^authenticat|signature|hmac|digest|otp|\bcode\b"
    r"|\bpin\b|current_user|bearer|captcha|login_user|g\.user|basic|oauth|remote_addr|trusted",
    re.IGNORECASE,
)
"""What would tell whether it is true, or what else is asked."""


def or_as_said(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`customer_id = who_calls() or data.get("customer_id")`: whoever shows no token is whoever the
    request says.
    """
    route = handler.route
    if route.before not in {"public", "caller"} or is_login(route):
        return
    for node in handler.body:
        if not isinstance(node, ast.BoolOp) or not isinstance(node.op, ast.Or):
            continue
        known = any(asks_who(one) for one in node.values)
        said = next((one for one in node.values if _names_owner(handler, one)), None)
        if known and said is not None and (handler.writes or handler.reads):
            yield found(
                "authz.client-supplied-identity", handler.module, node,
                f"{route.label} takes whoever the field {key_of(said)} names for who calls, where "
                "no token says it.",
                severity=Severity.HIGH, symbol=route.function.name,
                also=[place(handler.module, route.line, route.function.name)],
            ), route.function  # fmt: skip
            return


def _names_owner(handler: Handler, value: ast.expr) -> bool:
    return _OWNER.match(key_of(value)) is not None and comes_from(value, handler.inputs)


def look(project: Project, handlers: list[Handler]) -> Iterator[Finding]:
    told: dict[str, list[tuple[Module, Function, str]]] = defaultdict(list)
    of = {handler.function: handler for handler in handlers}
    for module in project.service:
        for function in module.functions if not is_script(module.path) else ():
            if said := _believes(function, of.get(function)):
                told[module.path].append((module, function, said))
    for first, *more in told.values():
        module, function, said = first
        yield found(
            "authz.client-supplied-identity", module, function.lineno,
            f"{function.name} lets in whoever sends {said}: it is never looked at whether that is "
            "who calls.",
            symbol=function.name,
            also=[place(at, one.lineno, one.name) for at, one, _ in more],
        )  # fmt: skip


def _believes(function: Function, handler: Handler | None) -> str:
    """What the caller says of themselves, that decides alone whether they are let in."""
    claims = dict(_claims(function))
    if handler is not None:
        route = handler.route
        if route.before != "public" or is_login(route):
            return ""
        claims |= dict(_fields(handler)) if route.access in {"caller", "role"} else {}
        if route.access in {"caller", "role"} and not _proves(function):
            return _decided(function, claims) or _held_against(handler)
    if not claims or _proves(function):
        return ""
    return _decided(function, claims) or _asked_for(handler, claims)


def _asked_for(handler: Handler | None, claims: Mapping[str, str]) -> str:
    """`filter(Task.user_id == x_user_id)`: whose rows they are is what a header says."""
    for call in handler.calls if handler is not None else ():
        if is_query(call) or is_write(call):
            for argument_ in [*call.args, *(word.value for word in call.keywords)]:
                if said := names_in(argument_) & set(claims):
                    return claims[min(said)]
    return ""


def _held_against(handler: Handler) -> str:
    """`if order["buyer_id"] != body.buyer_id: refuse`: whoever knows the number passes."""
    for node in (one for one in handler.body if isinstance(one, ast.If)):
        test = node.test
        if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.NotEq):
            continue
        sides = [test.left, test.comparators[0]]
        said = [one for one in sides if _OWNER.match(key_of(one)) and _of_body(handler, one)]
        kept = [one for one in sides if _OWNER.match(key_of(one)) and one not in said]
        refused = any(
            refuses(inner, handler.function) for part in node.body for inner in nodes_in(part)
        )
        if said and kept and refused:
            return f"the field {key_of(said[0])}"
    return ""


def _of_body(handler: Handler, value: ast.expr) -> bool:
    """A field of the body or of the form, and of no row that was asked for."""
    root = dotted(value).partition(".")[0]
    if root in {name for name, _, _ in handler.models}:
        return True
    made = [one for target, one in assigns_in(handler.function) if dotted(target) == root]
    return comes_from(value, set()) or any(comes_from(one, set()) for one in made)


def _proves(function: Function) -> bool:
    words = words_in(function) | {text for text in strings_in(function) if " " not in text}
    words |= {called(call) for call in calls_in(function)}
    told = any(_PROOF.search(word) and not SOUNDS_LIKE_PROOF.search(word) for word in words)
    return told or asks_who(function)


def _decided(function: Function, claims: Mapping[str, str]) -> str:
    for node in own_body(function):
        if not isinstance(node, ast.If) or not names_in(node.test) & set(claims):
            continue
        if any(refuses(inner, function) for part in node.body for inner in nodes_in(part)):
            return claims[min(names_in(node.test) & set(claims))]
    return ""


def _claims(function: Function) -> Iterator[tuple[str, str]]:
    """The names that hold what a header or a cookie says of who calls."""
    for parameter, default in parameters(function):
        asked = called(default) if default is not None else ""
        if asked in {"Header", "Cookie"} and _SAID.match(parameter.arg):
            yield parameter.arg, f"the {asked.lower()} {parameter.arg.replace('_', '-')}"
    for target, value in assigns_in(function):
        for node in nodes_in(value):
            kind = next((one for one in ("headers", "cookies") if one in dotted(node)), "")
            key = text_of(argument(node, 0)) if isinstance(node, ast.Call) else key_of(node)
            if kind and key and _SAID.match(key) and isinstance(target, ast.Name):
                yield target.id, f"the {kind[:-1]} {key}"


def _fields(handler: Handler) -> Iterator[tuple[str, str]]:
    """The names that hold what the body or the address says of who calls."""
    for target, value in assigns_in(handler.function):
        for node in nodes_in(value):
            key = key_of(node)
            told = _FIELD.match(key) and comes_from(node, handler.inputs)
            if told and isinstance(target, ast.Name):
                yield target.id, f"the field {key}"
    for parameter, default in parameters(handler.function):
        query = default is None or called(default) in {"Query", "Form", "Body"}
        asked = handler.inputs - set(handler.path_parameters)
        if query and parameter.arg in asked and _FIELD.match(parameter.arg):
            yield parameter.arg, f"the field {parameter.arg}"
