"""Verification of signed tokens: JWS in compact form (RFC 7515), claims of a JWT (RFC 7519).

After RFC 8725 and ASVS 5.0 chapter 9: the key decides on the algorithm, never the token; `none`
is no algorithm; keys that a token brings along or points at (`jwk`, `jku`, `x5c`, `x5u`) are not
looked at; critical extensions are refused; an expiry is required unless told otherwise.
"""

import binascii
import json
import math
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key

from .caller import BadCredential

LONGEST_TOKEN: Final = 8192
LEEWAY: Final = 10
"""Seconds by which two clocks may differ."""


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """A key and the only algorithm it is for (RFC 8725, section 3.1)."""

    key: Key
    algorithm: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token's claims must say; None asks for nothing."""

    issuer: str | None = None
    audience: str | None = None
    needs_expiry: bool = True


@dataclass(frozen=True, slots=True)
class Unverified:
    """The parts of a token, read to choose a key and to refuse, never to let anybody in."""

    algorithm: str
    key_id: str | None
    type: str | None
    claims: Mapping[str, Any]


class _Registry(jws.JWSRegistry):
    """Takes `EdDSA` (RFC 8037) for what it is with a key on this curve, `Ed25519` (RFC 9864)."""

    algorithms = {  # noqa: RUF012 as it is declared there
        **jws.JWSRegistry.algorithms,
        "EdDSA": jws.JWSRegistry.algorithms["Ed25519"],
    }


def unverified(token: str) -> Unverified:
    """Read a token without believing it.

    Raises:
        BadCredential: it is no JWS in compact form, or needs what is not supported here.
    """
    if len(token) > LONGEST_TOKEN:
        raise BadCredential("token-too-long")
    parts = token.split(".")
    if len(parts) != 3:
        raise BadCredential("not-a-token")
    header = _json_object(parts[0])
    if "crit" in header or "b64" in header:
        raise BadCredential("critical-extension")
    algorithm, key_id, kind = (header.get(name) for name in ("alg", "kid", "typ"))
    if not (isinstance(algorithm, str) and isinstance(key_id, str | None)):
        raise BadCredential("not-a-token")
    if not isinstance(kind, str | None):
        raise BadCredential("not-a-token")
    return Unverified(algorithm, key_id, kind, _json_object(parts[1]))


def verified(token: str, pinned: PinnedKey, expected: Expected, now: float) -> Mapping[str, Any]:
    """The claims of a token that `pinned` has signed.

    Raises:
        BadCredential: it has not, or the claims are not as expected.
    """
    if unverified(token).algorithm != pinned.algorithm:
        raise BadCredential("algorithm")
    registry = _Registry(algorithms=[pinned.algorithm], strict_check_header=False)
    try:
        signed = jws.deserialize_compact(token, pinned.key, registry=registry)
    except (JoseError, ValueError, TypeError) as error:
        raise BadCredential("signature") from error
    claims = _object(signed.payload)
    _check_times(claims, expected, now)
    if expected.issuer is not None and claims.get("iss") != expected.issuer:
        raise BadCredential("issuer")
    if expected.audience is not None and expected.audience not in audiences(claims):
        raise BadCredential("audience")
    return claims


def _check_times(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    expiry = _time(claims, "exp")
    if expiry is None and expected.needs_expiry:
        raise BadCredential("no-expiry")
    if expiry is not None and now >= expiry + LEEWAY:
        raise BadCredential("expired")
    for name in ("nbf", "iat"):
        moment = _time(claims, name)
        if moment is not None and now < moment - LEEWAY:
            raise BadCredential("not-yet-valid")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadCredential("malformed-claims")
    return value


def audiences(claims: Mapping[str, Any]) -> Sequence[Any]:
    """Whom a token is meant for (RFC 7519, 4.1.3); empty when it does not say."""
    audience = claims.get("aud")
    if audience is None:
        return ()
    return audience if isinstance(audience, list) else [audience]


def _json_object(part: str) -> Mapping[str, Any]:
    try:
        decoded = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise BadCredential("not-a-token") from error
    return _object(decoded)


def _object(text: bytes | None) -> Mapping[str, Any]:
    try:
        value = json.loads(text or b"")
    except (ValueError, RecursionError) as error:
        raise BadCredential("not-a-token") from error
    if not isinstance(value, dict):
        raise BadCredential("not-a-token")
    return value
