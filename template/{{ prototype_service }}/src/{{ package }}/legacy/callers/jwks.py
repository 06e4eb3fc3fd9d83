"""The public keys of an issuer of tokens: a JSON Web Key Set (RFC 7517), fetched and kept.

One fetch at a time, however many ask; a pause between fetches, so that made-up key ids can't
drive traffic to the issuer; and keys that were good stay good while the issuer is out of reach.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

import httpx2
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from ...platform.clock import Clock
from .caller import BadCredential, CannotVerify
from .tokens import PinnedKey, Unverified

_FRESH: Final = 600.0
_OLD: Final = 3600.0
"""Nobody is let in by older keys without a look whether they were withdrawn meanwhile."""
_STALE: Final = 24 * 3600.0
_PAUSE: Final = 30.0
_FIRST_PAUSE: Final = 2.0
"""While there are no keys at all nobody gets in, so the next try comes sooner."""
_MOST_BYTES: Final = 256 * 1024
_MOST_KEYS: Final = 32
_RSA_BITS: Final = 2048
_ALGORITHMS: Final[Mapping[tuple[str, str | None], tuple[str, ...]]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA", "Ed25519"),
}
"""What a kind of key may be for; the first when the key does not say (RFC 7517, 4.4)."""
_KINDS: Final[Mapping[str, type[ECKey | RSAKey | OKPKey]]] = {
    "RSA": RSAKey, "EC": ECKey, "OKP": OKPKey,
}  # fmt: skip

NewClient = Callable[..., httpx2.AsyncClient]
Published = Callable[[], Awaitable[Any]]
"""Fetches a key set; raises as `document` does."""

_log = structlog.get_logger(__name__)


class Unusable(ValueError):
    """What was published can't be gone by; the text names no part of it."""


async def document(client: httpx2.AsyncClient, url: str) -> Any:
    """The JSON at `url`, and at no other place that it may lead to (ASVS 5.0 15.3.2).

    Raises:
        httpx2.HTTPError: there is no answer.
        ValueError, RecursionError: there is none that can be used.
    """
    async with client.stream("GET", url, follow_redirects=False) as response:
        if response.status_code != 200:
            raise Unusable(f"status {response.status_code}")
        content = b""
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > _MOST_BYTES:
                raise Unusable("too long")
    return json.loads(content)


def published_at(url: str, new_client: NewClient) -> Published:
    """The key set at an address that is known."""

    async def fetch() -> Any:
        async with new_client() as client:
            return await document(client, url)

    return fetch


class KeySet:
    """What is published. Symmetric keys are passed over: one that is published is no secret."""

    def __init__(self, published: Published, clock: Clock) -> None:
        self._published = published
        self._clock = clock
        self._keys: Mapping[str, PinnedKey] = {}
        self._fetched = -_STALE
        self._tried = -_PAUSE
        self._refreshing: asyncio.Task[None] | None = None

    @property
    def epoch(self) -> object:
        """Another object whenever the keys have changed."""
        return self._keys

    async def find(self, key_id: str) -> PinnedKey | None:
        """The key of that id; asks the issuer again when it is not known.

        Raises:
            CannotVerify: the issuer never answered, or has not for a day.
        """
        age = self._now() - self._fetched
        pinned = self._keys.get(key_id)
        if age >= _OLD or pinned is None:
            await self._refresh()
            pinned = self._keys.get(key_id)
        elif age >= _FRESH:
            self._start()
        if self._now() - self._fetched >= _STALE:
            raise CannotVerify
        return pinned

    async def key_of(self, said: Unverified) -> PinnedKey:
        """The key that a token names.

        Raises:
            BadCredential: it names none, or none of these.
            CannotVerify: as `find`.
        """
        if said.key_id is None:
            raise BadCredential("no-key-id")
        pinned = await self.find(said.key_id)
        if pinned is None:
            raise BadCredential("unknown-key")
        return pinned

    async def _refresh(self) -> None:
        task = self._start()
        if task is not None:
            # Shielded: who waits may be disconnected, and others wait for the same answer.
            await asyncio.shield(task)

    def _start(self) -> asyncio.Task[None] | None:
        if self._refreshing is not None and not self._refreshing.done():
            return self._refreshing
        if self._now() - self._tried < (_PAUSE if self._keys else _FIRST_PAUSE):
            return None
        self._tried = self._now()
        self._refreshing = asyncio.create_task(self._fetch())
        return self._refreshing

    async def _fetch(self) -> None:
        try:
            keys = dict(_pinned(await self._published()))
            if not keys:
                raise Unusable("no key for an algorithm that is known here")
        except (httpx2.HTTPError, ValueError, RecursionError) as error:
            why = str(error) if isinstance(error, Unusable) else None
            _log.warning("token_keys_unavailable", error=type(error).__name__, reason=why)
            return
        self._fetched = self._now()
        if _identity(keys) != _identity(self._keys):
            self._keys = keys

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _pinned(document: Any) -> Iterator[tuple[str, PinnedKey]]:
    """One key that can't be read does not make the others useless (RFC 7517, section 5)."""
    entries = document.get("keys") if isinstance(document, dict) else None
    for entry in entries[:_MOST_KEYS] if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
            continue
        if entry.get("use", "sig") != "sig" or "d" in entry:
            continue
        try:
            yield entry["kid"], _read(entry)
        except (JoseError, ValueError, TypeError, KeyError):
            continue


def _read(entry: Mapping[str, Any]) -> PinnedKey:
    known = _ALGORITHMS[entry["kty"], entry.get("crv")]
    algorithm = entry.get("alg", known[0])
    if algorithm not in known:
        raise ValueError("another algorithm")
    public = {name: entry[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in entry}
    key: Key = _KINDS[entry["kty"]].import_key(public)
    if isinstance(key, RSAKey) and key.public_key.key_size < _RSA_BITS:
        raise ValueError("too short")
    return PinnedKey(key, algorithm)


def _identity(keys: Mapping[str, PinnedKey]) -> dict[str, str]:
    return {name: pinned.key.thumbprint() for name, pinned in keys.items()}
