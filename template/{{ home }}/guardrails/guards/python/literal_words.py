"""Passwords that are compared with a word of the code."""

import ast
import re
from collections.abc import Callable

from .syntax import called, target_name, text_of

PASSWORD = re.compile(r"(^|_)(password|passwd|pwd|passcode|pin)$", re.IGNORECASE)
_SECOND = re.compile(
    r"confirm|repeat|again|password_?[12]|new_|old_|re_?type|_type|_id$|count|hashed_new",
    re.IGNORECASE,
)
_MARK = re.compile(r"(?!.*(?:ADMIN|PASS|ROOT|TEST|SECRET))[A-Z]{3,}(?:_[A-Z]+)*")


def is_blank(literal: str) -> bool:
    return len(literal.strip()) < 3 or literal.startswith(("$", "{", "http", "./", "/"))


def _marks(literal: str, other: ast.expr) -> bool:
    """`user.password == "LDAP"`: the column says that the password is kept elsewhere."""
    return isinstance(other, ast.Attribute) and _MARK.fullmatch(literal) is not None


def compares_password(node: ast.Compare, kept: Callable[[ast.expr], str] = lambda _: "") -> bool:
    """A password of the request, and a word that stands in the code: there, or where `kept` finds
    it.
    """
    if not isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return False
    sides = [node.left, node.comparators[0]]
    literal = next((text for side in sides if (text := text_of(side) or kept(side))), None)
    other = next(
        (side for side in sides if not isinstance(side, ast.Constant) and not kept(side)), None
    )
    if (
        literal is None
        or other is None
        or is_blank(literal)
        or _marks(literal, other)
        or (isinstance(other, ast.Call) and called(other) in {"type", "lower"})
    ):
        return False
    name = (
        target_name(other)
        if not isinstance(other, ast.Call)
        else (text_of(other.args[0]) if other.args else "") or ""
    )
    return bool(PASSWORD.search(name)) and not _SECOND.search(name)
