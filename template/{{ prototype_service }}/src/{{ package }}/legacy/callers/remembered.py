"""Credentials that were verified a moment ago: a signature costs more than all else at the gate."""

from hashlib import blake2b
from os import urandom
from typing import Final, TypeVar

_KEY: Final = urandom(32)
_MOST: Final = 4096
_SECONDS: Final = 60.0

T = TypeVar("T")


class Remembered:
    """What a credential proved, for so many seconds at most and never past its expiry.

    Only a keyed hash of the credential is kept. When `epoch` changes (the keys were rotated, a
    key was withdrawn) everything is forgotten.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._known: dict[bytes, tuple[float, object]] = {}
        self._epoch: object = None

    def recall(self, credential: str, now: float, epoch: object, kind: type[T]) -> T | None:
        if epoch is not self._epoch:
            self._known.clear()
            self._epoch = epoch
            return None
        found = self._known.get(_digest(credential))
        if found is None or now >= found[0]:
            return None
        return found[1] if isinstance(found[1], kind) else None

    def keep(self, credential: str, proved: object, now: float, expiry: float | None) -> None:
        if len(self._known) >= _MOST:
            # The oldest half: dictionaries remember the order, and a flood must not cost more.
            for digest in list(self._known)[: _MOST // 2]:
                del self._known[digest]
        until = now + self._seconds
        if expiry is not None:
            until = min(until, expiry)
        self._known[_digest(credential)] = (until, proved)


def _digest(credential: str) -> bytes:
    return blake2b(credential.encode("utf-8", "surrogateescape"), key=_KEY).digest()
