"""Callers with a token of an OpenID provider: Auth0, Clerk, Cognito, Entra, Firebase, Keycloak.

Access tokens (RFC 9068, section 4) and ID tokens (OpenID Connect Core 1.0, section 3.1.3.7) that
the provider has signed with a key it publishes. Not every provider keeps to RFC 9068: some name
the client where it wants an audience, and few say `at+jwt`. So what tells this service's tokens
from all the others of that provider is configured, and a kind of token that is known to be for
something else is refused by name (RFC 8725, sections 3.9 to 3.12).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...platform.clock import Clock
from .caller import BadCredential, Caller
from .claims import roles_at, subject_of
from .jwks import KeySet
from .presented import Presented
from .remembered import Remembered
from .tokens import Expected, Unverified, audiences, unverified, verified

_TYPES: Final = frozenset({"jwt", "at+jwt"})
_EMAIL: Final = "email"


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose tokens are taken, which of them, and what is read from their claims.

    `clients` are whom the provider may have issued them to; none asks nothing where the audience
    alone decides.
    """

    issuer: str
    audiences: Sequence[str]
    clients: Sequence[str] = ()
    subjects: Sequence[str] = ("sub",)
    roles: Sequence[str] = ()


class OidcCallers:
    """Tokens in `Authorization: Bearer`, or in one of `cookies`."""

    def __init__(
        self, provider: Provider, keys: KeySet, clock: Clock, *, cookies: Sequence[str] = ()
    ) -> None:
        self._provider = provider
        self._keys = keys
        self._clock = clock
        self._cookies = cookies
        self._remembered = Remembered()

    async def identify(self, presented: Presented) -> Caller | None:
        token = presented.token(self._cookies)
        return await self._caller(token) if token else None

    async def _caller(self, token: str) -> Caller:
        now = self._clock.now().timestamp()
        known = self._remembered.recall(token, now, self._keys.epoch, Caller)
        if known is not None:
            return known
        said = unverified(token)
        _refuse_other_kinds(said)
        if said.claims.get("iss") != self._provider.issuer:
            # Here too, for keys are not fetched, nor is anybody kept waiting, for another's token.
            raise BadCredential("issuer")
        key = await self._keys.key_of(said)
        claims = verified(token, key, Expected(self._provider.issuer), now)
        _check_purpose(claims, self._provider)
        caller = _user(claims, self._provider)
        self._remembered.keep(token, caller, now, claims["exp"])
        return caller


def _refuse_other_kinds(said: Unverified) -> None:
    """A provider signs more than what lets somebody in, with the same keys."""
    kind = "jwt" if said.type is None else said.type.lower()
    if kind.removeprefix("application/") not in _TYPES:
        raise BadCredential("token-type")
    if "events" in said.claims:  # a logout or security event token (RFC 8417, 2.2)
        raise BadCredential("token-type")
    if "cnf" in said.claims:  # proves nothing without a key of its holder's (RFC 7800, RFC 9449)
        raise BadCredential("bound-token")


def _check_purpose(claims: Mapping[str, Any], provider: Provider) -> None:
    """For this service, and issued to a client that may be: `azp`, or `client_id` (RFC 9068, 2.2).

    One audience is enough, unless clients are named. With several, one of which may be whoever
    wants to use the token here, the client decides (Core, 3.1.3.7, steps 4 and 5); and with none,
    which is how Cognito's access tokens and Clerk's are.
    """
    meant = audiences(claims)
    if meant and not any(name in provider.audiences for name in meant):
        raise BadCredential("audience")
    if len(meant) == 1 and not provider.clients:
        return
    client = claims.get("azp") or claims.get("client_id")
    if client is None and len(meant) == 1:
        client = meant[0]  # an ID token: its audience is its client
    if client not in (provider.clients or (provider.audiences if meant else ())):
        raise BadCredential("client")


def _user(claims: Mapping[str, Any], provider: Provider) -> Caller:
    # Whoever may type an address into a form has not proven that it is theirs.
    proven = (
        claims
        if claims.get("email_verified") is True
        else {name: value for name, value in claims.items() if name != _EMAIL}
    )
    subject = subject_of(proven, provider.subjects)
    if subject is None:
        raise BadCredential("no-subject")
    return Caller(subject, "oidc", roles_at(proven, provider.roles), proven)
