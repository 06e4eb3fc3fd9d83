"""One-time codes: what was sent to prove an address, and stands in the answer too."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.flow import Names, mentions
from ..facts.meant import not_in_production
from ..facts.middleware import Access
from ..facts.program import Piece
from .say import CRITICAL, HIGH, at_route, finding, place

_PROVES = re.compile(
    r"\botp|otp\b|verif|reset|forgot|recover|2fa|mfa|magic|one-?time|send-?code|log-?in-?code",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"(?:\w*_)?(?:otp|otp_?code|pin|pin_?code|code|(?:verif\w*|reset|confirm\w*|login|magic|one_?time)_?"
    r"(?:code|token|link|url|pin)|raw_?token|plain_?token)",
    re.IGNORECASE,
)
_BY_CHANCE = re.compile(
    r"Math\.random|randomInt\(|randomBytes\(|randomUUID\(|getRandomValues|\bnanoid\(|\bcustomAlphabet"
    r"|\b(?:generate|create|make|new|random)\w*(?:OTP|Otp|Code|Token|Pin|PIN|Link)\w*\("
)
_ANSWERS = re.compile(r"Response(?:\.json)?$|\.json$|\.send$|^json$|^respond\w*$|^jsonResponse$")
_REGISTERS = re.compile(r"qr|coupon|voucher|gift|refer|invit|ticket|booking|order", re.IGNORECASE)
_AT_HOME = re.compile(
    r"NODE_ENV|\bis_?(?:dev|test|local)\w*|\bdev(?:elopment)?_?mode|\bDEBUG\b|\bDEMO\b|__DEV__",
    re.IGNORECASE,
)


def told_codes(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        label = case.route.label
        if case.access is Access.ROLE or not _PROVES.search(label):
            continue
        if _REGISTERS.search(label) or not_in_production(case):
            continue
        for piece in case.pieces[:1]:
            if told := _told(piece):
                at, name = told
                if _shown_before(piece, case.flow.of(piece), at):
                    continue
                message = f"{label} answers with `{name}`, which should prove that it was received"
                severity = HIGH if case.access is Access.CALLER else CRITICAL
                where = place(piece.module, at, label)
                yield finding("auth.code-in-response", where, message, severity, [at_route(case)])


def _told(piece: Piece) -> tuple[int, str] | None:
    """Where the answer has the code in it, and its name."""
    made = _made(piece)
    for call in piece.module.calls_in(piece.start, piece.end) if made else ():
        if not _ANSWERS.search(call.callee) or _AT_HOME.search(_under(piece, call.start)):
            continue
        for given in call.arguments[:1]:
            text = piece.module.slice(given)
            field = _FIELD.format("|".join(map(re.escape, made)))
            told = None if _AT_HOME.search(text) else re.search(field, text)
            if told:
                return given.start + told.start(1), told[1]
    return None


_FIELD = r"(?:[{{,]\s*|:\s*)({})\s*(?=[,}}])"


def _made(piece: Piece) -> set[str]:
    """What codes are made up by chance, and what is made of one."""
    made: set[str] = set()
    for one in piece.module.bindings_in(piece.start, piece.end):
        name, value = one.names.strip(), piece.module.slice(one)
        if not _CODE.fullmatch(name) or len(value) > 400:
            continue
        of_one = mentions(value, made) and not _OTHER.search(value)
        made |= {name} if of_one or _BY_CHANCE.search(value) else set()
    return made


_OTHER = re.compile(r"\bawait\b|hash", re.IGNORECASE)
_SHOWN = re.compile(rf"{_CODE.pattern}|token", re.IGNORECASE)
_IN_THE_BODY = re.compile(rf"\b(?:body|data|input|payload)\.(?:{_SHOWN.pattern})\b", re.IGNORECASE)
_COMPARES = re.compile(
    r"[!=]==?(?!\s*(?:null|undefined|true|false|['\"]))|\b(?:compare|equals?|verif\w*|check|validate)"
    r"\w*\(|\.(?:find\w*|eq|where|get)\(",
    re.IGNORECASE,
)


def _shown_before(piece: Piece, names: Names, at: int) -> bool:
    """Whether the code that was sent is compared above: what is answered then follows from it."""
    shown = {one for one in names.sent if _SHOWN.fullmatch(one)}
    module = piece.module
    tests = (module.slice(one.test) for one in module.conditions if piece.start <= one.start < at)
    values = (module.slice(one) for one in module.bindings_in(piece.start, at))
    return any(
        _COMPARES.search(text) and (mentions(text, shown) or _IN_THE_BODY.search(text))
        for text in (*tests, *values)
        if len(text) < 400
    )


def _under(piece: Piece, at: int) -> str:
    """The conditions that the answer stands under."""
    return " ".join(
        piece.module.slice(one.test) for one in piece.module.conditions if one.start <= at < one.end
    )
