"""Where an OpenID provider publishes its keys, in its own words (OpenID Connect Discovery 1.0).

It is asked each time that the keys are, so a provider may move them.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from .jwks import NewClient, Published, Unusable, document

_DESCRIPTION: Final = "/.well-known/openid-configuration"


def discovered(issuer: str, new_client: NewClient) -> Published:
    """The key set of the provider that calls itself `issuer`, to the letter."""

    async def fetch() -> Any:
        async with new_client() as client:
            # Section 4.1: a slash at the end of the issuer goes, other paths stay.
            described = await document(client, issuer.removesuffix("/") + _DESCRIPTION)
            return await document(client, _keys_url(described, issuer))

    return fetch


def _keys_url(described: Any, issuer: str) -> str:
    """Whatever else it says, a description of somebody else is none (section 4.3).

    Without TLS anybody on the way could give out keys, so a provider that is reached with it can't
    send anybody to where there is none (section 3, `jwks_uri`).
    """
    if not isinstance(described, dict) or described.get("issuer") != issuer:
        raise Unusable("the description is of another issuer")
    url = described.get("jwks_uri")
    parts = urlsplit(url if isinstance(url, str) else "")
    if not parts.hostname or parts.scheme not in {"https", urlsplit(issuer).scheme}:
        raise Unusable("jwks_uri is no https:// address")
    return parts.geturl()
