"""The preload for Node servers: real Express, real packages, a real collector.

Needs npm, which asks its registry unless its cache has the packages; without it these are skipped.
"""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from node_packages import needs_npm, npm

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "template" / "{{ in_service }}tests"
SOURCE = ROOT / "template" / "{{ source }}"
PRELOAD = next((ROOT / "template" / "{{ prototype_home }}" / "ops").glob("*prototype*/*node*"))
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SERVER = """
const app = express();
app.get('/orders/:id', async (request, response) => {
  console.log('order %s', request.params.id, { password: 'hunter2', mail: 'ada@example.com' });
  const answer = await fetch(`http://127.0.0.1:${process.env.PORT}/inner?token=a1b2c3d4`);
  console.warn('late', new Error('boom\\nsecond line'));
  response.json(await answer.json());
});
app.get('/inner', (request, response) => response.json(request.headers));
app.listen(process.env.PORT, '127.0.0.1');
"""
IMPORTS = {
    "server.cjs": "const express = require('express');",
    "server.mjs": "import express from 'express';",
}

pytestmark = needs_npm


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = loaded
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def preload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ops") / "node"
    shutil.copytree(PRELOAD, folder)
    npm(folder, "ci")
    return folder / "preload.mjs"


@pytest.fixture(scope="module")
def prototype(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prototype")
    (folder / "package.json").write_text('{"dependencies": {"express": "^5.1.0"}}')
    npm(folder, "install")
    for name, imports in IMPORTS.items():
        (folder / name).write_text(imports + SERVER)
    return folder


class Server:
    """A prototype that runs, and what it has said."""

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
        _, self.said = self.process.communicate(timeout=20)
        return self.process.returncode

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.splitlines()]


@contextmanager
def serving(script: Path, preload: Path, **environment: str) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        ["node", "--import", preload, script],
        env={**os.environ, "PORT": str(port), **environment},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "the prototype does not start"
            time.sleep(0.05)
        yield Server(port, process)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("script", IMPORTS)
def test_the_callers_trace_goes_on_in_spans_and_lines(
    preload: Path, prototype: Path, script: str
) -> None:
    collector = module(TESTS / "platform" / "collector.py")
    with (
        collector.running_collector() as received,
        serving(prototype / script, preload, OTLP_ENDPOINT=received.url) as server,
    ):
        inner = server.get("/orders/17?token=a1b2c3d4")
        assert server.stop() == -signal.SIGTERM

    spans = {(span.kind, span.name): span for span in received.spans()}
    outer = spans["SERVER", "GET /orders/:id"]
    call = spans["CLIENT", "GET"]
    assert (outer.trace_id, outer.parent_id) == (TRACE, CALLER)
    assert (call.trace_id, call.parent_id) == (TRACE, outer.span_id)
    assert spans["SERVER", "GET /inner"].parent_id == call.span_id
    assert inner["traceparent"] == f"00-{TRACE}-{call.span_id}-01"
    assert "a1b2c3d4" not in str(received.spans())
    assert outer.resource["service.name"] == "prototype"

    order, late, request = (line for line in server.lines if "request_id" in line)
    for line in (order, late, request):
        assert (line["trace_id"], line["span_id"]) == (TRACE, outer.span_id)
        assert line["request_id"] == "request-1"
    assert order["event"] == "order 17 { password: [redacted], mail: 'a***@example.com' }"
    assert (late["level"], late["exception"]["type"]) == ("warning", "Error")
    assert (request["event"], request["path"], request["route"], request["status"]) == (
        "request",
        "/orders/17",
        "/orders/:id",
        200,
    )
    assert "hunter2" not in server.said
    assert "a1b2c3d4" not in server.said


def test_without_its_packages_it_says_so_once_and_lets_the_prototype_be(
    prototype: Path, tmp_path: Path
) -> None:
    shutil.copytree(PRELOAD, tmp_path / "node")
    with serving(
        prototype / "server.mjs",
        tmp_path / "node" / "preload.mjs",
        OTLP_ENDPOINT="http://127.0.0.1:9",
    ) as server:
        server.get("/orders/17")
        time.sleep(0.5)  # the line comes after the answer, and nothing holds a signal up here
        server.stop()

    warnings = [line for line in server.lines if line["logger"] == "observability"]
    assert [line["event"] for line in warnings] == [
        "Nothing is traced: the packages of the preload are not installed"
    ]
    assert "npm ci --ignore-scripts" in warnings[0]["remedy"]
    (request,) = (line for line in server.lines if line.get("request_id") and "path" in line)
    assert (request["trace_id"], request["span_id"]) == (TRACE, CALLER)


def test_a_collector_that_is_gone_holds_nothing_up(preload: Path, prototype: Path) -> None:
    with serving(prototype / "server.mjs", preload, OTLP_ENDPOINT="http://127.0.0.1:9") as server:
        server.get("/orders/17")
        began = time.monotonic()
        assert server.stop() == -signal.SIGTERM
    assert time.monotonic() - began < 4


FAILING = """
const vm = require('node:vm');
console.error('call failed', new TypeError('fetch failed', {
  cause: Object.assign(new Error('connect, token=a1b2c3d4'), { code: 'ECONNREFUSED' }),
}));
console.error(vm.runInNewContext('new RangeError("of another realm")'));
console.error(new AggregateError([new Error('one')], 'many'));
const endless = new Error('endless');
endless.cause = endless;
console.error(endless);
throw Object.defineProperty(new Error(), 'message', { get() { throw new Error('no'); } });
"""


def test_errors_are_told_with_what_they_came_from(tmp_path: Path) -> None:
    shutil.copytree(PRELOAD, tmp_path / "node")
    (tmp_path / "failing.cjs").write_text(FAILING)
    ran = subprocess.run(
        ["node", "--import", tmp_path / "node" / "preload.mjs", tmp_path / "failing.cjs"],
        env=os.environ | {"LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 1
    lines = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith('{"')]
    failed, foreign, many, _endless = (line["exception"] for line in lines)
    assert failed["cause"] == {
        "type": "Error",
        "message": "connect, token=[redacted]",
        "code": "ECONNREFUSED",
    }
    assert (foreign["type"], foreign["message"]) == ("RangeError", "of another realm")
    assert lines[1]["event"] == "of another realm"
    assert many["errors"] == [{"type": "Error", "message": "one"}]


FORKING = """
const { fork } = require('node:child_process');
if (process.argv[2]) process.exit(3);
fork(__filename, ['child'], { cwd: '/' }).on('exit', (code) => process.exit(code));
"""


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_child_in_another_folder_starts_as_before(tmp_path: Path, how: str) -> None:
    shutil.copytree(PRELOAD, tmp_path / "node")
    (tmp_path / "forking.cjs").write_text(FORKING)
    options = ["--import", "./node/preload.mjs"]
    ran = subprocess.run(
        ["node", *(options if how == "option" else []), "forking.cjs"],
        cwd=tmp_path,
        env=os.environ | {"NODE_OPTIONS": "" if how == "option" else " ".join(options)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 3, ran.stderr


REDACTING = (
    f"import {{ redactValue }} from '{(PRELOAD / 'redaction.mjs').as_uri()}';"
    "const values = JSON.parse(await new Response(process.stdin).text());"
    "console.log(JSON.stringify(values.map((it) => redactValue(it))));"
)


def test_it_redacts_what_the_service_redacts() -> None:
    shapes = module(SOURCE / "platform" / "secret_shapes.py")
    jwt = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxIn0" + ".c2lnbmF0dXJl"
    samples = [
        "nothing to see",
        "Bearer " + "abcdefghijkl123",
        f"Authorization: {jwt}",
        jwt,
        "postgres://app:" + "s3cret@db:5432/app",
        "http://localhost:3000/path?" + "token=abc123&page=2",
        "sk_" + "live_0123456789abcdef",
        "AK" + "IA0123456789ABCDEF",
        "gh" + "p_0123456789abcdefghij",
        '{"pass' + 'word": "hunter2", "name": "Ada"}',
        "pass" + "word=hunter2; next=1",
        "the pass" + "word was hunter2",
        "mail from ada.lovelace@example.com to bob@example.org",
        "card 4111 1111 1111 1111 and 1234567890123",
        "3 4242424242424242 5 and 3333-4000-0566-5566-5556",
        "Set-Cookie: sid=abc; Path=/",
        "Key (email)=(ada@example.com) already exists.",
        "Failing row contains (1, ada, secret).",
        "log-in with pass" + "word hunter2, and with pass" + "word failed",
        "<pass" + 'word type="text">hunter2</pass' + "word><token><![CDATA[abc]]></token>",
        '[{"name":"Authorization","value":"Bearer abc"},{"name":"Accept","value":"text/html"}]',
        "phone: 030 901820, tel_count=12345, new_pin=901820, pin: 3, dob=1990-01-01",
        "auth_code=abc&last_name=Lovelace&hotel: 12345",
        "call +49 (30) 901820-0 or %2B14155550132; it moved by +1.23456789 at 11:00+01:00",
        "123-45-6789 and 000-12-3456",
        "GB82 WEST 1234 5698 7654 32 and DE89370400440532013000, DE89370400440532013001",
        "x" * 9_000 + " Bearer " + "abcdefghijkl123",
        "-----BEGIN " + "PRIVATE KEY-----\nabc\ndef\n-----END " + "PRIVATE KEY----- after",
    ]
    script = (
        f"import {{ redactText }} from '{(PRELOAD / 'redaction.mjs').as_uri()}';"
        "const samples = JSON.parse(await new Response(process.stdin).text());"
        "console.log(JSON.stringify(samples.map((it) => redactText(it))));"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        input=json.dumps(samples),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [shapes.redact_text(sample) for sample in samples]


def test_it_knows_the_keys_that_the_service_knows() -> None:
    told = ["user_phone", "mobilePhone", "tel", "customer_last_name", "dob", "new_pin", "otpCode"]
    told += ["auth_code", "DB_PASS", "userSSN", "phone_home", "password"]
    said = ["tel_count", "pinned", "telemetry", "phone_model", "status_code", "auth_method", "name"]
    values = [dict.fromkeys([*told, *said], "Canary"), {"name": "Cookie", "value": "Canary"}]
    done = subprocess.run(
        ["node", "--input-type=module", "-e", REDACTING],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=True,
    )
    keys, named = json.loads(done.stdout)
    assert keys == dict.fromkeys(told, "[redacted]") | dict.fromkeys(said, "Canary")
    assert named == {"name": "Cookie", "value": "[redacted]"}


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((PRELOAD / "package-lock.json").read_text())
    assert not any("resolved" in package for package in lock["packages"].values())
    wanted = json.loads((PRELOAD / "package.json").read_text())["dependencies"]
    assert lock["packages"][""]["dependencies"] == wanted


ENDING = """
import http from 'node:http';
import process from 'node:process';
const server = http.createServer((request, response) => response.end());
server.listen(0, '127.0.0.1', () => {
  http.get({ port: server.address().port }, (answer) => answer.resume().on('end', over));
});
function close() {
  server.close();
  server.closeAllConnections();
}
"""
AT_A_SIGNAL = """
function over() {
  process.prependOnceListener('SIGTERM', () => setTimeout(() => {
    process.exitCode = 7;
    close();
  }, 500));
  process.kill(process.pid, 'SIGTERM');
}
"""
BY_ITSELF = """
let began;
process.on('beforeExit', () => { began ??= performance.now(); });
process.on('exit', () => process.stdout.write(`${performance.now() - began}`));
const over = close;
"""


@pytest.mark.parametrize(("how", "status"), [(AT_A_SIGNAL, 7), (BY_ITSELF, 0)])
def test_a_mute_collector_neither_cuts_an_ending_short_nor_draws_it_out(
    preload: Path, tmp_path: Path, how: str, status: int
) -> None:
    script = tmp_path / "ending.mjs"
    script.write_text(ENDING + how)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        endpoint = f"http://127.0.0.1:{mute.getsockname()[1]}"
        ran = subprocess.run(
            ["node", "--import", preload, script],
            env={**os.environ, "OTLP_ENDPOINT": endpoint, "TRACE_SAMPLE_RATIO": "1"},
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert ran.returncode == status, ran.stderr
    assert float(ran.stdout or "0") < 2_500
