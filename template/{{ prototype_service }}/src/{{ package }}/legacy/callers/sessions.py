"""Callers with a session of the prototype's own that the secret it is signed with can prove.

A JWT, as jsonwebtoken (Express), python-jose and PyJWT (FastAPI) make them, or the signed session
cookie of Flask. The secret is the prototype's; it is configured here a second time, and who knows
it can make up any caller, as they can for the prototype.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from joserfc.jwk import OctKey

from ...platform.clock import Clock
from .caller import BadCredential, Caller
from .claims import roles_of, subject_of
from .presented import Presented
from .remembered import Remembered
from .tokens import Expected, PinnedKey, verified

_UNCHANGING: Final = object()


class JwtSessions:
    """Tokens in `Authorization: Bearer`, or in one of `cookies`, under one secret and algorithm."""

    def __init__(
        self,
        secret: str,
        clock: Clock,
        *,
        expected: Expected,
        subjects: Sequence[str],
        algorithm: str = "HS256",
        cookies: Sequence[str] = (),
    ) -> None:
        self._key = PinnedKey(OctKey.import_key(secret), algorithm)
        self._clock = clock
        self._expected = expected
        self._subjects = subjects
        self._cookies = cookies
        self._remembered = Remembered()

    async def identify(self, presented: Presented) -> Caller | None:
        token = presented.token(self._cookies)
        return self._caller(token) if token else None

    def _caller(self, token: str) -> Caller:
        now = self._clock.now().timestamp()
        if known := self._remembered.recall(token, now, _UNCHANGING, Caller):
            return known
        claims = verified(token, self._key, self._expected, now)
        subject = subject_of(claims, self._subjects)
        if subject is None:
            raise BadCredential("no-subject")
        caller = Caller(subject, "session", roles_of(claims, claims.get("user")), claims)
        self._remembered.keep(token, caller, now, claims.get("exp"))
        return caller


class FlaskSessions:
    """Flask's session cookie: signed, dated and, if long, compressed; not encrypted."""

    def __init__(
        self, secret: str, *, cookie: str, subjects: Sequence[str], lifetime_seconds: int
    ) -> None:
        self._serializer = URLSafeTimedSerializer(
            secret,
            salt="cookie-session",
            serializer=json,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
        )
        self._cookie = cookie
        self._subjects = subjects
        self._lifetime = lifetime_seconds

    async def identify(self, presented: Presented) -> Caller | None:
        cookie = presented.cookie(self._cookie)
        if not cookie:
            return None
        session = self._read(cookie)
        subject = subject_of(session, self._subjects)
        if subject is None:
            return None  # a session of somebody who has not logged in: a basket, a flash message
        return Caller(subject, "session", roles_of(session, session.get("user")), session)

    def _read(self, cookie: str) -> Mapping[str, Any]:
        try:
            session = self._serializer.loads(cookie, max_age=self._lifetime)
        except SignatureExpired as error:
            raise BadCredential("expired") from error
        except (BadData, ValueError, RecursionError) as error:
            raise BadCredential("signature") from error
        if not isinstance(session, dict):
            raise BadCredential("not-a-token")
        return session
