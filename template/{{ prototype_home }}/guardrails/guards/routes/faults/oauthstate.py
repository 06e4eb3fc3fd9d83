"""Sign-ins over another service that never ask whether they were begun in this browser."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from .say import MEDIUM, at_route, finding, place

_TAKES_A_CODE = re.compile(
    r"grant_type['\"]?\s*[:=,]\s*['\"]?authorization_code|github\.com/login/oauth/access_token"
    r"|oauth2\.googleapis\.com/token|\.getToken\(\s*(?:\w+\.)*code\b"
)
_STATE = re.compile(r"\bstate\b|code_?[vV]erifier|\bnonce\b|[pP]kce|\bcsrf", re.IGNORECASE)
_SIGNS_IN = re.compile(
    r"\bcookies?(?:\(\))?\)?\.set\(|\.cookie\(|\bsession\.\w+\s*=(?!=)|\b(?:jwt|JWT)\.sign\(|\bSignJWT\("
    r"|\bcreateSession\w*\(|\.login\("
)


def unasked_states(case: Case) -> Iterator[Finding]:
    """A code is changed for a session, wherever it came from: nobody reads its `state`."""
    if case.route.method != "GET" or _STATE.search(case.code):
        return
    taken = case.first(_TAKES_A_CODE)
    if taken is None or not _SIGNS_IN.search(case.code):
        return
    message = (
        f"{case.route.label} signs in whoever brings a code, and never compares a `state` with "
        f"what this browser began: another site can sign a visitor in to an account of its own"
    )
    where = place(taken.piece.module, taken.at, case.route.label)
    yield finding("web.csrf", where, message, MEDIUM, [at_route(case)])
