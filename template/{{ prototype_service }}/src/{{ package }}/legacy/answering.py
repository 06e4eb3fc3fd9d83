"""The headers of an answer on their way to the caller.

What named the prototype's own address names the public one, and what protects a browser is added
where the prototype said nothing.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ..auth.cookies import SESSION_COOKIE
from .forwarding import HOP_BY_HOP, Headers, connection_options

# Besides what is for the hop: the request id is ours, and which software answers is nobody's
# business (ASVS 5.0 13.4.6).
_DROPPED: Final = HOP_BY_HOP | {b"x-request-id", b"server", b"x-powered-by", b"date", b"alt-svc"}
_LOCATIONS: Final = frozenset({b"location", b"content-location"})
_REWRITTEN: Final = _LOCATIONS | {b"set-cookie"}
_NO_BODY: Final = frozenset({204, 304})
_SESSION: Final = re.compile(rf"\s*{SESSION_COOKIE}\s*=")
# Nothing here may break a page that works: no CSP, and framing by the own origin stays.
_REFERRER: Final = (b"referrer-policy", b"strict-origin-when-cross-origin")
_FRAMES: Final = (b"x-frame-options", b"SAMEORIGIN")
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_HTTPS_ONLY: Final = (b"strict-transport-security", b"max-age=63072000")


@dataclass(frozen=True)
class Place:
    """Where an upstream is, and where callers see it."""

    upstream: str
    public: str
    prefix: str = ""

    @property
    def is_public_https(self) -> bool:
        return self.public.startswith("https:")


class Answering:
    """Prepares the headers of the answers of one upstream."""

    def __init__(self, place: Place) -> None:
        self._prefix = place.prefix
        self._https = place.is_public_https
        upstream, public = urlsplit(place.upstream), urlsplit(place.public)
        self._base = upstream.path.rstrip("/")
        self._ours = {_authority(upstream), _authority(public)}
        self._public_host = public.hostname or ""
        self._origin = f"{public.scheme}://{public.netloc}"

    def headers(self, status: int, given: Headers) -> Headers:
        """The headers of an answer, from those that the prototype gave."""
        kept: Headers = []
        present: set[bytes] = set()
        options: set[bytes] = set()
        for raw_name, value in given:
            name = raw_name.lower()
            present.add(name)
            if name in _DROPPED:
                if name == b"connection":
                    options.update(connection_options(value))
            elif name in _REWRITTEN:
                if rewritten := self._rewritten(name, value):
                    kept.append((name, rewritten))
            else:
                kept.append((name, value))
        if status in _NO_BODY or b"transfer-encoding" in present:
            # RFC 9112, 6.3: a transfer coding overrides a length, and these have no body.
            options.add(b"content-length")
        if not options.isdisjoint(present):
            kept = [header for header in kept if header[0] not in options]
        kept.extend(self._missing(present, kept))
        return kept

    def _missing(self, present: set[bytes], kept: Headers) -> Headers:
        missing = []
        if b"referrer-policy" not in present:
            missing.append(_REFERRER)
        if b"content-type" in present and b"x-content-type-options" not in present:
            missing.append(_NOSNIFF)
        if b"x-frame-options" not in present and not _restricts_frames(present, kept):
            missing.append(_FRAMES)
        if self._https and b"strict-transport-security" not in present:
            missing.append(_HTTPS_ONLY)
        return missing

    def _rewritten(self, name: bytes, value: bytes) -> bytes | None:
        text = value.decode("latin-1")
        changed = self.location(text) if name in _LOCATIONS else self.cookie(text)
        return None if changed is None else changed.encode("latin-1")

    def location(self, target: str) -> str:
        """A redirect to the prototype's own address leads to the public one, others stay."""
        try:
            parts = urlsplit(target)
            foreign = bool(parts.netloc) and _authority(parts) not in self._ours
        except ValueError:
            return target
        if foreign or (parts.scheme and not parts.netloc):
            return target
        if not parts.netloc and not target.startswith("/"):
            return target  # relative to the path that was asked for, which has the same end
        path = parts.path
        if self._base and (path == self._base or path.startswith(f"{self._base}/")):
            path = path[len(self._base) :]
        if not self._is_public(parts):
            path = self._prefix + path
        # Two slashes at the beginning would lead to another host (CWE-601).
        path = f"/{path.lstrip('/')}" if path.startswith("//") else path
        query = f"?{parts.query}" if parts.query else ""
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        origin = self._origin if parts.netloc else ""
        return f"{origin}{path}{query}{fragment}"

    def _is_public(self, parts: SplitResult) -> bool:
        """A prototype that knows its public address has put the prefix in already."""
        prefix = self._prefix
        return bool(prefix) and (parts.path == prefix or parts.path.startswith(f"{prefix}/"))

    def cookie(self, text: str) -> str | None:
        """A cookie for the public address; None for one that would pass for our session.

        A Domain that is not a parent of the public host would make a browser drop the cookie
        (RFC 6265, 5.3).
        """
        if _SESSION.match(text):
            return None
        pair, *attributes = text.split(";")
        prefixed = pair.lstrip().startswith("__")
        kept = [pair]
        secure = False
        for attribute in attributes:
            name, _, value = attribute.strip().partition("=")
            match name.lower():
                case "domain" if not self._may_set_for(value):
                    continue
                case "secure":
                    secure = True
                    if not self._https and not prefixed:
                        continue
                case "path" if self._prefix and not pair.lstrip().startswith("__Host-"):
                    kept.append(f" Path={self._public_path(value)}")
                    continue
            kept.append(attribute)
        if self._https and not secure:
            kept.append(" Secure")
        return ";".join(kept)

    def _may_set_for(self, domain: str) -> bool:
        parent = domain.strip().lstrip(".").lower()
        return self._public_host == parent or self._public_host.endswith(f".{parent}")

    def _public_path(self, path: str) -> str:
        path = path.strip().removeprefix(self._base)
        return f"{self._prefix}{path}".rstrip("/") or "/"


def _authority(parts: SplitResult) -> tuple[str, int | None]:
    """Whether by http or by https: a prototype behind a proxy often does not know which."""
    port = parts.port
    return parts.hostname or "", None if port in {80, 443} else port


def _restricts_frames(present: set[bytes], kept: Headers) -> bool:
    return b"content-security-policy" in present and any(
        name == b"content-security-policy" and b"frame-ancestors" in value.lower()
        for name, value in kept
    )
