"""What an attacker tries first, on a service that runs as in production."""

import secrets
import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx2
import pytest
from production import HOST, ORIGIN, Production, cookie_of, new_event

PASSWORD = "plum-violin-harbour-92"  # noqa: S105


@pytest.fixture(scope="module")
def ada(production: Production) -> str:
    """The address of somebody who signed up, by mail and all."""
    email = f"ada-{secrets.token_hex(4)}@example.com"
    production.sign_up(email, PASSWORD)
    return email


def test_the_cookie_is_a_host_cookie(production: Production, ada: str) -> None:
    with production.client() as client:
        response = client.post("/auth/log-in", json={"email": ada, "password": PASSWORD})
    attributes = {part.strip().lower() for part in response.headers["set-cookie"].split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)
    assert len(cookie_of(response)) >= 43  # 256 bits
    assert cookie_of(response) not in response.text


def test_session_fixation(production: Production, ada: str) -> None:
    planted = secrets.token_urlsafe(32)
    token = production.log_in(ada, PASSWORD, presented=planted)
    assert token != planted
    assert production.client(planted).get("/auth/me").status_code == 401
    again = production.log_in(ada, PASSWORD, presented=token)
    assert production.client(token).get("/auth/me").status_code == 401
    assert production.client(again).get("/auth/me").json()["email"] == ada


def test_a_session_that_was_logged_out_is_dead(production: Production, ada: str) -> None:
    token = production.log_in(ada, PASSWORD)
    assert production.client(token).post("/auth/log-out").status_code == 204
    assert production.client(token).get("/auth/me").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example.com"},
        {"origin": "https://evil.example.com", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null"},
    ],
)
def test_csrf(production: Production, event: dict[str, object], headers: dict[str, str]) -> None:
    person = production.people(1)[0]
    response = person.call(
        "POST",
        "/bookings",
        json={"event_id": event["id"]},
        headers=headers | {"idempotency-key": str(uuid4())},
    )
    assert response.status_code == 403
    assert response.json()["code"] == "cross-origin"
    assert person.call("GET", "/bookings").json()["items"] == []


def test_the_own_site_is_let_through(production: Production, event: dict[str, object]) -> None:
    response = production.people(1)[0].call(
        "POST",
        "/bookings",
        json={"event_id": event["id"]},
        headers={"idempotency-key": "1", "origin": ORIGIN, "sec-fetch-site": "same-origin"},
    )
    assert response.status_code == 201


def test_idor(production: Production, event: dict[str, object]) -> None:
    owner, stranger = production.people(2)
    booked = owner.call(
        "POST", "/bookings", json={"event_id": event["id"]}, headers={"idempotency-key": "1"}
    )
    path, match = booked.headers["location"], {"if-match": booked.headers["etag"]}
    assert owner.call("GET", path).status_code == 200
    for method, target, options in (
        ("GET", path, {}),
        ("PATCH", path, {"json": {"places": 5}, "headers": match}),
        ("POST", f"{path}/cancel", {"headers": match}),
    ):
        refused = stranger.call(method, target, **options)
        assert refused.status_code == 404, (method, refused.text)
        assert refused.json()["code"] == "not-found"
    assert stranger.call("GET", "/bookings").json()["items"] == []
    assert owner.call("GET", path).json()["places"] == 1


def test_nobody_gets_past_the_access_table_without_a_session(production: Production) -> None:
    """Every route that is not public, with everything about the request wrong but the path."""
    table = production.run("access").splitlines()
    routes = [line.split() for line in table if line and line[0] not in "#["]
    closed = [(method, path) for method, path, access in routes if access != "public"]
    assert len(closed) > 5
    for token in (None, "", "x" * 43, secrets.token_urlsafe(32), "a" * 3000):
        client = production.client(token)
        for method, path in closed:
            concrete = path.replace("{", "").replace("}", "")
            response = client.request(method, concrete, content=b"{")
            assert response.status_code == 401, (method, path, token, response.text)
            assert response.headers["content-type"] == "application/problem+json"


def test_a_member_is_no_administrator(production: Production) -> None:
    response = production.people(1)[0].call("POST", "/events", json={})
    assert response.status_code == 403
    assert response.json()["code"] == "forbidden"


def test_enumeration_by_answer_and_by_timing(production: Production, ada: str) -> None:
    """Known and unknown addresses get one answer, in times that can't be told apart."""
    answers: dict[bool, set[tuple[int, str]]] = {True: set(), False: set()}
    times: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(8):
        for known in (True, False) if turn % 2 else (False, True):
            email = ada if known else f"{secrets.token_hex(4)}@example.com"
            # Another address each time, or the throttle answers.
            with production.client(address=f"203.0.113.{turn}") as client:
                started = time.perf_counter()
                wrong = {"email": email, "password": "not-the-password-at-all"}
                response = client.post("/auth/log-in", json=wrong)
                times[known].append(time.perf_counter() - started)
            body = response.json()
            answers[known].add((response.status_code, body["code"] + body["detail"]))
    assert answers[True] == answers[False] == {(401, *_one(answers[True]))}
    ratio = statistics.median(times[True]) / statistics.median(times[False])
    assert 0.5 < ratio < 2, times


def _one(answers: set[tuple[int, str]]) -> tuple[str]:
    ((_, text),) = answers
    return (text,)


@pytest.mark.parametrize("path", ["/auth/sign-up", "/auth/password-reset"])
def test_enumeration_by_mail_forms(production: Production, ada: str, path: str) -> None:
    answers = set()
    for email in (ada, f"{secrets.token_hex(4)}@example.com"):
        with production.client(address="203.0.113.99") as client:
            body = {"email": email} | ({"password": PASSWORD} if "sign-up" in path else {})
            response = client.post(path, json=body)
            answers.add((response.status_code, response.text))
    assert len(answers) == 1


def test_passwords_can_not_be_guessed_all_night(production: Production, ada: str) -> None:
    with production.client(address="203.0.113.200") as client:
        statuses = [
            client.post(
                "/auth/log-in", json={"email": ada, "password": f"wrong-guess-number-{guess}"}
            ).status_code
            for guess in range(15)
        ]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    with production.database() as connection:
        row = connection.execute(
            "SELECT count(*) FROM audit_log WHERE event = 'log_in_failed' AND address = %s",
            ["203.0.113.200"],
        ).fetchone()
    assert row is not None
    assert row[0] == statuses.count(401)  # each is remembered, though each was refused


def test_a_spoofed_address_does_not_reset_the_throttle(production: Production, ada: str) -> None:
    statuses = []
    for guess in range(15):
        # What the client wrote comes first; the proxy appends what it saw.
        chain = f"192.0.2.{guess}, 203.0.113.201"
        with production.client(address=chain) as client:
            wrong = {"email": ada, "password": f"wrong-guess-number-{guess}"}
            statuses.append(client.post("/auth/log-in", json=wrong).status_code)
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"null", 422),
        (b"[" * 100_000, 400),  # deeper than a parser goes
        (b'{"email": "a@b.c", "password": "\xff"}', 422),  # no UTF-8
        (b'{"email": "a\\u0000@b.c", "password": "x"}', 422),
        (b" " * 2_000_000, 413),
    ],
)
def test_malformed_and_oversized_bodies(
    production: Production, content: bytes, status: int
) -> None:
    with production.client() as client:
        response = client.post(
            "/auth/log-in", content=content, headers={"content-type": "application/json"}
        )
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=1000000&skip=-1", "limit=x", "cursor=x", "cursor=%00"]
)
def test_pages_out_of_range(production: Production, query: str) -> None:
    response = production.people(1)[0].call("GET", f"/bookings?{query}")
    assert response.status_code == 422, response.text


def test_a_request_that_two_servers_would_read_differently(production: Production) -> None:
    """Content-Length and Transfer-Encoding together are how requests are smuggled (CWE-444)."""
    with socket.create_connection(("127.0.0.1", production.port), timeout=10) as raw:
        raw.sendall(
            f"POST /auth/log-in HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 4\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health/live HTTP/1.1\r\n"
            f"Host: {HOST}\r\n\r\n".encode()
        )
        received = raw.recv(65536)
    assert received.startswith((b"HTTP/1.1 400", b"HTTP/1.1 422"))
    assert received.count(b"HTTP/1.1 200") == 0


def test_head_is_get_without_a_body(production: Production) -> None:
    """As monitors ask: the next answer on the connection begins where this one ends."""
    request = f"HEAD /health/live HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    last = request.replace(b"HEAD", b"GET").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with socket.create_connection(("127.0.0.1", production.port), timeout=10) as connection:
        connection.sendall(request + last)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    first, second, body = answers.split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 200 ")
    assert f"content-length: {len(body)}".encode() in first.lower()
    assert production.client().head("/auth/me").status_code == 401


def test_the_last_place_is_taken_once_by_fifty_at_once(production: Production) -> None:
    event = new_event(production.people(1, "admin")[0], capacity=1)

    def book(client: httpx2.Client) -> httpx2.Response:
        # A full pool answers 503 with Retry-After, and a client comes back.
        for _ in range(60):
            response = client.post(
                "/bookings", json={"event_id": event["id"]}, headers={"idempotency-key": "1"}
            )
            if response.status_code != 503:
                break
            time.sleep(float(response.headers["retry-after"]) * 0.2)
        return response

    people = production.people(50)
    with ThreadPoolExecutor(50) as pool:
        responses = list(pool.map(book, [person.client for person in people]))
    statuses = [response.status_code for response in responses]
    assert statuses.count(201) == 1
    assert statuses.count(409) == 49
    with production.database() as connection:
        booked = connection.execute(
            "SELECT e.booked, (SELECT sum(places) FROM bookings b WHERE b.event_id = e.id)"
            " FROM events e WHERE e.id = %s",
            [event["id"]],
        ).fetchone()
    assert booked == (1, 1)


def test_production_shows_nothing_it_need_not(production: Production) -> None:
    with production.client() as client:
        for path in ("/docs", "/redoc", "/openapi.json", "/metrics", "/.git/config", "/.env"):
            assert client.get(path).status_code == 404, path
        assert client.request("TRACE", "/health/live").status_code == 405
        response = client.get("/health/live")
        assert "server" not in response.headers
        assert int(response.headers["strict-transport-security"].split("=")[1].split(";")[0]) > 3e7
    with httpx2.Client(base_url=production.url) as client:
        assert client.get("/health/live", headers={"host": "evil.example.com"}).status_code == 400


def test_no_secret_reaches_the_log(production: Production, ada: str) -> None:
    token = production.log_in(ada, PASSWORD)
    with production.client(token) as client:
        client.get(f"/auth/me?token={token}&password={PASSWORD}")
    log = production.log.read_text()
    assert "POST" in log
    for secret in (PASSWORD, token, "not-the-password-at-all", ada, "5" * 64):
        assert secret not in log


def test_every_line_of_the_log_says_which_request_and_which_trace(production: Production) -> None:
    person = production.people(1)[0]
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    response = person.call("GET", "/auth/me", headers={"traceparent": traceparent})
    line = production.log_line(response.headers["x-request-id"])
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert line["principal_id"] == str(person.user_id)
    assert line["timestamp"].endswith("Z")
    assert {"level", "event", "span_id"} <= line.keys()
