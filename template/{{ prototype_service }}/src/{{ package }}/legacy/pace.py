"""How fast one caller may ask (CWE-770): the generic cell rate algorithm, in memory.

The counts are those of one process. What must hold across processes, such as the number of
log-ins, is counted in the database (auth.throttling).
"""

import math
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from ..platform.problems import TooManyRequests

_MOST_CALLERS: Final = 50_000


class Pace:
    """`per_second` for long, and `burst` at once."""

    def __init__(
        self, *, per_second: float, burst: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._step = 1 / per_second
        self._tolerance = self._step * burst
        self._now = now
        self._due: dict[str, float] = {}
        self._swept = now()

    def take(self, caller: str) -> None:
        """Count one request.

        Raises:
            TooManyRequests: the caller is too fast; it says when to come back.
        """
        now = self._now()
        due = max(self._due.get(caller, now), now) + self._step
        ahead = due - now
        if ahead > self._tolerance:
            raise TooManyRequests(
                "Too many requests. Slow down.",
                retry_after=max(1, math.ceil(ahead - self._tolerance)),
            )
        if len(self._due) >= _MOST_CALLERS and caller not in self._due:
            self._forget(now)
        self._due[caller] = due

    def _forget(self, now: float) -> None:
        """Once a second those who are not ahead of their time, else who came first."""
        if now - self._swept >= 1:
            self._swept = now
            self._due = {caller: due for caller, due in self._due.items() if due > now}
        if len(self._due) >= _MOST_CALLERS:
            del self._due[next(iter(self._due))]


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """What one client can't leave: a home or a server is given a whole IPv6 /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
    return address
