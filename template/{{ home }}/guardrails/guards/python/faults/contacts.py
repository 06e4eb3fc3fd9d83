"""Addresses and telephone numbers of people, told to whoever asks without an account."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler
from ..facts.shared import subject
from ..facts.storing import by_its_id, is_query
from ..facts.syntax import assigns_in, called, dotted, found, key_of, names_in, place, text_of
from ..facts.walking import nodes_in

_CONTACT = re.compile(
    r"^(user_?|contact_?)?(e_?mail|phone|phone_?number|mobile)(_?address)?$", re.IGNORECASE
)
_OF_PEOPLE = re.compile(
    r"^(users?|members?|students?|tutors?|teachers?|instructors?|mentors?|coach(es)?|trainers?"
    r"|professionals?|freelancers?|barbers?|stylists?|riders?|drivers?|owners?|hosts?|landlords?"
    r"|sellers?|musicians?|artists?|volunteers?|patients?|customers?|clients?|employees?)"
    r"(_?profiles?)?$",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"(^|_)(id|uid|uuid|pk)$")
_ROWS = {"all", "first", "get", "to_list", "find", "find_one", "get_or_404", "scalars", "fetchall"}
_ABOUT_ONESELF = re.compile(r"(^|/)(me|self|mine|profile|account|whoami|verify|callback|health)\b")


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`{"name": tutor.name, "email": tutor.email}` of every tutor, for strangers."""
    route = handler.route
    if route.method != "GET" or route.access != "public" or handler.writes:
        return
    if handler.uses_user or _ABOUT_ONESELF.search(route.path):
        return
    if not all(map(_COUNTED.search, handler.path_parameters)):
        return  # who has the link to an invitation may know whose it is
    rows = set(_rows(handler))
    for node, value in _told(handler):
        if names_in(value) & rows and not names_in(value) & set(handler.path_parameters):
            yield found(
                "authz.pii-exposed", handler.module, node,
                f"{route.label} tells whoever asks the {key_of(value)} of people.",
                severity=Severity.MEDIUM, symbol=handler.function.name,
                also=[place(handler.module, route.line, handler.function.name)],
            ), handler.function  # fmt: skip
            return


def _told(handler: Handler) -> Iterator[tuple[ast.AST, ast.expr]]:
    """What the answer says of addresses and numbers: a dict's, or a model's that is answered."""
    for node in handler.body:
        if isinstance(node, ast.Dict):
            pairs = [
                (text_of(key) or "", it) for key, it in zip(node.keys, node.values, strict=True)
            ]
        elif isinstance(node, ast.Call) and called(node)[:1].isupper():
            pairs = [(word.arg or "", word.value) for word in node.keywords]
        else:
            continue
        for name, value in pairs:
            first = value.values[0] if isinstance(value, ast.BoolOp) else value
            if _CONTACT.match(name) and _CONTACT.match(key_of(first)):
                yield value, first


def _rows(handler: Handler) -> Iterator[str]:
    """The names that hold people who were asked for, one or each of many."""
    held: set[str] = set()
    given = [*assigns_in(handler.function)]
    given += [
        (node.target, node.iter)
        for node in handler.body
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension)
    ]
    for _ in range(2):
        for target, value in given:
            if names_in(value) & held or _asks_for_people(handler, value):
                held |= names_in(target)
    return iter(held)


def _asks_for_people(handler: Handler, value: ast.expr) -> bool:
    return any(
        (is_query(call) or by_its_id(call) or called(call) in _ROWS)
        and _OF_PEOPLE.match(subject(handler.project, handler.module, call))
        for call in nodes_in(value)
        if isinstance(call, ast.Call) and dotted(call.func)
    )
