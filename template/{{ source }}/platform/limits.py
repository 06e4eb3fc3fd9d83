"""What one request may take: size, time and a place among others (ASVS 5.0 15.2.2, CWE-770)."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import problem_response
from .requests import response_has_begun


class _Deadline:
    """`asyncio.timeout` without being awaited, which every request would pay for.

    It begins when it is made, in the task that it cancels.
    """

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._expired = False
        self._timer = task.get_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()

    def is_why(self) -> bool:
        """Whether nobody else cancelled the task as well."""
        return self._expired and self._task.cancelling() <= self._cancelling + 1

    def disarm(self) -> None:
        self._timer.cancel()
        if self._expired:
            self._task.uncancel()


class LimitsMiddleware:
    """Answers 503 while `max_concurrency` requests run, and to one of over `timeout` seconds."""

    def __init__(
        self, app: ASGIApp, *, max_concurrency: int, timeout: float, unlimited: frozenset[str]
    ) -> None:
        self.app = app
        self._free = max_concurrency
        self._timeout = timeout
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._unlimited:
            await self.app(scope, receive, send)
            return
        request_id = scope.get("state", {}).get("request_id")
        if self._free <= 0:
            response = problem_response(
                503,
                "overloaded",
                "Too many requests are being served. Try again shortly.",
                request_id=request_id,
                headers={"Retry-After": "1"},
            )
            await response(scope, receive, send)
            return

        self._free -= 1
        deadline = _Deadline(self._timeout)
        try:
            await self.app(scope, receive, send)
        except asyncio.CancelledError:
            if not deadline.is_why():
                raise
            if response_has_begun(scope):
                raise TimeoutError from None
            response = problem_response(
                503,
                "timeout",
                "This took too long and was given up.",
                request_id=request_id,
                headers={"Retry-After": "1"},
            )
            await response(scope, receive, send)
        finally:
            deadline.disarm()
            self._free += 1


def _announced_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


class BodyLimitMiddleware:
    """Answers 413 to a body of more than `max_bytes`, whether its length is announced or not.

    FastAPI's own limit answers in plain text, outside of the other middlewares.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _announced_bytes(scope) > self._max_bytes:
            response = problem_response(
                413,
                "content-too-large",
                f"A body may have {self._max_bytes} bytes.",
                request_id=scope.get("state", {}).get("request_id"),
                headers={"Connection": "close"},
            )
            await response(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(413, f"A body may have {self._max_bytes} bytes.")
            return message

        await self.app(scope, receive_within_limit, send)
