"""The caller's end of an exchange: the body they send, and that they may go away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Self

from starlette.types import Receive

from ..platform.problems import ContentTooLarge
from .refusals import RequestTimeout

# Most answers are there by then, and a task to notice that their callers leave would be in vain.
_GRACE_SECONDS: Final = 0.05


class CallerGone(Exception):
    """Nobody waits for the answer any more."""


class Caller:
    """Reads the body in step with whoever takes it, and cancels this task when the caller leaves.

    Use as a context manager around what is done for the caller; it raises CallerGone then.
    `loop` is the one that runs: until Python 3.12 every look for it asks the kernel.
    """

    def __init__(
        self,
        receive: Receive,
        loop: asyncio.AbstractEventLoop,
        *,
        most_bytes: int,
        idle_seconds: float,
    ) -> None:
        self._receive = receive
        self._loop = loop
        self._most = most_bytes
        self._idle = idle_seconds
        self._task = asyncio.current_task(loop)
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._first: bytes | None = None
        self._received = 0
        self.gone = False
        self.fault: Exception | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self.gone:
            await self._settle(kind)

    async def _settle(self, kind: type[BaseException] | None) -> None:
        """The cancellation was ours: it ends here, and what it broke off needs no telling."""
        assert self._task is not None
        try:
            await asyncio.sleep(0)  # it may be on its way still
        except asyncio.CancelledError:
            kind = asyncio.CancelledError
        if kind is not None:
            if issubclass(kind, asyncio.CancelledError):
                self._task.uncancel()
            raise CallerGone from None

    async def body(self, announced: int | None) -> bytes | AsyncIterator[bytes] | None:
        """What to send: None without a body, bytes if all is there, else what is yet to come.

        Raises:
            ContentTooLarge: more is announced than may come.
            RequestTimeout: the caller sends nothing.
        """
        if announced == 0:
            self.watch()
            return None
        if announced is not None and announced > self._most:
            raise ContentTooLarge(f"A body may have {self._most} bytes.")
        chunk, more = await self._next()
        if not more:
            self.watch()
            return chunk
        self._first = chunk
        return self._rest()

    async def _rest(self) -> AsyncIterator[bytes]:
        """The body as it comes; aiohttp wraps what is raised here, so it is kept as `fault`."""
        more = True
        if self._first is not None:
            chunk, self._first = self._first, None
            if chunk:
                yield chunk
        try:
            while more:
                chunk, more = await self._next()
                if chunk:
                    yield chunk
        except Exception as error:
            self.fault = error
            raise
        self.watch()

    async def _next(self) -> tuple[bytes, bool]:
        try:
            async with asyncio.timeout(self._idle):
                message = await self._receive()
        except TimeoutError:
            raise RequestTimeout("The body did not arrive in time.") from None
        if message["type"] == "http.disconnect":
            self.gone = True
            raise CallerGone
        chunk: bytes = message.get("body", b"")
        self._received += len(chunk)
        if self._received > self._most:
            raise ContentTooLarge(f"A body may have {self._most} bytes.")
        return chunk, message.get("more_body", False)

    def watch(self) -> None:
        """The body is read: what comes next can only be the end."""
        if self._timer is None:
            self._timer = self._loop.call_later(_GRACE_SECONDS, self._start_watching)

    def _start_watching(self) -> None:
        self._watcher = self._loop.create_task(self._wait_for_the_end())

    async def _wait_for_the_end(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._task is not None:
            self._task.cancel()
