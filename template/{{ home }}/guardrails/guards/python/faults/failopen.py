"""Checks that let pass whom they should refuse: they answer where they should raise."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.modules import Function, Module, Project, is_script
from ..facts.refusals import refuses
from ..facts.switches import stands
from ..facts.syntax import (
    assigned,
    assigns_in,
    called,
    calls_in,
    dotted,
    found,
    keyword,
    names_in,
    own_body,
    parameters,
    place,
    text_of,
)
from ..facts.walking import nodes_in

_DECODES = re.compile(r"decode|verify|jwt|authenticate|^get_unverified_claims$", re.IGNORECASE)
_ASKS_WHO = re.compile(
    r"(current|get|load|require|verify|check|validate|auth\w*)_(\w+_)?(user|auth|token|login|identity)"
    r"|^auth|_required$",
    re.IGNORECASE,
)
_OPTIONAL = re.compile(r"optional|maybe|or_none|if_any|anonymous|guest|demo", re.IGNORECASE)


def look(project: Project) -> Iterator[Finding]:
    asked = set(_dependencies(project))
    for module in project.service:
        if is_script(module.path):
            continue
        for function in module.functions:
            if function in asked or _ASKS_WHO.search(function.name):
                yield from _unverified(module, function)
            if function in asked and not _OPTIONAL.search(function.name):
                told = [
                    *_answers(module, function),
                    *_let_in(project, module, function),
                    *_as_shown(module, function),
                ]
                yield from told[:1]


def _dependencies(project: Project) -> Iterator[ast.AST]:
    """The functions that FastAPI calls before a handler."""
    for module in project.service:
        for call in module.calls:
            if called(call) in {"Depends", "Security"} and call.args:
                meant = project.resolve(module, dotted(call.args[0]))
                if isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield meant.node


def _answers(module: Module, function: Function) -> Iterator[Finding]:
    """`except: return {"error": …}`: what a dependency returns is handed to the handler."""
    for node in own_body(function):
        if not isinstance(node, ast.Try) or not any(
            _DECODES.search(called(call)) for one in node.body for call in calls_in(one)
        ):
            continue
        for handler in node.handlers:
            returned = _returned(handler)
            if returned is not None:
                yield found(
                    "authz.fail-open", module, returned,
                    f"{function.name} returns something for a token that is not good, and the "
                    "handler runs with it: only an exception stops a request.",
                    symbol=function.name,
                )  # fmt: skip
                return


def _unverified(module: Module, function: Function) -> Iterator[Finding]:
    """What a token says is believed, and nothing in the function asks who signed it."""
    decoded = [call for call in calls_in(function) if _DECODES.search(called(call))]
    blind = [call for call in decoded if _is_blind(call)]
    if blind and len(blind) == len(decoded):
        yield found(
            "authz.fail-open", module, blind[0],
            f"{function.name} believes what a token says without asking who signed it: anybody can "
            "write one.",
            severity=Severity.CRITICAL, symbol=function.name,
        )  # fmt: skip


def _is_blind(call: ast.Call) -> bool:
    if called(call) == "get_unverified_claims":
        return True
    options = keyword(call, "options")
    said = zip(options.keys, options.values, strict=True) if isinstance(options, ast.Dict) else ()
    off = any(
        text_of(key) == "verify_signature" and isinstance(value, ast.Constant) and not value.value
        for key, value in said
    )
    verify = keyword(call, "verify")
    return off or (isinstance(verify, ast.Constant) and verify.value is False)


def _let_in(project: Project, module: Module, function: Function) -> Iterator[Finding]:
    """Branches of a check that answer before it asks anything."""
    if not any(
        refuses(node, function) or _DECODES.search(called(node)) for node in own_body(function)
    ):
        return
    for node in function.body:
        last = node.body[-1] if isinstance(node, ast.If) else None
        if not isinstance(node, ast.If) or not isinstance(last, ast.Return):
            continue
        if why := _why_open(project, module, function, node.test, last):
            yield found(
                "authz.fail-open", module, last, f"{function.name} lets everybody in {why}.",
                symbol=function.name, also=[place(module, node, function.name)],
            )  # fmt: skip


def _why_open(
    project: Project, module: Module, function: Function, test: ast.expr, last: ast.Return
) -> str:
    if stands(project, module, test):
        return f"as long as nobody sets it otherwise: {ast.unparse(test)[:60]} holds as delivered"
    missing = _missing(test)
    if not missing:
        return ""
    made = assigned(function, missing)
    read = made or [value for value in [getattr(module.named.get(missing), "value", None)] if value]
    if any(_ENVIRONMENT.search(ast.unparse(value)) for value in read):
        return (
            f"while {missing} is not set" if _SECRET.search(missing + ast.unparse(read[0])) else ""
        )
    given = missing in {item.arg for item, _ in parameters(function)} or any(
        "header" in ast.unparse(value) for value in made
    )
    if given and _SHOWN.search(missing) and isinstance(last.value, ast.Call | ast.Dict):
        return "who shows nothing at all: it answers with an account"
    return ""


_TRIMS = {"split", "strip", "removeprefix", "replace", "partition", "get"}


def _as_shown(module: Module, function: Function) -> Iterator[Finding]:
    """`else: return token`: where the token can't be asked about, what it says is who calls."""
    shown = {item.arg for item, _ in parameters(function) if _SHOWN.search(item.arg)}
    for target, value in assigns_in(function):
        calls = list(calls_in(value))
        if names_in(value) & shown and all(called(call) in _TRIMS for call in calls):
            shown |= names_in(target)
    branches = (node for node in own_body(function) if isinstance(node, ast.If) and node.orelse)
    for node, last in ((one, last) for one in branches for last in _unasked(one)):
        if isinstance(last.value, ast.Name) and last.value.id in shown:
            yield found(
                "authz.fail-open", module, last,
                f"{function.name} takes a token for who calls without asking about it: anybody "
                "can write one.",
                symbol=function.name, also=[place(module, node, function.name)],
            )  # fmt: skip
            return


def _unasked(branch: ast.If) -> Iterator[ast.Return]:
    """What is returned in one half of a branch, where the other half asks about the token."""
    for one, other in ((branch.body, branch.orelse), (branch.orelse, branch.body)):
        if any(map(_asks, one)) and not any(map(_asks, other)):
            yield from (statement for statement in other if isinstance(statement, ast.Return))


def _asks(statement: ast.stmt) -> bool:
    return any(_DECODES.search(called(call)) for call in calls_in(statement))


_ENVIRONMENT = re.compile(r"\b(getenv|environ|settings|config)\b")
_SECRET = re.compile(r"key|secret|token|passw", re.IGNORECASE)
_SHOWN = re.compile(r"token|authoriz|credential|header|bearer|cookie|session", re.IGNORECASE)


def _missing(test: ast.expr) -> str:
    """`token` of `if not token`, `if token is None`."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return dotted(test.operand) if isinstance(test.operand, ast.Name) else ""
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is | ast.Eq):
        side = test.comparators[0]
        empty = isinstance(side, ast.Constant) and not side.value
        return dotted(test.left) if empty and isinstance(test.left, ast.Name) else ""
    return ""


def _returned(handler: ast.ExceptHandler) -> ast.Return | None:
    """What is answered where nothing is raised; nobody may well be known by None."""
    if any(isinstance(node, ast.Raise) for node in nodes_in(handler)):
        return None
    return next(
        (
            node
            for node in nodes_in(handler)
            if isinstance(node, ast.Return)
            and node.value is not None
            and not (isinstance(node.value, ast.Constant) and node.value.value in {None, False, ""})
        ),
        None,
    )
