"""Whether a page comes out in a browser as it did, and what is said where it does not.

Needs a Chromium on the machine (Debian: apt install chromium); without one this is skipped.
"""

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from roadworthy.verifying import State, Workplace
from roadworthy.verifying.browser import in_browser

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    reason="there is no Chromium on this machine",
)

PAGE = """<!doctype html><title>Orders</title><h1>Orders</h1><p id="said">loading</p>
<script>document.getElementById("said").textContent = "3 orders"</script>"""
HALF = PAGE.replace("3 orders", "still loading")

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server that answers with `pages` one after another, and with the last of them for good."""
    servers: list[ThreadingHTTPServer] = []

    def serve(pages: Sequence[str], policy: str = "") -> str:
        left = list(pages)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/":
                    self.send_error(404)
                    return
                page = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                if policy:
                    self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_header_too_many_fails_and_is_shown_where_it_tells(
    place: Workplace, serve: Serve
) -> None:
    step = in_browser(place, serve([PAGE]), serve([PAGE], policy="script-src 'none'"))
    assert step.state is State.FAILED
    shown, _, instead = step.said.partition(" instead of ")
    assert "loading</p>" in shown
    assert "3 orders</p>" in instead


def test_a_page_that_is_late_is_looked_at_again(place: Workplace, serve: Serve) -> None:
    assert in_browser(place, serve([PAGE]), serve([HALF, PAGE])).passed


def test_of_a_page_that_is_never_the_same_the_title_counts(place: Workplace, serve: Serve) -> None:
    assert in_browser(place, serve([PAGE, HALF]), serve([PAGE.replace("3", "9")])).passed
