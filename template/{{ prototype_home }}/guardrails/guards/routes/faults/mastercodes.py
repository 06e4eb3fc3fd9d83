"""One code that fits every account: `return code === "123456"`, where nobody has sent any."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.meant import not_in_production
from ..facts.middleware import Access
from ..facts.program import Piece
from .say import CRITICAL, HIGH, at_route, finding, on_the_way, place

_PROVES = re.compile(
    r"\botp|otp\b|verif|log-?in|sign-?in|2fa|mfa|phone|confirm|/auth/", re.IGNORECASE
)
_FITS = re.compile(
    r"(?<![\w$])(?P<said>(?:[\w$]+[?!]?\.)*(?:\w*_)?(?i:otp\w*|\w*code|pin))(?:\.trim\(\)|\.toString\(\))?"
    r"\s*={2,3}\s*(['\"`])(?P<word>\d{4,8})\2"
)
_AT_HOME = re.compile(
    r"NODE_ENV|\bis_?(?:dev|test|local)\w*|dev(?:elopment)?_?mode|\bDEBUG\b|\bDEMO\b|__DEV__|testing",
    re.IGNORECASE,
)


def master_codes(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access is not Access.PUBLIC or not _PROVES.search(case.route.path):
            continue
        for piece in () if not_in_production(case) else case.pieces:
            found = next(_fitting(case, piece), None)
            if found is not None:
                at, word, always = found
                message = f"{case.route.label} takes {word} for the code of every account"
                message += "" if always else ", as long as no provider is set up"
                where = place(piece.module, at, case.route.label)
                also = [*on_the_way(piece), at_route(case)]
                severity = CRITICAL if always else HIGH
                yield finding("auth.default-credentials", where, message, severity, also)
                break


def _fitting(case: Case, piece: Piece) -> Iterator[tuple[int, str, bool]]:
    names = case.flow.of(piece)
    for found in _FITS.finditer(piece.code):
        at = piece.start + found.start()
        under = [
            piece.module.slice(one.test)
            for one in piece.module.conditions
            if one.then.start <= at < one.then.end
        ]
        line = piece.code[: found.start()].rpartition("\n")[2] + piece.code[found.end() :][:80]
        if names.has_sent(found["said"]) and not _AT_HOME.search(" ".join(under) + line):
            yield at, found["word"], not any("!" in one for one in under)
