"""A place in a list, sealed: it can only be given back as it was, and only for the same list.

What a client can't write needs no checking, and which columns a list is sorted by stays ours.
"""

import base64
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from .problems import UnprocessableContent

_MAC_BYTES = 16

_WRITE: dict[type, tuple[str, Callable[[Any], str]]] = {
    datetime: ("t", datetime.isoformat),
    UUID: ("u", str),
    Decimal: ("d", str),
    int: ("i", str),
    str: ("s", str),
}
_READ: dict[str, Callable[[str], Any]] = {
    "t": datetime.fromisoformat,
    "u": UUID,
    "d": Decimal,
    "i": int,
    "s": str,
}


class Cursors:
    """The cursors of the list at `path`."""

    def __init__(self, secret: str, path: str) -> None:
        self._secret = secret.encode()
        self._context = f"cursor\0{path}\0".encode()

    def seal(self, place: Sequence[Any]) -> str:
        payload = json.dumps([_written(value) for value in place]).encode()
        return base64.urlsafe_b64encode(self._mac(payload) + payload).decode().rstrip("=")

    def open(self, cursor: str) -> list[Any]:
        try:
            sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            sealed = b""
        mac, payload = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise UnprocessableContent(
                "This cursor is not one of this list. Begin again without it.",
                code="invalid-cursor",
            )
        return [_READ[kind](text) for kind, text in json.loads(payload)]

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, self._context + payload, "sha256")[:_MAC_BYTES]


def _written(value: object) -> tuple[str, str]:
    kind, write = _WRITE[type(value)]
    return kind, write(value)
