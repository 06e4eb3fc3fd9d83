"""Lists of what a caller may set of a row, and what is in them that others should decide."""

import ast
import re

from .handlers import Handler
from .syntax import assigns_in, dotted, strings_in

_DECIDED = re.compile(
    r"^(role|roles|is_?admin|is_?superuser|is_?staff|user_?type|account_?type|permissions?|access_?level"
    r"|balance|wallet_?balance|credits?|plan|tier|is_?premium|points)$",
    re.IGNORECASE,
)
_PROVEN = re.compile(
    r"^(is_?)?((e-?mail|phone|kyc|identity|account)_?)?verified(_?at)?$", re.IGNORECASE
)
_ALLOWED = re.compile(
    r"allow|permit|editable|updatable|whitelist|fields|keys|columns", re.IGNORECASE
)


def let_through(handler: Handler) -> tuple[ast.AST, str] | None:
    """`allowed = {"name", "is_admin"}`: the list of what may be set names what may not."""
    for target, value in assigns_in(handler.function):
        if not _ALLOWED.search(dotted(target)) or not isinstance(
            value, ast.List | ast.Set | ast.Tuple
        ):
            continue
        for one in sorted(strings_in(value)):
            if _DECIDED.match(one) or _PROVEN.match(one):
                return value, one
    return None
