"""The prototype as a process of its own, reached over HTTP.

Its address comes from the configuration and nothing in a request changes it (CWE-918, CWE-441):
the path is appended as it came, no redirect is followed, no proxy of the environment is used, no
cookie is kept. Bodies stream both ways, in step with the slower side.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote, urlsplit

import aiohttp
import structlog
from multidict import CIMultiDict
from starlette.types import Receive, Scope, Send
from yarl import URL

from ..platform.problems import BadRequest
from ..platform.telemetry import inject_context
from .answering import Answering, Place
from .breaker import Breaker
from .caller import Caller, CallerGone
from .forwarding import end_to_end, said_by_us
from .framing import announced_length
from .refusals import BadGateway, GatewayTimeout
from .settings import LegacySettings
from .sockets import relay

_log = structlog.get_logger(__name__)

# Shorter than Node's and uvicorn's 5 s: who closes first must not be the one who waits.
_KEEP_ALIVE_SECONDS: Final = 4.0
_DNS_SECONDS: Final = 30
_LONGEST_HEADER: Final = 64 * 1024
# Of any other the server that writes the answer knows no words (RFC 9110, 15).
_FINAL: Final = range(200, 600)
_NOT_ADDED: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class HttpUpstream:
    """One upstream: an origin, a path below which it lies, and the prefix callers know it by."""

    def __init__(self, settings: LegacySettings, place: Place, breaker: Breaker) -> None:
        self._settings = settings
        self._base = place.upstream.rstrip("/")
        self._prefix = place.prefix.encode()
        self._scheme = "https" if place.is_public_https else "http"
        self._answering = Answering(place)
        self._breaker = breaker
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        settings = self._settings
        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the facade bounds how many requests there are
                keepalive_timeout=_KEEP_ALIVE_SECONDS,
                ttl_dns_cache=_DNS_SECONDS,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_NOT_ADDED,
            trust_env=False,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=settings.prototype_connect_timeout,
                sock_read=settings.prototype_idle_timeout,
            ),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def check(self) -> None:
        """Connect, and no more: a page of the prototype may be dear."""
        parts = urlsplit(self._base)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        _, writer = await asyncio.open_connection(parts.hostname, port)
        writer.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        url = self._url(scope)
        headers = self._headers(scope)
        self._breaker.enter()
        if scope["type"] == "websocket":
            await self._relay(url, headers, scope, receive, send)
            return
        settings = self._settings
        assert self._loop is not None
        caller = Caller(
            receive,
            self._loop,
            most_bytes=settings.prototype_max_body_bytes,
            idle_seconds=settings.prototype_idle_timeout,
        )
        answered = False
        try:
            async with caller, await self._ask(caller, scope, url, headers) as response:
                answered = True
                self._breaker.answered()
                await self._answer(response, send)
        except CallerGone:
            _log.info("caller_went_away")
        finally:
            if not answered:
                self._breaker.abandoned()

    def _url(self, scope: Scope) -> URL:
        raw_path: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        path = raw_path[len(self._prefix) :].decode("ascii")
        if query:
            path += "?" + (query.decode() if query.isascii() else quote(query, "!-~%"))
        return URL(self._base + path, encoded=True)

    def _headers(self, scope: Scope) -> CIMultiDict[str]:
        kept = end_to_end(scope["headers"], websocket=scope["type"] == "websocket")
        kept += said_by_us(scope, self._scheme)
        headers = CIMultiDict([(name.decode("ascii"), _text(value)) for name, value in kept])
        headers["x-request-id"] = scope["state"]["request_id"]
        return headers

    async def _ask(
        self, caller: Caller, scope: Scope, url: URL, headers: CIMultiDict[str]
    ) -> aiohttp.ClientResponse:
        length = announced_length(scope)
        body = await caller.body(length)
        if length and not isinstance(body, bytes):
            headers["content-length"] = str(length)
        headers.update(inject_context())
        try:
            return await self._request(scope["method"], url, headers, body)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if caller.fault is not None:
                raise caller.fault from None
            raise self._failure(error) from error

    async def _request(
        self,
        method: str,
        url: URL,
        headers: CIMultiDict[str],
        body: bytes | AsyncIterator[bytes] | None,
    ) -> aiohttp.ClientResponse:
        assert self._session is not None
        return await self._session.request(
            method, url, headers=headers, data=body, allow_redirects=False
        )

    def _failure(self, error: Exception) -> Exception:
        """What the caller is told, and what the breaker and the log are."""
        if isinstance(error, ValueError):
            return BadRequest("A header can't be passed on.", code="header")
        self._breaker.failed()
        _log.warning("prototype_unreachable", error=type(error).__name__, upstream=self._base)
        if isinstance(error, (aiohttp.ServerTimeoutError, TimeoutError)):
            return GatewayTimeout("The application did not answer in time.")
        return BadGateway("The application does not answer. Try again shortly.")

    async def _answer(self, response: aiohttp.ClientResponse, send: Send) -> None:
        status = response.status
        if status not in _FINAL:
            raise BadGateway("The application answered with something unexpected.")
        headers = self._answering.headers(status, list(response.raw_headers))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        content = response.content
        try:
            while True:
                chunk = await content.readany()
                more = not content.at_eof()
                if not more:
                    await send({"type": "http.response.body", "body": chunk})
                    return
                if chunk:
                    async with asyncio.timeout(self._settings.prototype_idle_timeout):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (aiohttp.ClientError, OSError) as error:
            # Half an answer is out. The server ends the connection when we return early, and
            # that is how the caller learns that the rest is missing (RFC 9112, 8).
            _log.warning("answer_broke_off", error=type(error).__name__, upstream=self._base)

    async def _relay(
        self, url: URL, headers: CIMultiDict[str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        assert self._session is not None
        headers.update(inject_context())
        try:
            await relay(
                self._session,
                url,
                headers,
                (scope, receive, send),
                answering=self._answering,
                breaker=self._breaker,
                most_bytes=self._settings.prototype_max_message_bytes,
            )
        finally:
            self._breaker.abandoned()


def _text(value: bytes) -> str:
    """Header values are opaque octets (RFC 9110, 5.5); aiohttp writes text, as UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
