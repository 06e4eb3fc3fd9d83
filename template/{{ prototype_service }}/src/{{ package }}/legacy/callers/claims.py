"""What is read from verified claims: who it is, and which roles they were given."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ROLE_CLAIMS = ("role", "roles", "user_role", "userRole")
_ADMIN_CLAIMS = ("is_admin", "isAdmin", "admin")


def subject_of(claims: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first of the claims that names somebody; `user.id` looks inside of `user`."""
    for name in names:
        value = claim(claims, name)
        if isinstance(value, Mapping) and len(value) == 1:
            (value,) = value.values()  # Flask marks a UUID as {" u": …}
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)[:200]
    return None


def roles_of(*sources: object) -> frozenset[str]:
    return frozenset(
        role for source in sources if isinstance(source, Mapping) for role in _roles(source)
    )


def roles_at(claims: Mapping[str, Any], names: Sequence[str]) -> frozenset[str]:
    """The roles that these claims list, and no others."""
    return frozenset(role for name in names for role in _listed(claim(claims, name)))


def _roles(claims: Mapping[str, Any]) -> Iterator[str]:
    for name in _ROLE_CLAIMS:
        yield from _listed(claims.get(name))
    if any(claims.get(name) is True for name in _ADMIN_CLAIMS):
        yield "admin"


def _listed(value: object) -> Iterator[str]:
    for role in value if isinstance(value, list) else [value]:
        if isinstance(role, str) and role:
            yield role


def claim(claims: Mapping[str, Any], path: str) -> object:
    """The value at a path such as `app_metadata.plan`; None where there is none.

    A claim may be called as a path is (`https://acme.example/roles`).
    """
    if path in claims:
        return claims[path]
    value: object = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
