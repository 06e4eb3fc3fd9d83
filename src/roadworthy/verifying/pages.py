"""Serves a folder of built pages as a static host does: what is no file is the front page."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Pages(SimpleHTTPRequestHandler):
    """`SimpleHTTPRequestHandler` refuses what is outside of its folder (CWE-22)."""

    protocol_version = "HTTP/1.1"

    def send_head(self) -> Any:
        there = Path(self.translate_path(self.path))
        if not there.exists() and "." not in there.name:
            self.path = "/index.html"
        return super().send_head()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def main() -> None:
    folder, port = sys.argv[1:]
    ThreadingHTTPServer(("127.0.0.1", int(port)), partial(Pages, directory=folder)).serve_forever()
