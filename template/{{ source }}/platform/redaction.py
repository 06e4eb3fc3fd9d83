"""Keeps secrets and personal data out of logs and traces, by key and by shape.

Two nets, for each has holes. A key such as `password` tells what its value is, whatever that looks
like; a shape such as a JWT tells what it is, wherever it turns up. A secret that has neither a
telling key nor a telling shape passes both: don't log it (ASVS 16.2.5, CWE-532).
"""

import math
import re
from collections.abc import Iterable, Mapping, Set
from typing import Any, Final

from .secret_shapes import REDACTED, redact_text

# Keys are compared in lower case without punctuation: X-API-Key and xApiKey are the same.
_SECRET_PARTS: Final = (
    "password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "accesskey",
    "privatekey", "signingkey", "encryptionkey", "authorization", "cookie", "credential", "jwt",
    "bearer", "totp", "mfacode", "authcode", "recoverycode", "verificationcode",
    "connectionstring", "cardnumber", "securitycode", "socialsecurity", "passport", "birth",
    "phonenumber", "taxid",
)  # fmt: skip
_SECRET_KEYS: Final = frozenset({"auth", "session", "sid"})
# The last word of a key says what its value is: user_phone is a phone, phone_model a model. What
# ends in `phone` or in a kind of name needs no word of its own, for many write `lastname`.
_SECRET_WORDS: Final = frozenset({
    "pin", "otp", "pass", "cvv", "cvc", "ssn", "iban", "pan", "dsn", "dob",
    "phones", "tel", "mobile", "msisdn", "fax", "street",
})  # fmt: skip
_SECRET_ENDINGS: Final = (
    "phone", "firstname", "lastname", "fullname", "surname", "givenname", "familyname",
)  # fmt: skip
# What may come after it: otp_code, tel_no, phone_home, street_1.
_DETAILS: Final = frozenset({
    "code", "number", "no", "nr", "num", "value", "digits", "raw", "home", "work", "private",
    "address", "e",
})  # fmt: skip
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# What is said about a secret: token_type, password_changed_at, cookie_count.
_HARMLESS_ENDINGS: Final = ("type", "at", "count", "name", "length", "expiry", "ttl")
# Headers, form fields and settings as lists of objects.
_NAMED_VALUES: Final = (
    ("name", "value"), ("key", "value"), ("header", "value"), ("Name", "Value"), ("Key", "Value"),
)  # fmt: skip

_MAX_ITEMS: Final = 200
_MAX_DEPTH: Final = 8
_MAX_KEYS: Final = 4_096
_SHORTEST_CARD: Final = 10**12
_LARGEST_NUMBER: Final = 10**30


class Redactor:
    """Redacts whole values, nested and of any type, into what JSON can hold; never raises."""

    def __init__(self, extra_keys: Iterable[str] = ()) -> None:
        self._extra = frozenset(filter(None, map(_plain, extra_keys)))
        self._judged: dict[str, bool] = {}

    def is_secret(self, key: str) -> bool:
        judged = self._judged.get(key)
        if judged is None:
            judged = self._judge(key)
            # Keys may come from a request's body, so what is remembered of them is bounded.
            if len(self._judged) < _MAX_KEYS:
                self._judged[key] = judged
        return judged

    def _judge(self, key: str) -> bool:
        plain = _plain(key)
        if plain in _SECRET_KEYS or plain in self._extra or _ends_in_a_secret(key):
            return True
        return any(part in plain for part in _SECRET_PARTS) and not plain.endswith(
            _HARMLESS_ENDINGS
        )

    def pair(self, key: str, value: Any, depth: int = 0) -> Any:
        """A value under its key."""
        if self.is_secret(key) and not isinstance(value, bool | None):
            return REDACTED
        return self.value(value, depth)

    def value(self, value: Any, depth: int = 0) -> Any:
        """A value that has no key, such as an item of a list."""
        match value:
            case str():
                return redact_text(str(value))
            case bool() | None:
                return value
            case int():
                return _number(value)
            case float():
                return float(value) if math.isfinite(value) else str(value)
            case bytes() | bytearray():
                return redact_text(_decoded(value))
            case _:
                return self._composite(value, depth)

    def _composite(self, value: Any, depth: int) -> Any:
        try:
            if depth >= _MAX_DEPTH:
                return f"[{type(value).__name__}]"
            if isinstance(value, Mapping):
                return self._mapping(value, depth)
            if isinstance(value, list | tuple | Set):
                return self._items(list(value), depth)
            return redact_text(str(value))
        except Exception as error:
            return f"[unprintable {type(value).__name__}: {type(error).__name__}]"

    def _mapping(self, mapping: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        redacted: dict[str, Any] = {}
        for key, value in mapping.items():
            if len(redacted) == _MAX_ITEMS:
                redacted["…"] = f"[{len(mapping)} items]"
                break
            text = _decoded(key) if isinstance(key, bytes) else str(key)
            redacted[redact_text(text)] = self.pair(text, value, depth + 1)
        if (named := self.named_secret(mapping)) in redacted:
            redacted[named] = REDACTED
        return redacted

    def named_secret(self, mapping: Mapping[Any, Any]) -> str:
        """The key of what a secret's name stands beside: {"name": "Cookie", "value": "…"}."""
        for name, value in _NAMED_VALUES:
            key = mapping.get(name) if value in mapping else None
            if isinstance(key, bytes):
                key = _decoded(key)
            if isinstance(key, str) and self.is_secret(key):
                return value
        return ""

    def _items(self, items: list[Any], depth: int) -> list[Any]:
        # A pair such as ("password", "…"), of which lists of headers and of form fields are made.
        match items:
            case [str() | bytes() as key, value]:
                name = _decoded(key) if isinstance(key, bytes) else key
                return [redact_text(name), self.pair(name, value, depth + 1)]
        redacted = [self.value(item, depth + 1) for item in items[:_MAX_ITEMS]]
        if len(items) > _MAX_ITEMS:
            redacted.append(f"[{len(items)} items]")
        return redacted


def _ends_in_a_secret(key: str) -> bool:
    words = [word.lower() for word in _WORD.findall(key)]
    while len(words) > 1 and words[-1] in _DETAILS:
        words.pop()
    return words[-1:] != [] and (
        words[-1] in _SECRET_WORDS or "".join(words).endswith(_SECRET_ENDINGS)
    )


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _decoded(value: bytes | bytearray) -> str:
    return value.decode("utf-8", "backslashreplace")


def _number(value: int) -> int | str:
    value = int(value)
    if abs(value) < _SHORTEST_CARD:
        return value
    # Longer ones may have no decimal form at all (CVE-2020-10735).
    if abs(value) > _LARGEST_NUMBER:
        return "[large number]"
    return REDACTED if redact_text(str(value)) == REDACTED else value
