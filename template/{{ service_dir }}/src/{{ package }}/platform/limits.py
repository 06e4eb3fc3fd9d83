"""What one request may take: time and a place among the others (ASVS 5.0 15.2.2, CWE-770)."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import problem_response


class LimitsMiddleware:
    """Answers 503 when `max_concurrency` requests run, and when one takes over `timeout` seconds."""

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

        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        self._free -= 1
        try:
            async with asyncio.timeout(self._timeout) as deadline:
                await self.app(scope, receive, send_and_note)
        except TimeoutError:
            if started or not deadline.expired():
                raise
            response = problem_response(
                503,
                "timeout",
                "This took too long and was given up.",
                request_id=request_id,
                headers={"Retry-After": "1"},
            )
            await response(scope, receive, send)
        finally:
            self._free += 1
