"""An advisory database that speaks OSV, for the gate that asks one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

WITHDRAWN = "0.0.1"
ADVISORY = {
    "id": "OSV-2026-1",
    "modified": "2026-01-01T00:00:00Z",
    "summary": f"Everything up to {WITHDRAWN} lets everybody in",
    "affected": [],
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer /v1/querybatch: version 0.0.1 of anything is vulnerable."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        known = {"vulns": [{"id": ADVISORY["id"], "modified": ADVISORY["modified"]}]}
        self._answer({"results": [known if q["version"] == WITHDRAWN else {} for q in asked]})

    def do_GET(self) -> None:
        """Answer /v1/vulns/ID."""
        self._answer(ADVISORY)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def advisory_database() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
