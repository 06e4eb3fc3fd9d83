"""What a value is: a placeholder, a decoded token, a checksum that fits; and how it is shown."""

import base64
import binascii
import json
import math
import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ...engine import regex as re

_PLACEHOLDER = re.compile(
    r"your|example|change[-_ ]?(me|this|it|in[-_ ]prod)|replace|placeholder|x{3,}|dummy|sample"
    r"|todo|insert|fake|mock|redact|\.\.\.|…|\*{3,}|#{3,}|0{6,}|12345|abcdef|abc123|1a2b3c|a1b2c3|"
    r"<[^>]*>|\$\{|\{\{|\$\(|%\(|\{[a-z_]+\}|^\$|^%|^@|enter[-_ ]|_here\b|lorem|fixme|not[-_ ]?set"
    r"|undefined|super[-_]?secret|my[-_]?secret|s3cr3t|foobar|\bfoo\b|qwerty",
    re.IGNORECASE,
)
_FOR_DEVELOPMENT = re.compile(
    r"(^|[-_.])(dev|devel|development|local|localhost|test|testing|ci|demo)($|[-_.\d])|for[-_]test"
    r"|^(test|ci|dev)[-_.]?(pass(word)?|secret|key|token)",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][a-z]{2,}(?![A-Za-z0-9])")
_A_PHRASE = 3
_DEFAULTS = frozenset(
    {
        "password", "passwd", "pass", "secret", "postgres", "root", "admin", "guest", "mysql",
        "mongo", "redis", "minio", "minioadmin", "user", "username", "db", "database", "pw", "pwd",
        "token", "key", "apikey", "api_key", "none", "null", "true", "false", "test", "dev",
        "hunter2", "app", "supabase", "docker", "default", "empty", "string", "required",
    }
)  # fmt: skip
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def masked(secret: str) -> str:
    """All that is ever shown of it: first four, last two, how long."""
    if len(secret) < 12:
        return f"{secret[:1]}… ({len(secret)} characters)"
    return f"{secret[:4]}…{secret[-2:]} ({len(secret)} characters)"


def is_placeholder(value: str) -> bool:
    """Something that stands where a secret belongs: `your-key-here`, `${TOKEN}`, `xxx`."""
    if len(set(value)) < 5 or value.lower() in _DEFAULTS:
        return True
    if value.startswith(("[", "%5B")) and value.endswith(("]", "%5D")):
        return True
    return bool(_PLACEHOLDER.search(value))


def is_for_development(value: str) -> bool:
    return value.lower() in _DEFAULTS or bool(_FOR_DEVELOPMENT.search(value))


def is_random(value: str) -> bool:
    """Whether it looks generated rather than typed: 3 bits a character over 16 characters."""
    if len(value) < 16 or " " in value or len(_WORD.findall(value)) >= _A_PHRASE:
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return bits >= 3.0 and any(letter.isdigit() for letter in value)


_DATA = re.compile(r"[\w+/=-]*")
_LONGER_THAN_KEYS = 300


def within_data(text: str, start: int, end: int) -> bool:
    """Whether it stands in the middle of a picture or another file that is written in base64."""
    before = _DATA.match(text[max(0, start - _LONGER_THAN_KEYS) : start][::-1])
    after = _DATA.match(text, end, end + _LONGER_THAN_KEYS)
    return len(before[0] if before else "") + len(after[0] if after else "") >= _LONGER_THAN_KEYS


def claims(token: str) -> Mapping[str, Any] | None:
    """The payload of a JSON Web Token (RFC 7519), its signature unchecked; None for none."""
    parts = token.split(".")
    if len(parts) != 3 or _part(parts[0]) is None:
        return None
    return _part(parts[1])


def _part(encoded: str) -> Mapping[str, Any] | None:
    try:
        raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        decoded = json.loads(raw)
    except (ValueError, binascii.Error, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def github_checksum_fits(token: str) -> bool:
    """GitHub's tokens end in six base-62 digits of the CRC-32 of what stands before."""
    body, check = token.partition("_")[2][:-6], token[-6:]
    number, digits = zlib.crc32(body.encode()), ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits.rjust(6, "0") == check


_TRIED_WITH = re.compile(r"\bif\b[^\n]*emulator|\bdummy|\bfake\b|\bmock", re.IGNORECASE)
_NOBODYS = re.compile(r"\b(?:dummy|fake|mock)[\w.-]*@", re.IGNORECASE)
_NEAR = 400


def is_for_trying(match: re.Match[str]) -> bool:
    """Whether what stands beside it says that an emulator is told it, or that nobody has it."""
    before = match.string[max(0, match.start() - _NEAR) : match.start()]
    after = match.string[match.end() : match.end() + _NEAR]
    return bool(_TRIED_WITH.search(before) or _NOBODYS.search(after))
