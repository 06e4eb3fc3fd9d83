"""The credentials that a request presents, read once and believed by nobody yet."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl

from starlette.types import Scope

from .caller import BadCredential

_READ = frozenset({
    b"authorization", b"apikey", b"cookie", b"origin", b"sec-fetch-mode", b"sec-fetch-site",
    b"user-agent",
})  # fmt: skip
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/=-]+)\s*")


@dataclass
class Presented:
    """What a request says of its caller; cookies are read when somebody asks for them."""

    scope: Scope
    bearer: str | None = None
    api_key: str | None = None
    from_browser: bool = False
    cookie_headers: Sequence[bytes] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.bearer or self.api_key or self.cookie_headers)

    @cached_property
    def cookies(self) -> Mapping[str, list[str]]:
        """Every value of a name, for a browser may send one twice."""
        return _cookies(self.cookie_headers)

    def token(self, cookies: Iterable[str]) -> str | None:
        """The Bearer token, or else what the first of the cookies holds that there is."""
        if self.bearer:
            return self.bearer
        return next(filter(None, map(self.cookie, cookies)), None)

    def cookie(self, name: str) -> str | None:
        """The value of a cookie; two values are refused, for whose is read differs (CWE-1270)."""
        values = self.cookies.get(name)
        if values is None:
            return None
        if len(set(values)) > 1:
            raise BadCredential("two-cookies")
        return values[0]


def presented(scope: Scope) -> Presented:
    """Read the credentials of a connection.

    Raises:
        BadCredential: there are two of a kind (ASVS 5.0 15.3.7).
    """
    found: dict[bytes, bytes] = {}
    cookies: list[bytes] = []
    for name, value in scope["headers"]:
        if name not in _READ:
            continue
        if name == b"cookie":
            cookies.append(value)
        elif name in found and name in {b"authorization", b"apikey"}:
            raise BadCredential("two-credentials")
        else:
            found[name] = value
    bearer = _BEARER.fullmatch(found.get(b"authorization", b""))
    return Presented(
        scope,
        bearer=bearer[1].decode("ascii") if bearer else None,
        api_key=_api_key(scope, found.get(b"apikey")),
        from_browser=_is_from_browser(found),
        cookie_headers=cookies,
    )


def _is_from_browser(found: Mapping[bytes, bytes]) -> bool:
    return (
        b"origin" in found
        or b"sec-fetch-mode" in found
        or b"sec-fetch-site" in found
        or found.get(b"user-agent", b"").startswith(b"Mozilla/")
    )


def _api_key(scope: Scope, header: bytes | None) -> str | None:
    """Supabase's key; a browser can't set headers of a WebSocket, so there it is in the query."""
    if header is not None:
        return header.decode("latin-1").strip()
    query: bytes = scope.get("query_string", b"")
    if b"apikey=" not in query:
        return None
    values = [value for name, value in parse_qsl(query.decode("latin-1")) if name == "apikey"]
    if len(values) > 1:
        raise BadCredential("two-credentials")
    return values[0] if values else None


def _cookies(headers: Iterable[bytes]) -> dict[str, list[str]]:
    """After RFC 6265, section 5.4, without the leniency of `http.cookies`."""
    cookies: dict[str, list[str]] = {}
    for header in headers:
        for pair in header.decode("latin-1").split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals and name:
                if len(value) > 1 and value[0] == value[-1] == '"':
                    value = value[1:-1]
                cookies.setdefault(name, []).append(value)
    return cookies
