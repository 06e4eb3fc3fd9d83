"""Servers on real sockets, and clients that say what no well-behaved client says."""

import contextlib
import re
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(app, *, port: int = 0, **options) -> Iterator[int]:
    """Uvicorn in a thread, with an event loop of its own; yields the port."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port or free_port(),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
        **options,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server takes too long to start"
        time.sleep(0.01)
    try:
        yield config.port
    finally:
        server.should_exit = True
        thread.join(10)


def say(port: int, *parts: bytes) -> bytes:
    """All that a server answers to these bytes: until it closes, or has answered and is silent."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        for number, part in enumerate(parts):
            time.sleep(0.1 if number else 0)
            connection.sendall(part)
        answer = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while True:
                connection.settimeout(0.06 if _is_whole(answer) else 2)
                chunk = connection.recv(65_536)
                if not chunk:
                    break
                answer += chunk
        return answer


def _is_whole(answer: bytes) -> bool:
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return bool(end) and (len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n"))


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    return int(answer[9:12])


class Recorder:
    """An upstream that keeps every byte it gets, and answers each request alike."""

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        self.close_on_next = False
        self.connections: list[bytearray] = []
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    @property
    def received(self) -> bytes:
        return b"".join(bytes(connection) for connection in self.connections)

    def forget(self) -> None:
        for connection in self.connections:
            connection.clear()

    def _serve(self, connection: socket.socket) -> None:
        kept = bytearray()
        self.connections.append(kept)
        with contextlib.suppress(OSError):
            while chunk := connection.recv(65_536):
                kept += chunk
                if self.close_on_next:
                    self.close_on_next = False
                    return
                chunked = b"transfer-encoding" in kept.lower()
                if kept.endswith(b"0\r\n\r\n") if chunked else b"\r\n\r\n" in chunk:
                    connection.sendall(self.answer)

    @contextmanager
    def running(self) -> Iterator["Recorder"]:
        opened: list[socket.socket] = []
        recorder = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                opened.append(self.request)
                recorder._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        with Server(("127.0.0.1", self.port), Handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            yield self
            server.shutdown()
            for connection in opened:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
