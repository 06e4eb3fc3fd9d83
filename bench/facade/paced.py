"""Requests at a given rate, for what a server adds to each while it is not overloaded.

    python -m bench.facade.paced '{"url": …, "headers": {…}, "connections": 64, "rate": 500, …}'

Open loop: a request is due at its time, whether the one before has been answered or not, and its
latency counts from then. Whoever waits for an answer before asking again measures too little.
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass

import aiohttp
import uvloop
from yarl import URL

from bench.load import LoadError
from bench.rounds import Contender


@dataclass(frozen=True)
class Latency:
    p50_ms: float
    p99_ms: float


def latency(contender: Contender, connections: int, rate: float, seconds: float) -> Latency:
    order = {
        "url": contender.target.url,
        "headers": dict(contender.target.headers),
        "connections": connections,
        "rate": rate,
        "seconds": seconds,
    }
    command = [sys.executable, "-m", "bench.facade.paced", json.dumps(order)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(f"{contender.target.url}: {done.stderr.strip()[-2000:]}")
    return Latency(**json.loads(done.stdout))


async def _run(
    url: str, headers: dict[str, str], connections: int, rate: float, seconds: float
) -> list[float]:
    latencies: list[float] = []
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def ask(due: float) -> None:
            async with session.get(URL(url, encoded=True)) as response:
                await response.read()
                if not response.ok:
                    raise LoadError(f"{response.status} from {url}")
            latencies.append(time.perf_counter() - due)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(int(rate * seconds)):
                due = began + number / rate
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                tasks.create_task(ask(due))
    return latencies[len(latencies) // 5 :]  # the first fifth warms up


def main() -> None:
    taken = sorted(uvloop.run(_run(**json.loads(sys.argv[1]))))
    figures = {
        "p50_ms": 1000 * taken[len(taken) // 2],
        "p99_ms": 1000 * taken[len(taken) * 99 // 100],
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
