"""A load of WebSocket echoes: each connection sends a kilobyte, waits for it, and sends again.

python -m bench.facade.sockets '{"url": …, "headers": {…}, "connections": 64, "seconds": 5}'
"""

import asyncio
import json
import subprocess
import sys
import time
from typing import Any

import aiohttp
import uvloop

from bench.load import LoadError
from bench.rounds import Contender

_MESSAGE = "x" * 1024


def echoes_per_second(contender: Contender, connections: int, seconds: float) -> float:
    """Measured by a process of its own."""
    order = {
        "url": contender.target.url,
        "headers": dict(contender.target.headers),
        "connections": connections,
        "seconds": seconds,
    }
    command = [sys.executable, "-m", "bench.facade.sockets", json.dumps(order)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(f"{contender.target.url}: {done.stderr.strip()[-2000:]}")
    return float(done.stdout)


async def _run(url: str, headers: dict[str, str], connections: int, seconds: float) -> float:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        opened = [await session.ws_connect(url, headers=headers) for _ in range(connections)]
        began = time.perf_counter()
        counts = await asyncio.gather(*(_echo(one, began + seconds) for one in opened))
        elapsed = time.perf_counter() - began
        for one in opened:
            await one.close()
    return sum(counts) / elapsed


async def _echo(connection: Any, until: float) -> int:
    count = 0
    while time.perf_counter() < until:
        await connection.send_str(_MESSAGE)
        if await connection.receive_str(timeout=10) != _MESSAGE:
            raise LoadError("an echo is not what was said")
        count += 1
    return count


if __name__ == "__main__":
    sys.stdout.write(f"{uvloop.run(_run(**json.loads(sys.argv[1])))}\n")
