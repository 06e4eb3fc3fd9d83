"""Log-ins with somebody else's account: who it is, the browser says, and nobody asks there."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from .say import CRITICAL, at_route, at_spot, finding, place

_ELSEWHERE = re.compile(
    r"google|facebook|firebase|apple|github|oauth|social|sso|provider", re.IGNORECASE
)
_ASKED_THERE = re.compile(
    r"verifyIdToken|OAuth2Client|tokeninfo|googleapis|accounts\.google|graph\.facebook|api\.github"
    r"|appleid|passport|getToken\(|exchangeCode|getUser\(|\bverify\w*\(|\bdecode\w*\(|fetch\(|axios"
    r"|\.compare\w*\(|createRemoteJWKSet|jwtVerify|firebase-admin|admin\.auth\(",
    re.IGNORECASE,
)
_SIGNS_IN = re.compile(
    r"\bjwt\.sign\(|\breq\.log[iI]n\(|\bsession\.\w*(?:[uU]ser|[aA]uth)\w*\s*=(?!=)"
    r"|\b(?:generate|create|sign|issue)\w*(?:Token|Jwt|JWT|Session)\w*\("
)
_BY_ADDRESS = re.compile(
    r"ByEmail\(|By(?:Google|Firebase|Facebook|Provider|Uid)\w*\(|\bfindOne\(\s*\{[^{}]*\b(?:email|googleId|uid)\b"
    r"|\bwhere\s*:\s*\{[^{}]*\b(?:email|googleId|firebaseUid)\b|\beq\(\s*\w+\.(?:email|googleId)\b"
    r"|\.eq\(\s*['\"]email['\"]|\bWHERE\s+(?:\w+\.)?(?:email|google_?id|firebase_?uid)\s*=\s*[$?]"
    r"|\bON\s+CONFLICT\s*\(\s*(?:email|google_?id|firebase_?uid)\s*\)"
)
_RATHER_THE_REQUEST = re.compile(
    r"(?P<said>[\w$]+(?:\??\.body)?)\??\.email\s*(?:\?\?|\|\|)\s*(?P<known>[\w$]+)\??\.email\b"
)
_VERIFIED = r"\b{}\b[^=;]*=\s*(?:await\s+)?[\w$.()]*(?:verif|decode|getPayload|introspect)\w*\("


def social_logins(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        route = case.route
        named = route.method == "POST" and _ELSEWHERE.search(route.path) is not None
        if not named or not route.known or not _SIGNS_IN.search(case.code):
            continue
        yield from _believed_instead(case)
        if case.access is not Access.PUBLIC or _ASKED_THERE.search(case.code):
            continue
        spot = case.first(_BY_ADDRESS)
        if spot is None or not case.flow.of(spot.piece).sent:
            continue
        message = (
            f"{route.label} signs in whoever's address the request names: the browser says who "
            f"was signed in elsewhere, and no token of that provider is verified"
        )
        where = at_spot(spot, route.label)
        yield finding("authz.client-supplied-identity", where, message, CRITICAL, [at_route(case)])


def _believed_instead(case: Case) -> Iterator[Finding]:
    """`body.email ?? verified.email`: the token is verified, and the request is believed."""
    for piece in case.pieces:
        for found in _RATHER_THE_REQUEST.finditer(piece.code):
            sent = case.flow.of(piece).has_sent(found["said"])
            known = re.search(
                _VERIFIED.format(re.escape(found["known"])), piece.code, re.IGNORECASE
            )
            if sent and known:
                yield finding(
                    "authz.client-supplied-identity",
                    place(piece.module, piece.start + found.start(), case.route.label),
                    f"{case.route.label} signs in whoever's address the request names, and only "
                    f"where it names none the one of the verified token",
                    CRITICAL,
                    [at_route(case)],
                )
                return
