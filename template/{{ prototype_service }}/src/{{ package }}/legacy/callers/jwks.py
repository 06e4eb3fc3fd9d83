"""The public keys of an issuer of tokens: a JSON Web Key Set (RFC 7517), fetched and kept.

One fetch at a time, however many ask; a pause between fetches, so that made-up key ids can't
drive traffic to the issuer; and keys that were good stay good while the issuer is out of reach.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx2
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, RSAKey

from ...platform.clock import Clock
from .caller import CannotVerify
from .tokens import PinnedKey

_FRESH: Final = 600.0
_STALE: Final = 24 * 3600.0
_PAUSE: Final = 30.0
_FIRST_PAUSE: Final = 2.0
"""While there are no keys at all nobody gets in, so the next try comes sooner."""
_MOST_BYTES: Final = 256 * 1024
_MOST_KEYS: Final = 32
_RSA_BITS: Final = 2048

NewClient = Callable[..., httpx2.AsyncClient]

_log = structlog.get_logger(__name__)


class KeySet:
    """The keys at `url`. Symmetric ones are passed over: a key that is published is no secret."""

    def __init__(self, url: str, new_client: NewClient, clock: Clock) -> None:
        self._url = url
        self._new_client = new_client
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
        if age >= _STALE or pinned is None:
            await self._refresh()
            pinned = self._keys.get(key_id)
        elif age >= _FRESH:
            self._start()
        if self._now() - self._fetched >= _STALE:
            raise CannotVerify
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
            keys = dict(_pinned(await self._document()))
        except (httpx2.HTTPError, ValueError, RecursionError) as error:
            _log.warning("token_keys_unavailable", error=type(error).__name__)
            return
        if not keys:
            _log.warning("token_keys_unavailable", error="NoUsableKey")
            return
        self._fetched = self._now()
        if _identity(keys) != _identity(self._keys):
            self._keys = keys

    async def _document(self) -> Any:
        async with self._new_client() as client, client.stream("GET", self._url) as response:
            if response.status_code != 200:
                raise ValueError(response.status_code)
            content = b""
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise ValueError("too long")
        return json.loads(content)

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
            algorithm, key = _read(entry)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if entry.get("alg", algorithm) == algorithm:
            yield entry["kid"], PinnedKey(key, algorithm)


def _read(entry: Mapping[str, Any]) -> tuple[str, Key]:
    public = {name: entry[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in entry}
    match entry.get("kty"):
        case "EC" if entry.get("crv") == "P-256":
            return "ES256", ECKey.import_key(public)
        case "RSA":
            key = RSAKey.import_key(public)
            if key.public_key.key_size < _RSA_BITS:
                raise ValueError("too short")
            return "RS256", key
    raise ValueError("not for ES256 or RS256")


def _identity(keys: Mapping[str, PinnedKey]) -> dict[str, str]:
    return {name: pinned.key.thumbprint() for name, pinned in keys.items()}
