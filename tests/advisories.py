"""An advisory database that speaks OSV, for the gate that asks one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

WITHDRAWN = "0.0.1"
"""Of any package: everybody gets in, so its advisory says, which nobody has rated."""
CRITICAL, LOW = "0.0.2", "0.0.3"
ADVISORY = {
    "id": "OSV-2026-1",
    "modified": "2026-01-01T00:00:00Z",
    "summary": f"Everything up to {WITHDRAWN} lets everybody in",
    "affected": [],
}
ADVISORIES: dict[str, dict[str, Any]] = {
    WITHDRAWN: ADVISORY,
    CRITICAL: {
        "id": "OSV-2026-2",
        "modified": "2026-01-01T00:00:00Z",
        "summary": "A long name runs as a command",
        "database_specific": {"severity": "CRITICAL"},
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": "left-padding"},
                "ranges": [
                    {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "0.1.0"}]},
                ],
            }
            for ecosystem in ("npm", "PyPI")
        ],
    },
    LOW: {
        "id": "OSV-2026-3",
        "modified": "2026-01-01T00:00:00Z",
        "summary": "Somebody with the keyboard sees a file name",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}],
    },
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer /v1/querybatch: versions 0.0.1 to 0.0.3 of anything are vulnerable."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        known = {
            version: {"vulns": [{"id": about["id"], "modified": about["modified"]}]}
            for version, about in ADVISORIES.items()
        }
        self._answer({"results": [known.get(query["version"], {}) for query in asked]})

    def do_GET(self) -> None:
        """Answer /v1/vulns/ID."""
        name = self.path.rpartition("/")[2]
        self._answer(next(it for it in ADVISORIES.values() if it["id"] == name))

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
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
