"""Tokens that open more than they were made for: of another table, or for renewing others."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ....engine.finding import Finding, Severity
from ..facts.modules import Function, Module, Project, is_script
from ..facts.syntax import (
    argument,
    assigns_in,
    called,
    calls_in,
    chain,
    dotted,
    found,
    key_of,
    keyword,
    place,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_MAKES = re.compile(r"^(create|generate|make|issue|sign)_?(access_?|auth_?|jwt_?)?token$|^encode$")
_SAYS_WHICH = re.compile(r"role|type|kind|scope|admin|aud$|claims|model", re.IGNORECASE)
_ADMINS = re.compile(r"admin|staff|manager|super|operator", re.IGNORECASE)
_UNIQUE = re.compile(r"uuid|guid|^String$|^CHAR$|ulid|nanoid", re.IGNORECASE)


def look(project: Project) -> Iterator[Finding]:
    modules = [module for module in project.service if not is_script(module.path)]
    yield from _of_two_tables(project, modules)
    yield from _renewing(project, modules)


# whose number it is


@dataclass(frozen=True)
class _Subject:
    model: str
    module: Module
    call: ast.Call


def _of_two_tables(project: Project, modules: list[Module]) -> Iterator[Finding]:
    """`create_access_token(identity=admin.id)` beside the same for users: 1 is 1."""
    subjects = {one.model: one for module in modules for one in _subjects(project, module)}
    if len(subjects) < 2:
        return
    ordered = sorted(subjects.values(), key=lambda one: (not _ADMINS.search(one.model), one.model))
    first, *others = ordered
    names = " and ".join(one.model for one in ordered[:2])
    yield found(
        "auth.token-confusion", first.module, first.call,
        f"A token says a number and not whether it is of {names}: number 1 of the one is taken for "
        "number 1 of the other.",
        severity=Severity.CRITICAL, also=[place(one.module, one.call) for one in others],
    )  # fmt: skip


def _subjects(project: Project, module: Module) -> Iterator[_Subject]:
    for call in module.calls:
        if not _MAKES.match(called(call)) or keyword(call, "additional_claims", "user_claims"):
            continue
        holder = _numbered(_subject(call))
        owner = module.owners.get(call)
        model = _model(owner, holder) if holder and owner else ""
        if holder == "self" and owner in module.holders:
            model = module.holders[owner].name  # a method of the model makes its tokens
        meant = project.resolve(module, model) if model else None
        if meant and isinstance(meant.node, ast.ClassDef) and not _is_unique(meant.node):
            yield _Subject(meant.node.name, module, call)


def _subject(call: ast.Call) -> ast.expr | None:
    """What the token is about, if it says nothing else that would tell two of them apart."""
    given = keyword(call, "identity") or next(iter(call.args), None)
    if not isinstance(given, ast.Dict):
        return given if keyword(call, "identity") or called(call) == "create_access_token" else None
    pairs = {text_of(key) or "": value for key, value in zip(given.keys, given.values, strict=True)}
    return None if any(_SAYS_WHICH.search(key) for key in pairs) else pairs.get("sub")


def _numbered(node: ast.expr | None) -> str:
    """`admin` of `admin.id` and `str(admin.id)`."""
    if isinstance(node, ast.Call) and called(node) == "str" and node.args:
        node = node.args[0]
    if isinstance(node, ast.Attribute) and node.attr == "id" and isinstance(node.value, ast.Name):
        return node.value.id
    return ""


def _model(owner: Function, name: str) -> str:
    for target, value in assigns_in(owner):
        if dotted(target) == name:
            words = [dotted(value), *chain(value)] if not isinstance(value, ast.Name) else []
            for call in calls_in(value):
                words += [dotted(one) for one in call.args if called(call) in {"query", "select"}]
            if model := next((one for one in words if re.match(r"[A-Z]\w*$", one)), ""):
                return model
    return ""


def _is_unique(model: ast.ClassDef) -> bool:
    """Its ids are of nothing else, as those of a counter are."""
    return any(
        isinstance(item, ast.Assign | ast.AnnAssign)
        and dotted(item.targets[0] if isinstance(item, ast.Assign) else item.target) == "id"
        and any(_UNIQUE.search(word) for word in words_in(item))
        for item in model.body
    )


# what it is for

_FOR_RENEWAL = re.compile(
    r"^(create|generate|make|issue|sign|encode)_?(jwt_?)?refresh_?(jwt_?)?token"
)
_FOR_ACCESS = re.compile(
    r"^(create|generate|make|issue|sign|encode)_?(jwt_?)?access_?(jwt_?)?token"
)
_KINDS = re.compile(r"^(access|refresh)(_?token)?$", re.IGNORECASE)


def _renewing(project: Project, modules: list[Module]) -> Iterator[Finding]:
    """A token for renewing that is signed as one for access is, where nobody asks which it is."""
    made = [(module, function) for module in modules for function in module.functions]
    access = {key for one in made if _FOR_ACCESS.match(one[1].name) for key in _keys(project, *one)}
    if not access or any(_asks_kind(module) for module in modules):
        return
    for module, function in made:
        if _FOR_RENEWAL.match(function.name) and _keys(project, module, function) & access:
            yield found(
                "auth.token-confusion", module, function,
                f"{function.name} signs what opens every route as an access token does: nobody "
                "asks which of the two it is.",
                symbol=function.name,
            )  # fmt: skip
            return


def _keys(project: Project, module: Module, function: Function, depth: int = 1) -> set[str]:
    """What JSON Web Tokens are signed with, here or in a function that it calls."""
    keys = set()
    for call in calls_in(function):
        if called(call) == "encode" and re.search(r"jwt|jose", dotted(call.func), re.IGNORECASE):
            key = argument(call, 1, "key")
            keys |= {ast.unparse(key)} if key is not None else set()
        elif depth:
            there = project.resolve(module, dotted(call.func))
            if isinstance(there.node, ast.FunctionDef | ast.AsyncFunctionDef) and there.module:
                keys |= _keys(project, there.module, there.node, depth - 1)
    return keys


def _asks_kind(module: Module) -> bool:
    """`payload["type"] != "access"`, or with a constant that is called so, or a parameter."""
    for node in module.nodes:
        if isinstance(node, ast.Compare):
            expected = isinstance(node.comparators[0], ast.Name)
            if expected and key_of(node.left) in {"type", "token_type", "typ"}:
                return True
            for inner in nodes_in(node):
                word = text_of(inner) or (inner.attr if isinstance(inner, ast.Attribute) else "")
                if _KINDS.match(word):
                    return True
    return False
