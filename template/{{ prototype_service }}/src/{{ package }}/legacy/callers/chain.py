"""Several ways to know a caller, asked in turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Scope

from .caller import BadCredential, Caller, CannotVerify, SecretInBrowser
from .presented import Presented, presented

SECRET_IN_BROWSER = "secret-key-in-browser"  # noqa: S105 a code for logs
CANNOT_VERIFY = "cannot-verify"


class Callers(Protocol):
    async def identify(self, presented: Presented) -> Caller | None:
        """The caller that a credential of this kind proves; None when there is none of it.

        Raises:
            BadCredential: there is one, and it proves nothing.
            CannotVerify: there is one, and nobody can say.
            SecretInBrowser: a key that must not be in a browser came from one.
        """
        ...


@dataclass(frozen=True, slots=True)
class Identified:
    """Who calls, or `fault`: why the credentials that there were did not prove it."""

    caller: Caller | None = None
    fault: str = ""


NOBODY = Identified()


class CallerChain:
    """The first part that recognises somebody decides.

    That a credential means nothing to one part is no fault while it means something to another.
    """

    def __init__(self, parts: Sequence[Callers]) -> None:
        self._parts = tuple(parts)

    async def identify(self, scope: Scope) -> Identified:
        try:
            credentials = presented(scope)
        except BadCredential as error:
            return Identified(fault=error.code)
        return NOBODY if credentials.is_empty else await self._ask(credentials)

    async def _ask(self, credentials: Presented) -> Identified:
        faults: list[str] = []
        for part in self._parts:
            try:
                if caller := await part.identify(credentials):
                    return Identified(caller)
            except BadCredential as error:
                faults.append(error.code)
            except CannotVerify:
                faults.insert(0, CANNOT_VERIFY)
            except SecretInBrowser:
                return Identified(fault=SECRET_IN_BROWSER)
        return Identified(fault=faults[0]) if faults else NOBODY
