"""What keeps secrets and personal data out of the logs and the traces, by key and by shape.

Two nets, because each has holes: a key such as ``password`` says what its value is, whatever it looks like; a
shape such as a JWT says what it is, wherever it turns up (an exception's message, a URL, a body). Neither can
know a secret that has no telling key and no telling shape: do not log those. OWASP ASVS 16.2.5, CWE-532.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final

REDACTED: Final = "[redacted]"

# Keys are compared in lower case without punctuation: "X-API-Key" and "xApiKey" are one key.
_SECRET_PARTS: Final = (
    "password passwd passphrase pwd secret token apikey accesskey privatekey signingkey encryptionkey authorization "
    "cookie credential jwt bearer otp totp mfacode recoverycode verificationcode sessionkey dsn connectionstring "
    "cardnumber securitycode passport birthdate dateofbirth phonenumber socialsecurity taxid"
).split()
_SECRET_KEYS: Final = frozenset(
    "auth session sid pin pass cvv cvc ssn iban pan phone mobile firstname lastname fullname surname street".split()
)
# What a secret's key says about it without being it: token_type, password_changed_at, cookie_count.
_HARMLESS_ENDINGS: Final = (
    "type",
    "at",
    "count",
    "name",
    "length",
    "present",
    "enabled",
    "required",
    "expiry",
    "ttl",
)

_MAX_TEXT: Final = 16_384
_MAX_ITEMS: Final = 200
_MAX_DEPTH: Final = 8
_MAX_KEYS: Final = 4_096
# A secret may straddle the cut; one shorter than this is still seen whole before it is made.
_MARGIN: Final = 2_048

_SECRET_WORDS: Final = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key"
    r"|credentials?|jwt|otp|session|sid|cvv|cvc|ssn|iban"
)
_VALUE: Final = r"""b?"(?:[^"\\]|\\.)*"?|b?'(?:[^'\\]|\\.)*'?|[^\s,;&)}\]"']+"""

# Ordered: what swallows most comes first, so that a later pattern never splits what an earlier one would take.
_SHAPES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), replacement)
    for pattern, replacement in (
        # PEM private keys, and the age identity a backup is opened with.
        (
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)",
            REDACTED,
        ),
        (r"AGE-SECRET-KEY-[0-9A-Za-z]{10,}", REDACTED),
        # Headers in a dump of a request: all of the line, or all of the quoted value.
        (
            r"""(?i)\b((?:set-)?cookie|(?:proxy-)?authorization)(["']?\s*[:=,]\s*)"""
            r"""(b?"(?:[^"\\]|\\.)*"?|b?'(?:[^'\\]|\\.)*'?|[^\r\n"']+)""",
            rf"\1\2{REDACTED}",
        ),
        (r"(__(?:Host|Secure)-[\w-]{1,64})=[^;\s,\"']+", rf"\1={REDACTED}"),
        # user:password@ in a URL or DSN; a port alone is not a password.
        (
            r"://[^\s/?#:@\"']{0,256}:(?!\d{1,5}(?:[/?#\s\"']|$))[^\s\"'<>]{1,512}@",
            f"://{REDACTED}@",
        ),
        (r"://[^\s/?#@\"']{1,512}@", f"://{REDACTED}@"),
        (r"(?i:\b(bearer|basic|digest|negotiate))\s+(?![a-z]+\b)[\w.~+/=-]{6,}", rf"\1 {REDACTED}"),
        # JSON web tokens and the encrypted kind; the signature may be missing (alg none).
        (r"\beyJ[\w-]{4,}\.[\w-]{2,}(?:\.[\w-]*){0,3}", REDACTED),
        # Keys of well-known providers.
        (r"\b(?:[spr]k|whsec)_(?:(?:live|test)_)?[A-Za-z0-9+/=]{12,}", REDACTED),
        (r"\bsb_secret_[\w-]{8,}", REDACTED),
        (r"\bsk-[\w-]{16,}", REDACTED),
        (r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b", REDACTED),
        (r"\bgh[opsur]_[A-Za-z0-9]{16,}", REDACTED),
        (r"\bgithub_pat_\w{20,}", REDACTED),
        (r"\bgl(?:pat|dt|rt|cbt|ptt|soat)-[\w-]{16,}", REDACTED),
        (r"\bxox[abeoprs]-[\w-]{10,}", REDACTED),
        (r"\bAIza[\w-]{30,}", REDACTED),
        (r"\bya29\.[\w-]{16,}", REDACTED),
        (r"\bSG\.[\w-]{16,}\.[\w-]{16,}", REDACTED),
        (r"\b(?:npm|hf|dop_v1|shpat|shpss)_[A-Za-z0-9]{16,}", REDACTED),
        (r"\bpypi-[\w-]{16,}", REDACTED),
        (r"\$(?:argon2(?:id|i|d)|2[aby]|scrypt|pbkdf2[\w-]*)\$[\w$./+=,-]{10,}", REDACTED),
        # key=value, "key": "value", --key value: query strings, DSNs, reprs, command lines.
        (
            rf"(?i)(?<![A-Za-z])((?:[\w.-]{{0,64}}[_.-])?(?:{_SECRET_WORDS}))"
            rf"""(["']?\s*(?:=>|[:=])\s*|["']\s*,\s*(?=b?["']))({_VALUE})""",
            rf"\1\2{REDACTED}",
        ),
        # What secrets.token_urlsafe(32) makes, and with it every session and reset token of this service.
        (r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{43}(?![\w-])", REDACTED),
    )
)
_EMAIL: Final = re.compile(
    r"""([^\s@<>"'(),:;\[\]\\=/?&{}|%])[^\s@<>"'(),:;\[\]\\=/?&{}|]{0,63}(@|%40)([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})"""
)
# An issuer's range first, so that a time in milliseconds is not taken for a card.
_CARD: Final = re.compile(r"(?<![\w.-])(?:[3-6]|2[2-7])(?:[ -]?\d){12,18}(?![\w-])")

# A text without any of these can match nothing above; most texts have none, and this is all they cost.
_SUSPECT: Final = re.compile(
    r"[@%:=]|\d(?:[ -]?\d){11}|(?i:key|pass|pwd|secret|token|bearer|basic|digest|negotiate|session|cookie|authorization)"
    r"|eyJ|[sprkb]k[_-]|whsec_|sb_|A[KSBC]IA|ACCA|gh[opsur]_|pat[_-]|gl[a-z]{2,4}-|xox|AIza|ya29|SG\.|npm_|hf_|_v1_|shp"
    r"|pypi-|\$|__|[\w-]{43}"
)


def _passes_luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match.group())
    return REDACTED if 13 <= len(digits) <= 19 and _passes_luhn(digits) else match.group()


def redact_text(text: str) -> str:
    """The text without what has the shape of a secret; e-mail addresses keep a letter and their domain."""
    if len(text) > _MAX_TEXT:
        whole = len(text)
        shown = redact_text_unbounded(text[: _MAX_TEXT + _MARGIN])[:_MAX_TEXT]
        return f"{shown}… [{whole} characters]"
    return redact_text_unbounded(text)


def redact_text_unbounded(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(r"\1***\2\3", text)
    return _CARD.sub(_card, text)


class Redactor:
    """Redacts whole values: nested, of any type, and without ever raising, for a log line must not fail."""

    def __init__(self, extra_keys: Iterable[str] = ()) -> None:
        self._extra = frozenset(filter(None, map(_normalised, extra_keys)))
        self._known: dict[str, bool] = {}

    def is_secret(self, key: str) -> bool:
        known = self._known.get(key)
        if known is None:
            known = self._judge(key)
            # Keys can come from a request's body: the memory of them must be bounded.
            if len(self._known) < _MAX_KEYS:
                self._known[key] = known
        return known

    def _judge(self, key: str) -> bool:
        plain = _normalised(key)
        if plain in self._extra or any(part in plain for part in self._extra if len(part) > 4):
            return True
        if plain in _SECRET_KEYS:
            return True
        return any(part in plain for part in _SECRET_PARTS) and not plain.endswith(
            _HARMLESS_ENDINGS
        )

    def value(self, value: Any, depth: int = 0) -> Any:
        """A value that JSON can hold, redacted."""
        if value is None or value is True or value is False:
            return value
        kind = type(value)
        if kind is str:
            return redact_text(value)
        if kind is int:
            return value if -(10**12) < value < 10**12 else _number(value)
        if kind is float:
            return value if math.isfinite(value) else str(value)
        if depth >= _MAX_DEPTH:
            return "[too deep]"
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, bytes | bytearray | memoryview):
            return redact_text(bytes(value[: _MAX_TEXT * 2]).decode("utf-8", "backslashreplace"))
        if isinstance(value, Sequence | Set) and not isinstance(value, str):
            return self._items(value, depth)
        return redact_text(_text_of(value))

    def pair(self, key: str, value: Any, depth: int = 0) -> Any:
        if self.is_secret(key) and not isinstance(value, bool | None):
            return REDACTED
        return self.value(value, depth)

    def _mapping(self, mapping: Mapping[Any, Any], depth: int) -> Any:
        redacted: dict[str, Any] = {}
        try:
            for count, (key, value) in enumerate(mapping.items()):
                if count == _MAX_ITEMS:
                    redacted["…"] = f"[{len(mapping)} items]"
                    break
                text = (
                    key.decode("utf-8", "backslashreplace")
                    if isinstance(key, bytes)
                    else _text_of(key)
                )
                redacted[redact_text(text)] = self.pair(text, value, depth + 1)
        except Exception as error:
            return _unprintable(mapping, error)
        return redacted

    def _items(self, items: Sequence[Any] | Set[Any], depth: int) -> Any:
        redacted: list[Any] = []
        try:
            # ("password", "x"), as in a list of headers or form fields, is a pair, not two values.
            if (
                isinstance(items, tuple | list)
                and len(items) == 2
                and isinstance(items[0], str | bytes)
            ):
                name = (
                    items[0]
                    if isinstance(items[0], str)
                    else items[0].decode("utf-8", "backslashreplace")
                )
                return [redact_text(name), self.pair(name, items[1], depth + 1)]
            for count, item in enumerate(items):
                if count == _MAX_ITEMS:
                    redacted.append(f"[{len(items)} items]")
                    break
                redacted.append(self.value(item, depth + 1))
        except Exception as error:
            return _unprintable(items, error)
        return redacted


def _normalised(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "", key.lower())


def _number(value: int) -> int | str:
    # repr() of a huge integer raises (CVE-2020-10735); one of 13 to 19 digits may be a card.
    if value.bit_length() > 256:
        return "[large number]"
    text = str(value)
    return value if redact_text_unbounded(text) == text else REDACTED


def _text_of(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:
        return _unprintable(value, error)


def _unprintable(value: Any, error: Exception) -> str:
    return f"[unprintable {type(value).__name__}: {type(error).__name__}]"
