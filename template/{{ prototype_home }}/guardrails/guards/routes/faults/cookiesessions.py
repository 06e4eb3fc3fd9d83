"""Sessions that are believed as the cookie has them.

On a server `auth.getSession()` of Supabase reads the cookie, and asks nobody whether what stands in
it was ever signed. Behind the caller's own client the database checks the token; behind the
service key nobody does, and the cookie is the caller's to write.
"""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from .say import HIGH, at_route, at_spot, finding

_BELIEVES = re.compile(r"\.auth\.getSession\(\s*\)")
_ASKS = re.compile(
    r"\bgetUser\(|\bgetClaims\(|jwtVerify\(|\bverify\w*\(|getServerSession|currentUser\("
)
_JAR = re.compile(r"createServerClient|createRouteHandlerClient|createServer\w+Client|\bcookies\(")


def kept_in_cookies(case: Case) -> Iterator[Finding]:
    if case.route.kind not in {"next", "action"} or not case.service or case.gate:
        return
    read = case.first(_BELIEVES)
    if read is None or case.access not in {Access.CALLER, Access.ROLE} or _ASKS.search(case.code):
        return
    if not _JAR.search(case.code) or not {name for name, _ in case.effects()}:
        return
    yield finding(
        "authz.client-supplied-identity",
        at_spot(read, case.route.label),
        f"{case.route.label} believes the session that the cookie holds, and acts with the service "
        f"key: getSession() checks no signature, so whoever writes the cookie is whom they like",
        HIGH,
        [at_route(case)],
    )
