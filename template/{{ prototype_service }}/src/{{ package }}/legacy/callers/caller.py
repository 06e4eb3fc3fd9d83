"""Who is calling the prototype, as far as a credential proves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal of the prototype's. `source` names the part that recognised it.

    `claims` are what the credential says beyond that, proven like the rest of it.
    """

    subject: str
    source: str
    roles: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict, compare=False)


class BadCredential(Exception):
    """A credential that proves nothing. `code` is for logs: it quotes nothing of the credential."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class CannotVerify(Exception):
    """Whether a credential is good can't be said at the moment: its keys are out of reach."""


class SecretInBrowser(Exception):
    """A key that passes every rule of the database by came from a browser (CWE-522)."""
