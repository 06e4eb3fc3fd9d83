"""Log-ins with somebody else's account: who it is, the browser says, and nobody asks there."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Case
from .middleware import Access
from .say import CRITICAL, at_route, at_spot, finding

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
    r"|\.eq\(\s*['\"]email['\"]"
)


def social_logins(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        route = case.route
        if (
            case.access is not Access.PUBLIC
            or not route.known
            or route.method != "POST"
            or not _ELSEWHERE.search(route.path)
            or _ASKED_THERE.search(case.code)
            or not _SIGNS_IN.search(case.code)
        ):
            continue
        spot = case.first(_BY_ADDRESS, own=True)
        if spot is None or not case.flow.of(spot.piece).sent:
            continue
        message = (
            f"{route.label} signs in whoever's address the request names: the browser says who "
            f"was signed in elsewhere, and no token of that provider is verified"
        )
        where = at_spot(spot, route.label)
        yield finding("authz.client-supplied-identity", where, message, CRITICAL, [at_route(case)])
