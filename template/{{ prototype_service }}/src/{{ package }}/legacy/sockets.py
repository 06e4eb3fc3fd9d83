"""WebSockets through the facade (RFC 6455): one connection to each side, message by message."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final

import aiohttp
import structlog
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from .answering import Answering
from .breaker import Breaker
from .refusals import BadGateway, GatewayTimeout

_log = structlog.get_logger(__name__)

_HEARTBEAT_SECONDS: Final = 30.0
_CLOSE_SECONDS: Final = 5.0
_GOING_AWAY, _NORMAL, _BAD_GATEWAY = 1001, 1000, 1014
# What stands for "no code" or "no closing" and never travels (RFC 6455, 7.4.1).
_UNSENDABLE: Final = frozenset({0, 1005, 1006, 1015})

Ends = tuple[Scope, Receive, Send]


async def relay(
    session: aiohttp.ClientSession,
    url: URL,
    headers: Mapping[str, str],
    ends: Ends,
    *,
    answering: Answering,
    breaker: Breaker,
    most_bytes: int,
) -> None:
    """Connect to the prototype, then accept with what it chose, then pass messages on.

    Raises:
        BadGateway, GatewayTimeout: the prototype can't be reached.
    """
    scope, receive, send = ends
    await receive()  # websocket.connect
    try:
        upstream = await session.ws_connect(
            url,
            headers=headers,
            protocols=scope.get("subprotocols", ()),
            max_msg_size=most_bytes,
            heartbeat=_HEARTBEAT_SECONDS,
            autoclose=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
        )
    except aiohttp.WSServerHandshakeError as refused:
        breaker.answered()
        await _pass_refusal_on(refused, ends)
        return
    except (aiohttp.ClientError, OSError) as error:
        breaker.failed()
        _log.warning("prototype_unreachable", error=type(error).__name__)
        if isinstance(error, (aiohttp.ServerTimeoutError, TimeoutError)):
            raise GatewayTimeout("The application did not answer in time.") from error
        raise BadGateway("The application does not answer. Try again shortly.") from error
    breaker.answered()
    async with upstream:
        given = answering.headers(101, list(upstream._response.raw_headers))  # noqa: SLF001
        kept = [header for header in given if header[0] == b"set-cookie"]
        protocol = upstream.protocol
        await send({"type": "websocket.accept", "subprotocol": protocol, "headers": kept})
        await _Messages(upstream, receive, send).pass_on()


async def _pass_refusal_on(refused: aiohttp.WSServerHandshakeError, ends: Ends) -> None:
    """Its status tells the caller more than that there is no connection."""
    status = refused.status if 400 <= refused.status < 600 else 502
    await Response(status_code=status)(*ends)


class _Messages:
    """What passes between two connections, and how the end of one becomes the end of the other."""

    def __init__(
        self, upstream: aiohttp.ClientWebSocketResponse, receive: Receive, send: Send
    ) -> None:
        self._upstream = upstream
        self._receive = receive
        self._send = send
        self._caller_left = False

    async def pass_on(self) -> None:
        outward = asyncio.create_task(self._outward())
        try:
            await self._inward()
        finally:
            if not self._caller_left:
                outward.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await outward

    async def _outward(self) -> None:
        """From the caller to the prototype, until the caller closes or is gone."""
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            while True:
                message = await self._receive()
                if message["type"] == "websocket.disconnect":
                    self._caller_left = True
                    await self._close(message)
                    return
                text = message.get("text")
                if text is not None:
                    await self._upstream.send_str(text)
                else:
                    await self._upstream.send_bytes(message["bytes"])

    async def _close(self, message: Message) -> None:
        code = message.get("code") or _GOING_AWAY
        if code in _UNSENDABLE:
            code = _GOING_AWAY
        await self._upstream.close(code=code, message=(message.get("reason") or "").encode()[:123])

    async def _inward(self) -> None:
        """From the prototype to the caller, until either has closed."""
        with contextlib.suppress(OSError):  # the caller is gone, as the other direction will see
            while True:
                message = await self._upstream.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._send({"type": "websocket.send", "text": message.data})
                elif message.type is aiohttp.WSMsgType.BINARY:
                    await self._send({"type": "websocket.send", "bytes": message.data})
                else:
                    break
            if not self._caller_left:
                await self._tell_the_end(message)

    async def _tell_the_end(self, message: aiohttp.WSMessage) -> None:
        code, reason = _BAD_GATEWAY, ""
        if message.type is aiohttp.WSMsgType.CLOSE:
            code = _NORMAL if message.data in _UNSENDABLE else message.data
            reason = message.extra or ""
        elif message.type is aiohttp.WSMsgType.ERROR:
            code = self._upstream.close_code or _BAD_GATEWAY
            code = _BAD_GATEWAY if code in _UNSENDABLE else code
        await self._send({"type": "websocket.close", "code": code, "reason": reason})
