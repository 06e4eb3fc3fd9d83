"""Checks that stand before a route as a comment."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ....engine.finding import Finding
from ..facts.modules import Function, Module
from ..facts.syntax import found, words_in

_OUT = re.compile(
    r"^\s*#\s*(@\s*(check|require|verify)\w*_(permissions?|auth|role|admin|login|token|user)\w*\b|"
    r"@\s*\w*(login_required|jwt_required|token_required|auth\w*_required|requires?_auth\w*|"
    r"admin_required|role_required|permission_required)\b|"
    r"permission_classes\s*=.*IsA|.*\bDepends\(\s*\w*(current_user|auth|admin|require|verify)\w*|"
    r"dependencies\s*=\s*\[\s*Depends)",
)
_MOST = 40


def commented_out(module: Module, functions: list[Function]) -> Iterator[Finding]:
    """One of a file: who takes the check away takes it away before each of its routes."""
    told = list(_each(module, functions))
    if told:
        first, *others = told
        more = f" So is that of {len(others)} more." if others else ""
        also = tuple(one.place for one in others)[:_MOST]
        yield replace(first, message=f"{first.message}{more}", also=also)


def _each(module: Module, functions: list[Function]) -> Iterator[Finding]:
    for function in functions:
        start = min([function.lineno, *(node.lineno for node in function.decorator_list)])
        for line in range(max(1, start - 1), function.body[0].lineno):
            text = module.lines[line - 1] if line <= len(module.lines) else ""
            if _OUT.match(text) and not _stands_below(text, function):
                yield found(
                    "authz.disabled", module, line,
                    f"The check before {function.name} is commented out.",
                    symbol=function.name,
                )  # fmt: skip


_DEPENDS = re.compile(r"\bDepends\(\s*(?:\w+\.)*(\w+)")


def _stands_below(text: str, function: Function) -> bool:
    """The check that is commented out of the decorator is a parameter of the function."""
    named = set(_DEPENDS.findall(text))
    return bool(named) and named <= words_in(function.args)
