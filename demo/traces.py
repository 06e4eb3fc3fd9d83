"""A receiver of traces over OTLP/HTTP: what a collector would get."""

import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start: int
    milliseconds: float


class Receiver:
    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Span] = []

    def add(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        self.spans += [
            Span(
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                parent_id=span.parent_span_id.hex(),
                name=span.name,
                start=span.start_time_unix_nano,
                milliseconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
            )
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def trace(self, trace_id: str, within: float = 15.0) -> list[tuple[int, Span]]:
        """Wait for a whole trace; give its spans with their depths, in the order of a tree.

        The first span ends last and may arrive in a batch after those below it.
        """
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            spans = sorted((s for s in self.spans if s.trace_id == trace_id), key=lambda s: s.start)
            known = {span.span_id for span in spans}
            roots = [span for span in spans if span.parent_id not in known]
            if len(spans) > 1 and not any(root.parent_id for root in roots):
                return [pair for root in roots for pair in _tree(root, spans, 0)]
            time.sleep(0.1)
        return []


def _tree(root: Span, spans: list[Span], depth: int) -> Iterator[tuple[int, Span]]:
    yield depth, root
    for span in spans:
        if span.parent_id == root.span_id:
            yield from _tree(span, spans, depth + 1)


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/traces":
                receiver.add(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
