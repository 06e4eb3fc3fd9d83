"""Passwords and codes that are compared with a word of the program."""

import ast
import re
from collections.abc import Callable

from .syntax import called, dotted, strings_in, target_name, text_of, words_in
from .walking import nodes_in

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


_CODE = re.compile(r"^(otp|otp_code|code|pin|passcode|verification_code)$", re.IGNORECASE)
_REACHED_BY = re.compile(r"phone|mobile|email|number|msisdn", re.IGNORECASE)


_DIGITS = re.compile(r"\d{4,8}")


def code_for_all(node: ast.BoolOp) -> ast.AST | None:
    """`kept.code != said.code and said.code != "000000"`."""
    tests = [one for one in node.values if isinstance(one, ast.Compare)]
    for test in tests:
        said, literal = test.left, text_of(test.comparators[0]) or ""
        if not _CODE.match(target_name(said)) or not _DIGITS.fullmatch(literal):
            continue
        kept = [[one.left, one.comparators[0]] for one in tests if one is not test]
        sent = [sides for sides in kept if not any(map(text_of, sides))]
        if ast.dump(said) in {ast.dump(side) for sides in sent for side in sides}:
            return test
    return None


def code_for_one(node: ast.If) -> ast.AST | None:
    """`if phone == "9999999999": otp = "123456"`."""
    test = node.test
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq | ast.In):
        return None
    about = any(_REACHED_BY.search(word) for word in words_in(test.left))
    if not about or not strings_in(test.comparators[0]):
        return None
    given = (one for statement in node.body for one in nodes_in(statement))
    return next(
        (
            one
            for one in given
            if isinstance(one, ast.Assign)
            and _CODE.match(dotted(one.targets[0]).rpartition(".")[2])
            and text_of(one.value)
        ),
        None,
    )
