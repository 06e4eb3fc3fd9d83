"""Who gets in as somebody else: by a session without a proof, a token that nobody checked."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding, Place, Severity
from ..facts.access import Case, Spot
from ..facts.middleware import Access, guard_pieces
from ..facts.paths import property_of
from ..facts.platforms import EdgeProject
from ..facts.program import Piece
from ..facts.signs import BODY, HASHED, WEBHOOK_NAME
from ..facts.source import Call
from .say import CRITICAL, HIGH, MEDIUM, at_route, at_spot, finding

_SIGNS_IN = re.compile(r"\.(?:signInWithPassword|generateLink|createCustomToken)$")
_PROOF = re.compile(
    r"pass|otp|code|token|\bpin\b|secret|signature|hash|credential|assertion|init_?data|proof"
    r"|challenge|answer|nonce",
    re.IGNORECASE,
)
_SESSION_TOLD = re.compile(r"\bsession\b|access_?[tT]oken|\bcookies?\b")
_LINK_TOLD = re.compile(
    r"(?:json|stringify|Response)\([^;]{0,400}\b(?:action_?[lL]ink|hashed_?[tT]oken|email_otp"
    r"|properties|magic_?[lL]ink|token)\b"
)


def session(case: Case) -> Iterator[Finding]:
    """The session of whichever account the request names, and nothing proves that it is theirs."""
    if case.access is not Access.PUBLIC or HASHED.search(case.code):
        return
    for piece in case.pieces[:2]:
        sent = case.flow.of(piece).sent
        if not sent or any(map(_PROOF.search, sent)):
            continue
        for call in piece.module.calls_in(piece.start, piece.end):
            if _SIGNS_IN.search(call.callee) and _of_anybody(case, piece, call):
                yield finding(
                    "edge-fn.unauthenticated"
                    if case.route.kind == "edge"
                    else "authz.unauthenticated-endpoint",
                    at_spot(Spot(piece, call.start), case.route.label),
                    f"{case.route.label} hands out a session of the account that the request "
                    f"names, and asks for no proof that it is the caller's",
                    CRITICAL,
                    [*_body(case), at_route(case)],
                )
                return


def _of_anybody(case: Case, piece: Piece, call: Call) -> bool:
    given = piece.module.slice(call.arguments[0]) if call.arguments else ""
    names = case.flow.of(piece)
    if call.callee.endswith("createCustomToken"):
        return names.has_sent(given)
    if not names.has_sent(property_of(given, "email") or given):
        return False
    if call.callee.endswith("generateLink"):
        return _LINK_TOLD.search(case.own) is not None
    password = property_of(given, "password")
    return (
        bool(password)
        and not names.has_sent(password)
        and (_SESSION_TOLD.search(case.own) is not None)
    )


def _body(case: Case) -> Iterator[Place]:
    spot = case.first(BODY, own=True)
    if spot:
        yield at_spot(spot)


_READ_ONLY = re.compile(
    r"(?:atob|decode\w*|from)\(\s*(?:\w+\[1\]|[^;()]{0,60}split\(\s*['\"]\.['\"]\s*\)(?:\[1\]|!\[1\])?)"
    r"|\b(?:jwtDecode|decodeJwt|jwt_decode|(?:jwt|jose|jsonwebtoken|JWT)\.decode(?:Jwt)?)\("
)
_CLAIM = re.compile(
    r"\.(?:role|sub|user_?[iI]d|uid|is_?[aA]dmin|app_metadata|email)\b|\[['\"](?:role|sub)['\"]\]"
)
_VERIFIES = re.compile(
    r"getUser\(|getClaims\(|jwtVerify\(|verify\w*\(\s*(?:token|jwt|\w*[tT]oken|\w*[kK]ey|['\"])"
    r"|\b(?:jwt|jose|jsonwebtoken|JWT)\.verify\(|verifyIdToken|RemoteJWKSet|subtle\.verify|getSession\("
    r"|auth/v1/user|introspect|tokeninfo|getServerSession|currentUser\("
)
_SIGNS = re.compile(
    r"\b(?:jwt|JWT|jsonwebtoken)\.sign\(|\bnew\s+SignJWT\(|\bjwt\w*\.sign(?:Async)?\("
)
_FROM_CALLER = re.compile(r"[aA]uthorization|\bcookies?\b|['\"]x-[\w-]*token", re.IGNORECASE)
_NEAR = 500


def forged(case: Case, projects: list[EdgeProject]) -> Iterator[Finding]:
    """A role or an id is read out of a token that anybody can write themselves."""
    edge = case.route.kind == "edge"
    unchecked = any(case.route.name in project.unchecked for project in projects)
    if (edge and not unchecked) or _VERIFIES.search(case.code) or _webhook(case):
        return
    effects = {name for name, _ in case.effects()} | (
        {"token"} if _SIGNS.search(case.code) else set()
    )
    if case.access is Access.SIGNATURE or not effects:
        return
    for piece in case.pieces:
        read = _READ_ONLY.search(piece.code)
        if read is None or not _believed(piece.code, read):
            continue
        argument = piece.code[read.end() :].partition(")")[0]
        if not _FROM_CALLER.search(case.code) and not case.flow.of(piece).has_sent(argument):
            continue
        message = (
            f"{case.route.label} believes what a token says of its bearer, and nobody checks the "
            f"token's signature: whoever writes one is whom they like"
        )
        yield finding(
            "authz.client-supplied-identity",
            at_spot(Spot(piece, piece.start + read.start()), case.route.label),
            message,
            _how_grave(case, effects),
            [at_route(case)],
        )
        return


def _how_grave(case: Case, effects: set[str]) -> Severity:
    if _LOGS_OUT.search(case.route.path):
        return MEDIUM
    return CRITICAL if effects & {"write", "delete", "mail", "message", "token"} else HIGH


_ASKED = re.compile(r"\bif\s*\(\s*!\s*[\w$.?]+\s*\)[^;]{0,80}\b40[13]\b")
"""Whoever has none is turned away: with any there is, one is let in."""


def _believed(code: str, read: "re.Match[str]") -> bool:
    near = (read.end(), read.end() + _NEAR)
    by_name = "ecode" in read[0] and _ASKED.search(code, *near)
    return bool(_CLAIM.search(code, *near) or by_name)


_SETS = re.compile(r"\b(?:req|request)\.\w+\s*=(?!=)|\bc\.set\(")
"""Who calls is written down for the handlers behind it."""


def forged_by_guard(case: Case) -> Iterator[Finding]:
    """The same in what stands before the route: whoever comes with a token of their own passes."""
    if case.access is not Access.CALLER and case.access is not Access.ROLE:
        return
    for guarding in case.route.guards:
        for piece in guard_pieces(case.program, guarding)[0]:
            read = _READ_ONLY.search(piece.code)
            reached = "\n".join(one.code for one in case.program.reach([piece])[:12])
            if read is None or _VERIFIES.search(reached) or not _SETS.search(piece.code):
                continue
            if not _FROM_CALLER.search(piece.code):
                continue
            at = Spot(piece, piece.start + read.start())
            message = (
                f"{guarding.code.strip()[:60]} takes the caller's word from a token, and nobody "
                f"checks the token's signature: whoever writes one is whom they like"
            )
            where = at_spot(at, case.route.label)
            also = [at_route(case)]
            yield finding("authz.client-supplied-identity", where, message, CRITICAL, also)
            return


_LOGS_OUT = re.compile(r"/(?:log-?|sign-?)out/?$", re.IGNORECASE)
"""Whoever is sent away comes back."""


def _webhook(case: Case) -> bool:
    """What a provider signs for itself, and has a rule of its own."""
    return WEBHOOK_NAME.search(case.route.label) is not None
