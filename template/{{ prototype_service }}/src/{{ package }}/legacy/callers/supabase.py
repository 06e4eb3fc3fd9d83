"""Callers with an access token of Supabase Auth, in a header or in the cookie of its SSR package.

Signed by the project's asymmetric keys, or by the legacy secret (HS256). The anon key and
`sb_publishable_…` are public, so they prove nothing; `service_role` and `sb_secret_…` pass
row-level security by, so a browser that holds one is refused.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from joserfc.jwk import OctKey

from ...platform.clock import Clock
from .caller import BadCredential, Caller, SecretInBrowser
from .claims import roles_of
from .jwks import KeySet
from .presented import Presented
from .remembered import Remembered
from .tokens import Expected, PinnedKey, Unverified, unverified, verified

_COOKIE = re.compile(r"(sb-[\w-]+-auth-token)(?:\.(\d{1,2}))?")
_OF_PAGES: Final = "sb_publishable_"
_OF_SERVERS: Final = "sb_secret_"
_SERVICE_ROLE: Final = "service_role"
_KEYS_ISSUER: Final = "supabase"
"""The issuer of the two legacy keys, which are tokens too."""


class SupabaseCallers:
    """`keys` are the issuer's; `legacy_secret` the project's JWT secret, if it still has one."""

    def __init__(
        self,
        keys: KeySet,
        clock: Clock,
        *,
        issuer: str,
        audience: str = "authenticated",
        legacy_secret: str | None = None,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._expected = Expected(issuer=issuer, audience=audience)
        self._legacy = (
            PinnedKey(OctKey.import_key(legacy_secret), "HS256") if legacy_secret else None
        )
        self._remembered = Remembered()
        self._roles = Remembered()

    async def identify(self, presented: Presented) -> Caller | None:
        bearer, key = presented.bearer, presented.api_key
        if presented.from_browser and any(map(self._passes_all_rules, (bearer, key))):
            raise SecretInBrowser
        credential = bearer or key
        if credential is None or self._is_public(credential):
            return await self._by_cookie(presented)
        return await self._caller(credential)

    async def _by_cookie(self, presented: Presented) -> Caller | None:
        fault: BadCredential | None = None
        for token in _cookie_tokens(presented):
            try:
                return await self._caller(token)
            except BadCredential as error:
                fault = error
        if fault is not None:
            raise fault
        return None

    async def _caller(self, token: str) -> Caller:
        now = self._clock.now().timestamp()
        known = self._remembered.recall(token, now, self._keys.epoch, Caller)
        if known is not None:
            return known
        said = unverified(token)
        is_key = said.claims.get("iss") == _KEYS_ISSUER
        expected = Expected(issuer=_KEYS_ISSUER) if is_key else self._expected
        claims = verified(token, await self._key(said), expected, now)
        caller = _service(claims) if is_key else _user(claims)
        self._remembered.keep(token, caller, now, claims["exp"])
        return caller

    def _is_public(self, credential: str) -> bool:
        return credential.startswith(_OF_PAGES) or self._role_said(credential) == "anon"

    def _passes_all_rules(self, credential: str | None) -> bool:
        if credential is None:
            return False
        return credential.startswith(_OF_SERVERS) or self._role_said(credential) == _SERVICE_ROLE

    def _role_said(self, credential: str) -> str:
        """Good enough to refuse, or to see a key that is nobody's; not to let anybody in."""
        now = self._clock.now().timestamp()
        role = self._roles.recall(credential, now, None, str)
        if role is None:
            role = _role_said(credential)
            self._roles.keep(credential, role, now, None)
        return role

    async def _key(self, said: Unverified) -> PinnedKey:
        if said.algorithm == "HS256":
            if self._legacy is None:
                raise BadCredential("algorithm")
            return self._legacy
        return await self._keys.key_of(said)


def _service(claims: Mapping[str, Any]) -> Caller:
    if claims.get("role") != _SERVICE_ROLE:
        raise BadCredential("no-subject")
    return Caller(_SERVICE_ROLE, "supabase", frozenset({_SERVICE_ROLE}), claims)


def _user(claims: Mapping[str, Any]) -> Caller:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or claims.get("role") == "anon":
        raise BadCredential("no-subject")
    # Never user_metadata: that is the user's own to change.
    return Caller(subject, "supabase", roles_of(claims, claims.get("app_metadata")), claims)


def _role_said(credential: str) -> str:
    try:
        return str(unverified(credential).claims.get("role"))
    except BadCredential:
        return ""


def _cookie_tokens(presented: Presented) -> Iterator[str]:
    """The access tokens in the cookies of `@supabase/ssr`, which cuts long ones into chunks."""
    chunks: dict[str, dict[int, str]] = {}
    for name in presented.cookies:
        if match := _COOKIE.fullmatch(name):
            value = presented.cookie(name) or ""
            chunks.setdefault(match[1], {})[int(match[2] or 0)] = value
    for parts in chunks.values():
        if token := _access_token("".join(parts[index] for index in sorted(parts))):
            yield token


def _access_token(value: str) -> str | None:
    try:
        text = unquote(value, errors="strict")
        if text.startswith("base64-"):
            text = urlsafe_b64decode(text[7:] + "=" * (-len(text[7:]) % 4)).decode()
        session = json.loads(text)
    except (ValueError, RecursionError):
        return None
    token = session.get("access_token") if isinstance(session, dict) else None
    if isinstance(session, list) and session:  # the older auth-helpers kept a list
        token = session[0]
    return token if isinstance(token, str) else None
