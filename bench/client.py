"""A load generator for machines without wrk: keep-alive connections, one request at a time each.

    python -m bench.client '{"url": …, "headers": {…}, "connections": 32, "seconds": 10}'

Run as a process of its own it spends about a tenth of what a server spends on a request.
"""

import asyncio
import json
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import uvloop

_PATIENCE_SECONDS = 10.0


class _Outcome:
    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.refused = 0
        self.broken = 0


class _Connection(asyncio.Protocol):
    """Sends the request again as soon as its answer is complete, until the deadline."""

    def __init__(self, request: bytes, deadline: float, outcome: _Outcome) -> None:
        self._request = request
        self._deadline = deadline
        self._outcome = outcome
        self._received = b""
        self._expected = 0
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._received[:end].lower()
            _, _, length = head.partition(b"content-length:")
            self._expected = end + 4 + int(length.split(b"\r\n", 1)[0])
        if len(self._received) >= self._expected:
            self._take()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self._outcome.broken += 1
            self.done.set_result(None)

    def _send(self) -> None:
        assert self._transport is not None  # noqa: S101
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def _take(self) -> None:
        assert self._transport is not None  # noqa: S101
        now = time.perf_counter()
        if self._received.startswith(b"HTTP/1.1 2"):
            self._outcome.latencies.append(now - self._sent_at)
        else:
            self._outcome.refused += 1
        self._received, self._expected = b"", 0
        if now < self._deadline:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()


async def _run(url: str, headers: dict[str, str], connections: int, seconds: float) -> _Outcome:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = [f"GET {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    request = "\r\n".join([*lines, "", ""]).encode()
    outcome = _Outcome()
    deadline = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: _Connection(request, deadline, outcome), host, port)
        for _ in range(connections)
    ]
    async with asyncio.timeout(seconds + _PATIENCE_SECONDS):
        await asyncio.gather(*(protocol.done for _, protocol in opened))
    return outcome


def main() -> None:
    order = json.loads(sys.argv[1])
    started = time.perf_counter()
    outcome = uvloop.run(_run(**order))
    elapsed = time.perf_counter() - started
    latencies = sorted(outcome.latencies) or [0.0]
    report = {
        "requests": len(outcome.latencies),
        "seconds": elapsed,
        "p50_ms": 1000 * latencies[len(latencies) // 2],
        "p99_ms": 1000 * latencies[len(latencies) * 99 // 100],
        "refused": outcome.refused,
        "broken": outcome.broken,
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
