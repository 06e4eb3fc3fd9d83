"""An issuer of tokens: its keys, what it publishes of them, and what an attacker makes of it."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import httpx2
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

ISSUER = "https://garden.example/auth/v1"
LEGACY_SECRET = "the-project's-own-" + "jwt-secret-of-long-ago"
_RSA = RSAKey.generate_key(2048)  # takes a while, and no test asks for two
ALGORITHMS = {"rsa": "RS256", "pss": "PS256", "p384": "ES384", "edwards": "Ed25519"}


class Issuer(httpx2.AsyncBaseTransport):
    """Publishes the keys that `publish` names; `is_down` drops every connection."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {
            "first": ECKey.generate_key("P-256"),
            "second": ECKey.generate_key("P-256"),
            "rsa": _RSA,
            "pss": _RSA,
            "p384": ECKey.generate_key("P-384"),
            "edwards": OKPKey.generate_key("Ed25519"),
        }
        self.publish = ["first", "rsa"]
        self.extra: list[Mapping[str, Any]] = []
        self.is_down = False
        self.answer: bytes | None = None
        self.fetches = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.fetches += 1
        if self.is_down:
            raise httpx2.ConnectError("refused", request=request)
        return httpx2.Response(200, content=self.answer or json.dumps(self.document()).encode())

    def document(self) -> dict[str, Any]:
        return {
            "keys": [
                *self.extra,
                *(
                    {
                        **self.keys[name].as_dict(private=False),
                        "kid": name,
                        "use": "sig",
                        # What most providers leave out where the key leaves no doubt.
                        **({"alg": ALGORITHMS[name]} if name in {"pss", "edwards"} else {}),
                    }
                    for name in self.publish
                ),
            ]
        }

    def public_pem(self, name: str) -> bytes:
        key = self.keys[name]
        assert isinstance(key, ECKey | RSAKey)
        return key.as_pem(private=False)

    def token(self, claims: Mapping[str, Any], key: str = "first", /, **header: Any) -> str:
        algorithm = ALGORITHMS.get(key, "ES256")
        return sign(claims, self.keys[key], {"alg": algorithm, "kid": key, **header})


def sign(claims: Mapping[str, Any], key: Key, header: Mapping[str, Any]) -> str:
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return jws.serialize_compact(dict(header), json.dumps(claims), key, registry=registry)


def legacy(claims: Mapping[str, Any], secret: str = LEGACY_SECRET) -> str:
    return sign(claims, OctKey.import_key(secret), {"alg": "HS256", "typ": "JWT"})


def by_hand(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes = b"") -> str:
    """What no decent library signs: `none`, or a public key as an HMAC secret."""
    signed = f"{encoded(header)}.{encoded(claims)}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


def encoded(value: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
