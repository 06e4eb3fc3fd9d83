"""Numbers of a request that may be less than nothing."""

import re

from .access import Case
from .flow import Names
from .program import Piece

_WHOLE = re.compile(r"(?:Number|parseInt|parseFloat|Math\.\w+)\(\s*([\w.]+)")
FROM_A_PROVIDER = re.compile(r"web-?hook|(?:^|[/_-])(?:callback|ipn|postback)", re.IGNORECASE)
_SCHEMAS = re.compile(
    r"\bpositive\(|\.min\(|isInt\(|isFloat\(|validationResult|\bnonnegative\(|Joi|safeParse\("
    r"|(?<!JSON)\.parse\("
)


def described(case: Case) -> bool:
    """Whether something says what the body may be, in the handler or before it."""
    if _SCHEMAS.search(case.code):
        return True
    before = (guarding.code for guarding in case.route.guards)
    return any(re.search(r"(?i)valid|schema", code) for code in before)


_MODELS = re.compile(r"\b(?:model|models)(?:<[^()]*>)?\(\s*['\"](\w+)")


def kept_positive(case: Case, root: str) -> bool:
    """Whether a schema of Mongoose, of a model that is named on the way, refuses what is less than
    its `min`, or the body is of a class whose field may not be.
    """
    wanted = re.compile(rf"\b{re.escape(root)}\s*:\s*\{{[^{{}}]*\bmin\s*:")
    declared = re.compile(rf"@(?:Min|IsPositive)\([^;]{{0,160}}?\b{re.escape(root)}\b")
    for path in case.program.tree.ending(".js", ".ts", ".mjs", ".cjs"):
        text = case.program.tree.text(path) or ""
        if "Schema(" in text and wanted.search(text):
            named = _MODELS.findall(text)
            if not named or any(re.search(rf"\b{one}\b", case.code) for one in named):
                return True
        if case.route.kind == "nest" and declared.search(text):
            return True
    return False


def may_be_negative(case: Case, piece: Piece, names: Names, value: str) -> bool:
    """Whether a number is the request's, alone or in a list of it, and nobody refuses less than
    nothing.
    """
    if value.endswith((".length", ".size")):
        return False  # so many of a list
    return _of_a_list(case, piece, names, value) or _by_itself(case, piece, names, value)


def _by_itself(case: Case, piece: Piece, names: Names, value: str) -> bool:
    if not re.match(r"[a-z]", value):
        return False
    root = value.rpartition(".")[2]
    made = re.search(rf"\b{root}\s*=\s*{_WHOLE.pattern}", piece.code)
    if re.search(rf"\b{root}\s*=\s*[^;\n]*\.length\b", piece.code):
        return False  # so many of a list
    sent = names.has_sent(value) or (made is not None and names.has_sent(made[1]))
    if not sent or names.has_caller(value) or kept_positive(case, root):
        return False
    every = "|".join({root, *([made[1].rpartition(".")[2]] if made else [])})
    bound = re.compile(
        rf"(?<![-+*/] )\b(?:{every})\)?\s*(?:<=?|>=?)\s*(?:\d|[A-Z_]{{3,}}\b)"
        rf"|\d\s*[<>]=?\s*(?:\w+\()?(?:{every})\b"
        rf"|Math\.(?:abs|max)\([^()]*\b(?:{every})\b|isPositive"
    )
    return bound.search(case.code) is None


_EACH = re.compile(
    r"\bfor\s*\(\s*(?:const|let)\s+(\w+)\s+of\s+([\w.?]+)"
    r"|([\w.?]+)\??\.(?:map|forEach|reduce|filter)\(\s*(?:async\s*)?\(?\s*(?:\w+\s*,\s*)?(\w+)"
)


def _of_a_list(case: Case, piece: Piece, names: Names, value: str) -> bool:
    """Whether it is the field of each of a list that was sent, and nobody asks how much it is."""
    root, _, field = value.partition(".")
    if not field or kept_positive(case, field) or _asked(case, field):
        return False
    return any(
        (one[1] or one[4]) == root and _sent_list(names, (one[2] or one[3]).replace("?", ""))
        for one in _EACH.finditer(piece.code)
    )


def _sent_list(names: Names, listed: str) -> bool:
    return names.has_sent(listed) and not names.has_caller(listed)


def _asked(case: Case, field: str) -> bool:
    bound = re.compile(
        rf"\b{field}\)?\s*(?:<=?|>=?)\s*\d|\d\s*[<>]=?\s*(?:\w+[.(])*{field}\b"
        rf"|Math\.(?:abs|max)\([^()]*\b{field}\b|isInteger\([^()]*\b{field}|isPositive"
    )
    return bound.search(case.code) is not None
