"""What a mounted prototype prints and logs is in the service's log, with the request's trace."""

import json
import sys
import uuid
from pathlib import Path

import pytest

from .facades import Start

TRACE = "0af7651916cd43dd8448eb211c80319c"
BEFORE = """
import logging
import sys
print("being loaded")
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="PLAIN %(message)s")
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("PLAIN %(message)s"))
own = logging.getLogger("orders")
own.addHandler(handler)
own.propagate = False

def work():
    print("printed", 1, {"pass" + "word": "hunter2"})
    own.warning("logged %s", "ada@example.com")
    logging.info("by the root")
"""
ASGI = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan")
    work()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})
"""
WSGI = """
def app(environ, start_response):
    work()
    start_response("200 OK", [])
    return [b"done"]
"""


@pytest.mark.parametrize(
    ("interface", "source"), [("asgi", ASGI), ("wsgi", WSGI)], ids=["asgi", "wsgi"]
)
def test_every_line_is_json_and_of_the_request(
    start: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str], interface: str, source: str
) -> None:
    module = f"said_{uuid.uuid4().hex}"
    (tmp_path / f"{module}.py").write_text(BEFORE + source)
    options = {
        "prototype_app": f"{module}:app",
        "prototype_interface": interface,
        "prototype_dir": tmp_path,
    }
    before = sys.stdout
    with start(**options) as facade:
        answer = facade.http.get("/", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
        lines = [json.loads(line) for line in facade.log().splitlines()]

    assert answer.text == "done"
    assert sys.stdout is before
    assert "PLAIN" not in "".join(capfd.readouterr())
    said = {line["event"].split()[0]: line for line in lines}
    assert said["being"]["logger"] == "prototype.print"
    printed, logged, rooted = said["printed"], said["logged"], said["by"]
    assert "hunter2" not in printed["event"]
    assert (logged["logger"], logged["level"]) == ("orders", "warning")
    assert logged["event"] == "logged a***@example.com"
    for line in (printed, logged, rooted):
        assert line["trace_id"] == TRACE
        assert line["request_id"] == answer.headers["x-request-id"]
