"""What a middleware or a guard asks of a request before a route answers it."""

import re
from enum import StrEnum

from ...everybody import EVERYBODY
from .program import Piece, Program
from .signs import (
    ANSWERS_ITSELF,
    ASKS_CALLER,
    GUARD_NAME,
    NO_GUARD_NAME,
    OF_A_ROLE,
    REFUSES,
    ROLE_TEST,
)
from .source import Function, Module
from .table import Guarding


class Access(StrEnum):
    PUBLIC = "public"
    CALLER = "caller"
    ROLE = "role"
    SECRET = "secret"  # noqa: S105 a kind of access
    SIGNATURE = "signature"
    UNKNOWN = "unknown"


def judge(program: Program, guarding: Guarding) -> tuple[Access, str] | None:
    """What a middleware asks for, or None when it lets everybody pass."""
    code = guarding.code.strip()
    name = re.sub(r"\s+", " ", code)[:60]
    pieces, resolved = guard_pieces(program, guarding)
    text = "\n".join(piece.code for piece in program.reach(pieces)[:12])
    body = pieces[0].code if pieces else ""
    if _SETS_UP.match(body) or (resolved and _lets_everybody(body)):
        return None
    if resolved:
        closed = _lets_nobody(body) or _tests_a_right(body)
        return (Access.ROLE, name) if closed else _judge_body(name, text)
    if code.startswith("@"):
        return None if "hrottl" in code else (_by_decorator(program, guarding, code), name)
    bare = _TEXTS.sub("''", code)  # what a validator says is not what it does
    if NO_GUARD_NAME.search(bare[:60]) or not GUARD_NAME.search(bare[:80]):
        return None
    if re.search(r"(?i)admin|role|permission|authoriz|restrict", code):
        return Access.ROLE, name
    return Access.CALLER, name


def _by_decorator(program: Program, guarding: Guarding, code: str) -> Access:
    if code.startswith("@UseGuards("):
        open_ = [one for one in _OF_ROLES.findall(code) if _passes_unasked(program, guarding, one)]
        for one in open_:
            code = code.replace(one, "")
        return Access.ROLE if OF_A_ROLE.search(code) else Access.CALLER
    asked = [one for one in re.findall(r"\w+", code.partition("(")[2]) if not _ENUM.fullmatch(one)]
    if asked and all(EVERYBODY.match(f"'{one.lower()}'") for one in asked):
        return Access.CALLER
    return Access.ROLE if OF_A_ROLE.search(code) else Access.CALLER


_OF_ROLES = re.compile(r"\b(?:\w*Roles?|\w*Permissions?)(?:Auth)?Guard\b")
_ENUM = re.compile(r"(?:User)?Roles?|(?:User)?RoleEnum|Permissions?|RoleType")


def _passes_unasked(program: Program, guarding: Guarding, name: str) -> bool:
    """`if (!required) return true`: without `@Roles(...)` a guard of roles turns nobody away."""
    there = program.find(guarding.module, name)
    span = there and next((one for one in there[0].classes if one[0] == there[1]), None)
    if not there or not span:
        return False
    return _LETS_PASS.search(there[0].code, span[1], span[2]) is not None


_LETS_PASS = re.compile(
    r"\bif\s*\([^{};]*!\s*\w*(?:[rR]oles?|[pP]ermissions?|[rR]equired)\w*[^{};]*\)\s*\{?\s*return\s+true"
)
_TEXTS = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`]*`")


def _tests_a_right(text: str) -> bool:
    """It refuses who is known already: 403, never 401, and it reads no token itself."""
    return (
        re.search(r"\b403\b|[fF]orbidden", text) is not None
        and not re.search(r"\b401\b|(?i:unauthori[sz]ed|unauthenticated)", text)
        and not re.search(r"(?i)verify|decode|headers|cookies|getUser|getSession|query\.", text)
        and re.search(r"\breq(?:uest)?\.(?!headers|cookies|query|body)\w+", text) is not None
    )


_SETS_UP = re.compile(
    r"\s*(?:await\s+)?(?:\w+\.)?(?:session|cookie[sS]ession|expressSession|cookieParser|rateLimit"
    r"|cors|helmet|multer|initialize)\("
)


def _lets_nobody(code: str) -> bool:
    """A middleware that is given `next`, never calls it, and answers with a refusal."""
    return len(re.findall(r"\bnext\b", code)) == 1 and REFUSES.search(code) is not None


_CATCHES = re.compile(r"\bcatch\s*(?:\([^()]*\))?\s*\{")
_TURNS_DOWN = re.compile(r"\bthrow\b|\bnext\(\s*\w")
_ANSWER = re.compile(r"\b_?(?:res|response|reply)\b")


def _lets_everybody(code: str) -> bool:
    """It finds out who calls if it can, answers nobody itself, and goes on after each failure."""
    if not re.search(r"\bnext\(\s*\)", code) or _TURNS_DOWN.search(code):
        return False
    return len(_ANSWER.findall(code)) == 1 and _CATCHES.search(code) is not None


def _judge_body(name: str, text: str) -> tuple[Access, str] | None:
    if re.search(r"(?i)csrf|\b429\b", text) and not ASKS_CALLER.search(text):
        return None
    refuses = REFUSES.search(text) or re.search(r"\bthrow\b|next\(\s*(?:new|err)", text)
    if not refuses and not (ANSWERS_ITSELF.search(text) and ASKS_CALLER.search(text)):
        return None
    if not ASKS_CALLER.search(text) and not re.search(
        r"headers?\b|cookies?\b|session|token|\breq\w*\.\w*(?:user|auth|admin)", text, re.IGNORECASE
    ):
        return None
    if (
        re.search(r"(?i)\borigin\b", text)
        and not ASKS_CALLER.search(text)
        and "token" not in text.lower()
    ):
        return None
    tests = ROLE_TEST.search(text) and not _tells_apart(text)
    if tests or re.search(r"(?i)admin|role|permission", name):
        return Access.ROLE, name
    return Access.CALLER, name


_READS_TOKEN = re.compile(r"\b(?:jwt|jose|jsonwebtoken)\.verify\(|\bverify(?:IdToken|Token|Jwt)\(")
_FOR_THE_ROLE = re.compile(
    r"\b403\b|[fF]orbidden|FORBIDDEN|[dD]enied|[pP]ermission|[rR]oles?\b['\"]?\]?\s*!==?|[iI]ncludes\("
    r"|!\s*[\w$.?]*(?:[iI]s_?[aA]dmin|[iI]s_?[sS]uper\w*|[iI]s_?[sS]taff|[rR]ole)\b"
)


def _tells_apart(text: str) -> bool:
    """It reads the token of either kind of account, and turns neither away for its role."""
    return _READS_TOKEN.search(text) is not None and _FOR_THE_ROLE.search(text) is None


def guard_pieces(program: Program, guarding: Guarding) -> tuple[list[Piece], bool]:
    """The code of a middleware, and whether it is the tree's own."""
    module, argument = guarding.module, guarding.argument
    if argument.kind in {"arrow_function", "function_expression"}:
        return [Piece(module, argument.start, argument.end)], True
    name = re.match(r"(?:new\s+)?([\w$.]+)", guarding.code.strip())
    found = _wrapped(program, guarding) or (program.function(module, name[1]) if name else None)
    if found:
        return [Piece(found[0], found[1].start, found[1].end, 0, found[1])], True
    there = program.find(module, name[1]) if name and "." not in name[1] else None
    binding = there[0].outer_values.get(there[1]) if there else None
    if there and binding:
        value = Piece(there[0], binding.start, binding.end)
        known = re.search(r"=>|function", value.code) is not None
        if not known and (made := _by_a_maker(program, value)):
            return [made], True
        return [value], known or not GUARD_NAME.search(value.code[:80] + guarding.code)
    return [], False


_WRAPS = re.compile(r"[\w$.]+\(\s*([\w$.]+)\s*,?\s*\)$")


def _wrapped(program: Program, guarding: Guarding) -> tuple[Module, Function] | None:
    """The check in `catchErrors(requireAdmin)`: a middleware that another one only carries."""
    inner = _WRAPS.match(guarding.code.strip())
    found = program.function(guarding.module, inner[1]) if inner else None
    return found if found and len(found[1].parameters) >= _OF_A_MIDDLEWARE else None


_OF_A_MIDDLEWARE = 3
"""`(req, res, next)`"""
_MAKES = re.compile(r"\s*([\w$.]+)\(")


def _by_a_maker(program: Program, value: Piece) -> Piece | None:
    """The function of the tree that makes a middleware: `requireRole` of `requireRole(["owner"])`,
    wherever the value has its name.
    """
    call = _MAKES.match(value.code)
    found = program.function(value.module, call[1]) if call else None
    return Piece(found[0], found[1].start, found[1].end, 0, found[1]) if found else None
