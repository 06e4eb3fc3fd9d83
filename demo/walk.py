"""A walk through the service over HTTP: what a client may do, and what it is refused."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx2

from .service import Failure, Service


@dataclass(frozen=True)
class Step:
    what: str
    status: int
    outcome: str


class Visitor:
    """A client with a cookie. (Python's own cookie jar keeps `Secure` cookies from localhost.)"""

    def __init__(self, url: str) -> None:
        self._http = httpx2.Client(base_url=url, timeout=10)
        self._cookie = ""

    def ask(
        self, method: str, path: str, *, expect: int, json: object = None, **headers: str
    ) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self._cookie:
            named["Cookie"] = self._cookie
        answer = self._http.request(method, path, json=json, headers=named)
        if answer.status_code != expect:
            raise Failure(
                f"{method} {path} answered {answer.status_code} instead of {expect}: {answer.text}"
            )
        if "Set-Cookie" in answer.headers:
            self._cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return answer


@dataclass
class Walk:
    service: Service
    administrator: tuple[str, str]
    request_id: str = ""

    def steps(self) -> Iterator[Step]:
        visitor, owner = Visitor(self.service.url), Visitor(self.service.url)
        grace = {"email": "grace@example.com", "password": secrets.token_urlsafe(12)}

        def done(what: str, answer: httpx2.Response, outcome: str) -> Step:
            return Step(what, answer.status_code, outcome)

        answer = visitor.ask("POST", "/auth/sign-up", json=grace, expect=202)
        yield done("sign up", answer, "a mail is on its way, whoever asks")
        answer = visitor.ask("POST", "/auth/log-in", json=grace, expect=401)
        yield done("log in before that", answer, f"refused: {_code(answer)}")
        token = self.service.said(r"verify-email#token=(\S+)")[1]
        answer = visitor.ask("POST", "/auth/verify-email", json={"token": token}, expect=204)
        yield done("verify the e-mail", answer, "with the token from the mail")
        answer = visitor.ask("POST", "/auth/log-in", json=grace, expect=204)
        yield done("log in", answer, answer.headers["Set-Cookie"].partition("=")[0] + " cookie")

        email, password = self.administrator
        owner.ask("POST", "/auth/log-in", json={"email": email, "password": password}, expect=204)
        event = owner.ask("POST", "/events", json=concert(), expect=201).json()
        wanted = {"event_id": event["id"], "places": 2}
        key = f'"{secrets.token_hex(8)}"'
        answer = visitor.ask("POST", "/bookings", json=wanted, expect=201, Idempotency_Key=key)
        self.request_id = answer.headers["X-Request-ID"]
        booking = answer.json()
        yield done("create a booking", answer, f"total {_money(booking['total'])}")
        answer = visitor.ask("POST", "/bookings", json=wanted, expect=201, Idempotency_Key=key)
        if answer.json() != booking:
            raise Failure("the repeated request made a second booking")
        yield done("send it once more", answer, "the same booking: nothing was booked twice")
        answer = visitor.ask("GET", "/bookings", expect=200)
        if [item["id"] for item in answer.json()["items"]] != [booking["id"]]:
            raise Failure(f"the list of bookings is not the one that was made: {answer.text}")
        yield done("list one's bookings", answer, "1 booking")

        for what, method, path, body, status, who in (
            ("book without a session", "POST", "/bookings", wanted, 401, Visitor(self.service.url)),
            ("make an event, as a member", "POST", "/events", concert(), 403, visitor),
            ("read another's booking", "GET", f"/bookings/{booking['id']}", None, 404, owner),
            ("book a sold-out event", "POST", "/bookings", wanted, 409, visitor),
        ):
            extra = {"Idempotency_Key": f'"{secrets.token_hex(8)}"'} if status == 409 else {}
            answer = who.ask(method, path, json=body, expect=status, **extra)
            yield done(what, answer, f"refused: {_code(answer)}")
        answer = visitor.ask(
            "POST",
            "/auth/log-out",
            expect=403,
            Sec_Fetch_Site="cross-site",
            Origin="https://evil.example",
        )
        yield done("post from another site", answer, f"refused: {_code(answer)}")
        answer = visitor.ask("POST", "/auth/log-out", expect=204)
        yield done("log out", answer, "the session is gone on the server")

    def log_line(self) -> dict[str, Any]:
        """Find the line of the booking's request in the log."""
        words = ('"event": ?"request"', self.request_id)
        line = self.service.said("".join(f"(?=.*{word})" for word in words) + ".+")[0]
        found: dict[str, Any] = json.loads(line)
        return found


def concert() -> dict[str, Any]:
    day = date.today() + timedelta(days=30)  # noqa: DTZ011
    return {
        "title": "Summer concert",
        "starts_at": f"{day}T19:30:00",
        "time_zone": "Europe/Berlin",
        "capacity": 2,
        "price": {"amount": "17.50", "currency": "EUR"},
    }


def _money(money: dict[str, str]) -> str:
    return f"{money['amount']} {money['currency']}"


def _code(answer: httpx2.Response) -> str:
    return str(answer.json()["code"])
