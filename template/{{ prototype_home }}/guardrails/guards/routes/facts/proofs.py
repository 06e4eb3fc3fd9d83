"""Whether a check compares anything, and a token that is looked up came with the request."""

import re

from .flow import Names
from .program import Piece, Program
from .signs import TOKEN_LOOKUP
from .source import Module

_PROVES = re.compile(
    r"(?<![\w'\"])(?!typeof)[\w.\])]+\s*[!=]==?\s*(?!['\"`]?(?:string|undefined|null|true|false)\b)"
    r"|\b(?:fetch|axios|request|equals?|compare\w*|timingSafeEqual|verify\w*)\("
    r"|\bcreate(?:Hmac|Verify|Hash)\(|\.(?:verify|sign|includes|constructEvent\w*|post)\("
)
"""In the body of a check: a comparison, a signature, or the provider is asked."""
_COLUMN = re.compile(r"\.eq\(")


def verifies(program: Program, module: Module, called: str) -> bool:
    """Whether a check of the tree's own compares anything, or only sees that it was sent."""
    name = re.fullmatch(r"(\w+)\(", called)
    found = program.function(module, name[1]) if name else None
    if found is None:
        return True
    body = found[0].slice(found[1]).partition("{")[2]
    return re.search(r"\breturn\s+true\b", body) is None or _PROVES.search(body) is not None


_TURNED_AWAY = re.compile(
    r"\bif\s*\(\s*!\s*\(?\s*(?:await\s+)?(\w*(?:[aA]dmin|[aA]uth|[sS]ession|[lL]ogged|[sS]taff|[pP]ermi)\w*)"
    r"\(\s*(?:req|request|_req|ctx|c|event)\b[^()]*\)\s*\)?\s*\)\s*\{?\s*return\b[^;]{0,160}\b40[13]\b"
)
_LOOKS_AT = re.compile(r"cookie|session|token|jwt|password|hash|secret|verif|bearer", re.IGNORECASE)


def turned_away(program: Program, piece: Piece) -> int | None:
    """Where `if (!(await isAdminRequest(request))) return 401` stands, if that looks at anything
    that only the caller has."""
    for match in _TURNED_AWAY.finditer(piece.code):
        found = program.function(piece.module, match[1])
        if found is None or _LOOKS_AT.search(found[0].slice(found[1])):
            return piece.start + match.start(1)
    return None


def by_token(piece: Piece, names: Names) -> bool:
    """Whether a record is looked up by an unguessable token that the request brings: not by one
    of a row that was read before.
    """
    return any(
        _COLUMN.match(found[0]) is None
        or "." not in (given := _given_to(piece, found))
        or names.has_sent(given)
        for found in TOKEN_LOOKUP.finditer(piece.code)
    )


_CODE_COMPARED = re.compile(
    r"\(\s*(?P<row>\w*(?:verif|otp|one_?time|confirm|reset|request|code|pin)\w*)[?!]?\."
    r"\w*(?:code|otp|pin|token)\w*\s*!==?\s*(?:String\(\s*)?(?P<sent>\w+)\)*\s*\)",
    re.IGNORECASE,
)


def by_code(piece: Piece, names: Names) -> bool:
    """Whether who sends another code than the one that was sent to them is turned away:
    `if (verification.code !== code) return`.
    """
    for one in piece.module.conditions:
        found = _CODE_COMPARED.fullmatch(piece.module.slice(one.test))
        if not found or not piece.start <= one.start < piece.end:
            continue
        refused = re.search(r"\b(?:return|throw)\b", piece.module.slice(one.then))
        if refused and names.has_sent(found["sent"]) and not names.has_sent(found["row"]):
            return True
    return False


_TOKEN_CHECK = re.compile(
    r"^(?:validate|verify|check|is_?valid)\w*(?:Token|Link|Invite|Code|Signature)\w*$"
)


def by_helper(program: Program, piece: Piece, names: Names) -> bool:
    """Whether a function of the tree's own compares a token that the request brings with one that
    is kept, and who has none is refused: `if (!(await validateEditToken(id, token))) return 403`.
    """
    for call in piece.module.calls_in(piece.start, piece.end):
        if (
            not _TOKEN_CHECK.match(call.callee)
            or program.function(piece.module, call.callee) is None
        ):
            continue
        given = " ".join(piece.module.slice(one) for one in call.arguments)
        after = piece.module.code[call.end : call.end + 240]
        if (
            names.has_sent(given)
            and _REFUSED.search(after)
            and verifies(program, piece.module, f"{call.callee}(")
        ):
            return True
    return False


_REFUSED = re.compile(
    r"\bif\s*\([^;{]*![^;]{0,200}?\breturn\b|\)\s*\{?\s*return\b[^;]{0,160}\b40[13]\b|\bthrow\b"
)


def _given_to(piece: Piece, found: re.Match[str]) -> str:
    """What `.eq("token", …)` compares the column with."""
    return re.split(r"[)\n]", piece.code[found.end() : found.end() + 200])[0].strip(", ")


_OF_A_ROW = re.compile(r"\s*(\w+)[?!]?\.(?:_?id|userId)\b")
_MAKES_A_ROW = re.compile(
    r"\s*(?:await\s+)?(?:new\s+[A-Z]\w*\(|[\w.]+\.(?:create\w*|insert\w*|signUp|register\w*)\()"
)


def made_here(piece: Piece, value: str) -> bool:
    """`user._id` of the account that the handler itself makes: not of one that it may have found,
    and makes only where it finds none.
    """
    row = _OF_A_ROW.match(value)
    if row is None:
        return False
    without = re.compile(rf"!\s*{row[1]}\b|\b{row[1]}\s*===?\s*null")
    return any(
        one.names.strip() == row[1]
        and _MAKES_A_ROW.match(piece.module.slice(one)) is not None
        and not any(
            it.then.start < one.at < it.then.end and without.search(piece.module.slice(it.test))
            for it in piece.module.conditions
        )
        for one in piece.module.bindings_in(piece.start, piece.end)
    )
