"""Leaves a prototype alone that does not answer, and tries now and then whether it does again."""

import time
from collections.abc import Callable

import structlog

from ..platform.problems import Unavailable

_log = structlog.get_logger(__name__)


class Breaker:
    """A circuit breaker: closed, open after `failures` in a row, half-open for one request.

    A failure is no answer at all. An answer of 500 is one: whoever gives it is there.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int,
        recovery_seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._most = failures
        self._recovery = recovery_seconds
        self._now = now
        self._failed = 0
        self._closed_again = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        return self._failed >= self._most

    def enter(self) -> None:
        """Ask before a request; each one that was let in ends in one of the methods below.

        Raises:
            Unavailable: the prototype is left alone for now.
        """
        if not self.is_open:
            return
        wait = self._closed_again - self._now()
        if wait > 0 or self._probing:
            raise Unavailable(
                "The application does not answer at the moment. Try again shortly.",
                code="prototype-unavailable",
                retry_after=max(1, round(wait)),
            )
        self._probing = True

    def answered(self) -> None:
        if self._failed:
            if self.is_open:
                _log.info("prototype_is_back", upstream=self._name)
            self._failed = 0
            self._probing = False

    def failed(self) -> None:
        self._failed += 1
        self._probing = False
        if self.is_open:
            self._closed_again = self._now() + self._recovery
            if self._failed == self._most:
                _log.warning("prototype_is_left_alone", upstream=self._name)

    def abandoned(self) -> None:
        """The caller went away before there was an answer, which says nothing of the prototype."""
        self._probing = False
