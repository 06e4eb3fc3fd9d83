"""The how-to on nginx, with a real one: it asks the gate, and nothing gets past its answer."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import OctKey
from stamping import ROOT
from standing import Database, free_port, serving, standing, wait_until
from starlette.types import Receive, Scope, Send
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
PAGE = (ROOT / "docs" / "how-to" / "keep-your-nginx.md").read_text()
SECRET = "what-the-prototype-signs-" + "its-own-tokens-with"
TABLE = """
[routes]
"GET /" = "public"
"GET /open/**" = "public"
"GET /plots" = "authenticated"
"POST /plots" = "role:warden"
"GET /feed" = "authenticated"
"WEBSOCKET /feed" = "authenticated"
"GET /orders" = "authenticated"
"WEBSOCKET /orders" = "role:warden"
"""

pytestmark = pytest.mark.skipif(
    NGINX is None, reason="there is no nginx here (apt-get install nginx-light)"
)


class Prototype:
    """Keeps what reaches it, and takes the method from a header if one asks for it."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.headers: dict[bytes, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        self.headers = dict(scope["headers"])
        raw = scope["raw_path"].decode()
        if scope["type"] == "websocket":
            self.reached.append(f"WEBSOCKET {raw}")
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] != "websocket.disconnect":
                if message["type"] == "websocket.receive":
                    await send({"type": "websocket.send", "text": message["text"]})
            return
        method = self.headers.get(b"x-http-method-override", scope["method"].encode()).decode()
        self.reached.append(f"{method} {raw}")
        size = 0
        while True:
            message = await receive()
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": f"{size}".encode()})


class Front:
    """Nginx with the page's configuration, before the service and the prototype."""

    def __init__(self, port: int, prototype: Prototype) -> None:
        self.port = port
        self.prototype = prototype

    def say(self, request: str, *headers: str, body: str = "") -> tuple[int, str]:
        """One request, to the letter: clients mend paths before they send them."""
        self.prototype.reached.clear()
        lines = [f"{request} HTTP/1.1", "Host: app.example.com", "Connection: close", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(("\r\n".join([*lines, "", ""]) + body).encode())
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 "), answer
        return int(answer[9:12]), answer.decode()

    def status(self, request: str, *headers: str) -> int:
        return self.say(request, *headers)[0]


def configuration(folder: Path, *, port: int, service: int, prototype: int) -> Path:
    found = re.search(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    assert found
    block = found[1]
    for old, new in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{service};"),
        ("server 127.0.0.1:3000;", f"server 127.0.0.1:{prototype};"),
    ):
        assert block.count(old) == 1
        block = block.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    rooms = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{rooms}\n{block}\n}}\n"
    )
    return file


@pytest.fixture(scope="module")
def front(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    table = folder / "gate.toml"
    table.write_text(TABLE)
    port, upstream, prototype = free_port(), free_port(), Prototype()
    settings = {
        "PROTOTYPE_URL": f"http://127.0.0.1:{upstream}",
        "CALLERS": "jwt",
        "SESSION_JWT_SECRET": SECRET,
        "GATE_FILE": str(table),
        "GATE_MODE": "enforcing",
        "GATE_CHECK_PATH": "/_gate",
        "TRUSTED_PROXY_HOPS": "1",
        "ALLOWED_HOSTS": "app.example.com,127.0.0.1",
    }
    with serving(prototype, upstream), standing(database, folder, **settings) as service:
        file = configuration(folder, port=port, service=service.port, prototype=upstream)
        command = [str(NGINX), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(file)]
        process = subprocess.Popen(command)
        try:
            wait_until(lambda: _listens(port) or process.poll() is not None, "no nginx")
            assert process.poll() is None, (folder / "error.log").read_text()
            yield Front(port, prototype)
        finally:
            process.terminate()
            process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def as_(role: str) -> str:
    claims = f'{{"sub": "ada", "role": "{role}", "exp": {int(time.time()) + 300}}}'
    token = jws.serialize_compact({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
    return f"Authorization: Bearer {token}"


def test_the_gate_decides_and_nginx_obeys(front: Front) -> None:
    assert front.status("GET /") == 200
    assert front.status("GET /plots?page=2", as_("gardener")) == 200
    assert front.prototype.reached == ["GET /plots"]
    status, answer = front.say("GET /plots")
    assert status == 401
    assert "www-authenticate: bearer" in answer.lower()
    assert front.status("POST /plots", as_("gardener")) == 403
    assert front.status("DELETE /plots", as_("warden")) == 403
    assert front.prototype.reached == []
    status, answer = front.say("POST /plots", as_("warden"), body="x" * 100_000)
    assert (status, "100000" in answer) == (200, True)
    assert front.prototype.headers[b"host"] == b"app.example.com"


@pytest.mark.parametrize(
    "path",
    [
        "/open/../plots", "/open/%2e%2e/plots", "/open/..%2fplots", "/open//../plots", "//plots",
        "/./plots", "/%70lots", "/PLOTS", "/plots/", "/plots/.", "/plots;x", "/open/..;/plots",
        "/open/%252e%252e/plots", "/plots%00", "/open\\..\\plots", "/plots%2f", "/open/../../plots",
        "http://app.example.com/plots", "/open/%c0%ae%c0%ae/plots",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_gets_past_it(front: Front, path: str) -> None:
    assert front.status(f"GET {path}") in {400, 401, 403}
    assert front.prototype.reached == []


def test_no_header_of_a_caller_tells_what_is_meant(front: Front) -> None:
    for said in (
        ("X-Original-URI: /open/a",),
        ("X-Original-URI: /", "X-Original-Method: GET"),
        ("X_Original_URI: /open/a",),
        ("X-Original-Upgrade: websocket",),
        ("Connection: X-Original-URI",),
        ("X-Original-URL: /open/a", "X-Rewrite-URL: /open/a", "X-Forwarded-Uri: /open/a"),
    ):
        assert front.status("GET /plots", *said) == 401
        assert front.status("POST /plots", as_("gardener"), *said) == 403
        assert front.prototype.reached == []


def test_what_was_decided_on_is_what_the_prototype_is_asked(front: Front) -> None:
    said = ("X-HTTP-Method-Override: POST", "X-Original-URL: /admin", "X-Forwarded-For: 10.0.0.1")
    assert front.status("GET /plots", as_("gardener"), *said) == 200
    assert front.prototype.reached == ["GET /plots"]
    assert b"x-original-url" not in front.prototype.headers
    assert front.prototype.headers[b"x-forwarded-for"] == b"127.0.0.1"


def test_nobody_asks_the_gate_but_nginx(front: Front) -> None:
    assert front.status("GET /_gate", "X-Original-URI: /", "X-Original-Method: GET") == 404
    assert front.status("GET /%5fgate") == 404


def test_two_credentials_are_refused(front: Front) -> None:
    assert front.status("GET /plots", as_("gardener"), "Authorization: Bearer x") in {400, 401}
    assert front.prototype.reached == []


def test_a_body_smuggles_no_second_request(front: Front) -> None:
    """RFC 9112, 6.3: nginx is who reads the framing now."""
    hidden = "GET /plots HTTP/1.1\r\nHost: app.example.com\r\n\r\n"
    status, _ = front.say("GET /", "Transfer-Encoding: chunked", body=f"0\r\n\r\n{hidden}")
    assert status == 400
    assert front.prototype.reached == []


def test_a_socket_opens_for_whoever_may(front: Front) -> None:
    name, _, value = as_("gardener").partition(": ")
    origin = f"ws://127.0.0.1:{front.port}"
    with connect(f"{origin}/feed", additional_headers={name: value}, proxy=None) as opened:
        opened.send("hello")
        assert opened.recv(timeout=10) == "hello"
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{origin}/feed", proxy=None)
    assert refused.value.response.status_code == 401
    assert front.status("GET /orders", as_("gardener")) == 200
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{origin}/orders", additional_headers={name: value}, proxy=None)
    assert refused.value.response.status_code == 403


def test_a_handshake_makes_nothing_else_of_a_request(front: Front) -> None:
    upgrade = ("Upgrade: websocket",)
    assert front.status("POST /plots", as_("gardener"), *upgrade) == 403
    assert front.status("GET /plots", *upgrade) == 401
    assert front.prototype.reached == []
