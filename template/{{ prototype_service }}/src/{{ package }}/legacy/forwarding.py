"""The headers of a request on their way to the prototype (RFC 9110, 7.6; RFC 7239)."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from starlette.types import Scope

from ..auth.cookies import SESSION_COOKIE

Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP: Final = frozenset({
    b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate",
    b"proxy-authorization", b"te", b"trailer", b"transfer-encoding", b"upgrade",
    b"http2-settings",
})  # fmt: skip
# What only we say, and what makes the prototype answer for another path or method than the gate
# decided on: X-Original-URL and its like, method overrides, Next.js' own X-Middleware-Subrequest
# (CVE-2025-29927), Proxy (CVE-2016-5385).
_NOT_THE_CALLERS: Final = frozenset({
    b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto",
    b"x-forwarded-port", b"x-forwarded-prefix", b"x-forwarded-server", b"x-forwarded-scheme",
    b"x-forwarded-path", b"x-forwarded-uri", b"x-real-ip", b"x-client-ip", b"true-client-ip",
    b"x-cluster-client-ip", b"x-original-url", b"x-original-uri", b"x-original-host",
    b"x-rewrite-url", b"x-http-method-override", b"x-http-method", b"x-method-override",
    b"x-middleware-subrequest", b"x-request-id", b"traceparent", b"tracestate", b"proxy",
})  # fmt: skip
_FRAMING: Final = frozenset({b"host", b"content-length", b"expect"})
_DROPPED: Final = HOP_BY_HOP | _NOT_THE_CALLERS | _FRAMING
_OF_THE_HANDSHAKE: Final = b"sec-websocket-"
_PLAIN_CONNECTIONS: Final = frozenset({b"keep-alive", b"close", b"Keep-Alive", b"Upgrade"})
_SESSION: Final = SESSION_COOKIE.encode()


def end_to_end(headers: Iterable[tuple[bytes, bytes]], *, websocket: bool = False) -> Headers:
    """What of a caller's headers is for the prototype.

    Not what is for us alone (hop-by-hop, and whatever Connection names), what only we may say,
    names with an underscore, which a WSGI server can't tell from the same with a hyphen, and our
    own session, which is no business of the prototype's.
    """
    kept = []
    named: set[bytes] = set()
    for header in headers:
        name, value = header
        if name in _DROPPED:
            if name == b"connection" and value not in _PLAIN_CONNECTIONS:
                named.update(connection_options(value))
            continue
        if b"_" in name or (websocket and name.startswith(_OF_THE_HANDSHAKE)):
            continue
        if name == b"cookie" and _SESSION in value:
            value = _without_session(value)
            if value:
                kept.append((name, value))
            continue
        kept.append(header)
    if named:
        return [header for header in kept if header[0] not in named]
    return kept


def connection_options(value: bytes) -> Iterable[bytes]:
    """RFC 9110, 7.6.1: what Connection names is for the next hop only, and that is us."""
    return (option.strip().lower() for option in value.split(b","))


def _without_session(cookies: bytes) -> bytes:
    pairs = (pair.strip() for pair in cookies.split(b";"))
    return b"; ".join(pair for pair in pairs if pair.partition(b"=")[0].strip() != _SESSION)


def said_by_us(scope: Scope, scheme: str) -> Headers:
    """Who called, under which name and how: replaces what the caller said of it."""
    client = scope.get("client")
    host = b""
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
    return _said(client[0] if client else "unknown", host, scheme)


@lru_cache(maxsize=1024)
def _said(address: str, host: bytes, scheme: str) -> Headers:
    node = f'"[{address}]"' if ":" in address else address
    forwarded = f'for={node};host="{host.decode("latin-1")}";proto={scheme}'
    return [
        (b"x-forwarded-for", address.encode()),
        (b"x-forwarded-host", host),
        (b"x-forwarded-proto", scheme.encode()),
        (b"forwarded", forwarded.encode("latin-1")),
    ]
