"""The least that is a proxy: raw ASGI in, aiohttp out. No gate, log, trace, limit or timeout."""

import asyncio
import contextlib
import os
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"host"}
_HANDSHAKE = b"sec-websocket-"


class Proxy:
    def __init__(self) -> None:
        self._upstream = os.environ["UPSTREAM"]
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
            )
        path = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        url = URL(self._upstream + path.decode(), encoded=True)
        headers = CIMultiDict(
            (name.decode(), value.decode("latin-1"))
            for name, value in scope["headers"]
            if name not in _HOP and not name.startswith(_HANDSHAKE)
        )
        if scope["type"] == "websocket":
            await self._relay(self._session, url, receive, send)
            return
        has_body = "content-length" in headers or scope["method"] not in {"GET", "HEAD"}
        body = _body(receive) if has_body else None
        async with self._session.request(
            scope["method"], url, headers=headers, data=body, allow_redirects=False
        ) as response:
            kept = [(k.lower(), v) for k, v in response.raw_headers if k.lower() not in _HOP]
            start = {"type": "http.response.start", "status": response.status, "headers": kept}
            await send(start)
            async for chunk in response.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _relay(self, session: Any, url: URL, receive: Any, send: Any) -> None:
        await receive()
        async with session.ws_connect(url) as upstream:
            await send({"type": "websocket.accept"})

            async def outward() -> None:
                while (message := await receive())["type"] == "websocket.receive":
                    if message.get("text") is not None:
                        await upstream.send_str(message["text"])
                    else:
                        await upstream.send_bytes(message["bytes"])
                await upstream.close()

            task = asyncio.create_task(outward())
            with contextlib.suppress(OSError):
                async for message in upstream:
                    kind = "text" if message.type is aiohttp.WSMsgType.TEXT else "bytes"
                    await send({"type": "websocket.send", kind: message.data})
            task.cancel()


async def _body(receive: Any) -> Any:
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]


def create_app() -> Any:
    proxy = Proxy()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await proxy(scope, receive, send)

    return app
