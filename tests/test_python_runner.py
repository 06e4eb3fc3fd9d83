"""The runner for Python prototypes: real FastAPI and Flask servers, and a real collector."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from test_node_preload import SOURCE, TESTS, module

ROOT = Path(__file__).parent.parent
RUNNER = next((ROOT / "template" / "{{ prototype_home }}" / "ops").glob("*prototype*/*python*"))
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WORK = """
import logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="PLAIN %(message)s")

def work(number):
    print("order", number, {"pass" + "word": "hunter2"})
    logging.getLogger("orders").warning("late %s", "ada@example.com")
    try:
        raise ValueError("boom")
    except ValueError:
        logging.exception("after the call")
    return {"number": number}
"""
FASTAPI = """
from fastapi import FastAPI
app = FastAPI()
@app.get("/orders/{number}")
def order(number: int):
    return work(number)
@app.get("/fails")
def fails():
    raise RuntimeError("broken")
"""
FLASK = """
from flask import Flask
app = Flask(__name__)
@app.get("/orders/<int:number>")
def order(number):
    return work(number)
@app.get("/fails")
def fails():
    raise RuntimeError("broken")
"""
KINDS = {
    "fastapi": (FASTAPI, ["uvicorn", "main:app", "--port"], "/orders/{number}"),
    "fastapi-workers": (
        FASTAPI,
        ["uvicorn", "main:app", "--workers", "2", "--port"],
        "/orders/{number}",
    ),
    "flask": (FLASK, ["flask", "--app", "main", "run", "--port"], "/orders/<int:number>"),
}


class Server:
    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self.port, self.process = port, process
        self.said = ""

    def get(self, path: str) -> Any:
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "x-request-id": "request-1"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.said, _ = self.process.communicate(timeout=20)
        return self.process.returncode

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.splitlines() if line.startswith("{")]


@contextmanager
def serving(folder: Path, source: str, command: list[str], **more: str) -> Iterator[Server]:
    (folder / "main.py").write_text(WORK + source)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "observe", "--", *command, str(port)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(RUNNER), **more},
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not answers(port):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "the prototype does not start"
            time.sleep(0.05)
        yield Server(port, process)
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_callers_trace_goes_on_in_spans_and_lines(kind: str, tmp_path: Path) -> None:
    source, command, route = KINDS[kind]
    collector = module(TESTS / "platform" / "collector.py")
    with (
        collector.running_collector() as received,
        serving(tmp_path, source, command, OTLP_ENDPOINT=received.url) as server,
    ):
        assert server.get("/orders/17?token=a1b2c3d4") == {"number": 17}
        with pytest.raises(urllib.error.HTTPError):
            server.get("/fails")
        server.stop()

    spans = {span.name: span for span in received.spans()}
    span = spans[f"GET {route}"]
    assert (span.trace_id, span.parent_id, span.kind) == (TRACE, CALLER, "SERVER")
    assert span.resource["service.name"] == "prototype"
    assert spans["GET /fails"].failed

    assert "PLAIN" not in server.said
    assert "hunter2" not in server.said
    assert "a1b2c3d4" not in server.said
    mine = [line for line in server.lines if line.get("span_id") == span.span_id]
    printed, late, caught, request = mine
    assert {(line["trace_id"], line["request_id"]) for line in mine} == {(TRACE, "request-1")}
    assert (printed["logger"], late["logger"]) == ("print", "orders")
    assert printed["event"].startswith("order 17")
    assert (late["level"], late["event"]) == ("warning", "late a***@example.com")
    assert caught["extra"]["exception"]["type"] == "ValueError"
    assert (request["event"], request["path"], request["route"], request["status"]) == (
        "request",
        "/orders/17",
        route,
        200,
    )


def test_without_its_packages_it_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("raise ImportError('not here')")
    source, command, _ = KINDS["flask"]
    paths = os.pathsep.join((str(RUNNER), str(tmp_path)))
    with serving(
        tmp_path, source, command, OTLP_ENDPOINT="http://127.0.0.1:9", PYTHONPATH=paths
    ) as server:
        server.get("/orders/17")
        server.get("/orders/18")
        server.stop()

    warnings = [line for line in server.lines if line["logger"] == "observability"]
    assert [line["level"] for line in warnings] == ["warning"]
    requests = [line for line in server.lines if line["event"] == "request"]
    assert {line["trace_id"] for line in requests} == {TRACE}


def test_it_redacts_by_the_services_own_code() -> None:
    for name in ("redaction.py", "secret_shapes.py"):
        own = SOURCE / "platform" / name
        _says_so, _, copy = (RUNNER / "observe" / name).read_text().partition("\n")
        assert copy == own.read_text(), f"copy {own} again"
