"""Large bodies through a server, and what they do to its memory."""

import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.load import LoadError
from bench.rounds import Contender

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Streamed:
    megabytes: int
    seconds: float
    grown_megabytes: float


def downloaded(contender: Contender, megabytes: int) -> Streamed:
    def get(connection: http.client.HTTPConnection) -> int:
        path = f"/download?megabytes={megabytes}"
        connection.request("GET", path, headers=dict(contender.target.headers))
        response = connection.getresponse()
        size = 0
        while chunk := response.read(_MEGABYTE):
            size += len(chunk)
        return size

    return _watched(contender, megabytes, get)


def uploaded(contender: Contender, megabytes: int) -> Streamed:
    def put(connection: http.client.HTTPConnection) -> int:
        headers = dict(contender.target.headers)
        headers["Content-Length"] = str(megabytes * _MEGABYTE)
        connection.request("PUT", "/upload", body=_blocks(megabytes), headers=headers)
        return int(connection.getresponse().read())

    return _watched(contender, megabytes, put)


def _blocks(megabytes: int) -> Iterator[bytes]:
    block = b"x" * _MEGABYTE
    for _ in range(megabytes):
        yield block


def _watched(
    contender: Contender,
    megabytes: int,
    stream: Callable[[http.client.HTTPConnection], int],
) -> Streamed:
    """The most memory that the server has while it streams, less what it had before."""
    before = most = _resident(contender.server.pid)
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.05):
            most = max(most, _resident(contender.server.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began = time.perf_counter()
    parts = urlsplit(contender.target.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
    try:
        size = stream(connection)
    finally:
        connection.close()
        done.set()
        watcher.join()
    if size != megabytes * _MEGABYTE:
        raise LoadError(f"{size} bytes of {megabytes} MB came through")
    return Streamed(megabytes, time.perf_counter() - began, (most - before) / _MEGABYTE)


def _resident(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
