"""The seams of the facade: who decides on a request, and what takes it on to the prototype."""

from dataclasses import dataclass
from typing import Protocol

from starlette.types import Receive, Scope, Send

from ..platform.problems import Problem


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate says about a request; `would_refuse` is why enforcing would have refused."""

    allowed: bool
    principal: str | None = None
    problem: Problem | None = None
    would_refuse: str | None = None


class Gatekeeper(Protocol):
    async def decide(self, scope: Scope) -> Decision:
        """Whether this request may reach the prototype.

        Asked before a byte goes upstream. `scope` is of type http or websocket and was looked
        through: its path has no dot segments, encoded or not, it names one allowed host, and
        `scope["client"]` is the caller as the platform knows it.
        """
        ...


class Everybody:
    """A gate that stands open."""

    async def decide(self, scope: Scope) -> Decision:
        return _ALLOWED


_ALLOWED = Decision(allowed=True)


class Adapter(Protocol):
    """A way to the prototype: over HTTP, or in this process."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def check(self) -> None:
        """Raise unless the prototype can be reached."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or connection.

        Raises:
            Problem: the prototype can't answer, and nothing was sent yet.
        """
        ...
