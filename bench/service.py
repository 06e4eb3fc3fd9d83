"""The stamped service as production runs it, with one user who has many bookings."""

import hashlib
import json
import secrets
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from .load import Target
from .servers import Server

_COOKIE = "__Host-session"


def production(database_url: str, receiver_url: str) -> dict[str, str]:
    """Settings with everything on: sessions, limits, JSON lines, a tenth of the requests traced."""
    return {
        "ENVIRONMENT": "production",
        "DATABASE_URL": database_url,
        "PUBLIC_URL": "https://bookings.example.com",
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECRET_KEY": secrets.token_hex(32),
        "SMTP_URL": "smtp://127.0.0.1:1025",
        "MAIL_FROM": "bookings@example.com",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "info",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver_url,
        "TRACE_SAMPLE_RATIO": "0.1",
    }


@dataclass(frozen=True)
class LoggedIn:
    """A user's session, and two bookings of theirs: the older one was made a minute before."""

    session: str
    user_id: UUID
    event_id: UUID
    booking_id: UUID
    booked_at: datetime

    def target(self, server: Server, path: str) -> Target:
        return Target(f"{server.url}{path}", {"Cookie": f"{_COOKIE}={self.session}"})


def log_in(database_url: str) -> LoggedIn:
    """A user with a session and two bookings, as sign-up, log-in and booking leave them."""
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    made = LoggedIn(token, uuid4(), uuid4(), uuid4(), now - timedelta(days=30))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO users (id, email, password_hash, created_at)"
            " VALUES (%s, 'ada@example.com', '-', %s)",
            (made.user_id, now),
        )
        connection.execute(
            "INSERT INTO sessions"
            " (id, token_hash, user_id, created_at, last_seen_at, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (
                uuid4(),
                hashlib.sha256(token.encode()).digest(),
                made.user_id,
                now,
                now,
                now + timedelta(days=1),
            ),
        )
        connection.execute(
            "INSERT INTO events (id, title, local_start, time_zone, starts_at, capacity, booked,"
            " price_amount, price_currency)"
            " VALUES (%s, 'Concert', now() + '1 year', 'UTC', now() + '1 year', 1e9, 0, 25, 'EUR')",
            (made.event_id,),
        )
        for booking_id, booked_at in (
            (made.booking_id, made.booked_at),
            (uuid4(), made.booked_at - timedelta(minutes=1)),
        ):
            connection.execute(
                _BOOKING + sql.SQL("VALUES (%s, %s, %s, 2, 25, 'EUR', 1, %s)"),
                (booking_id, made.event_id, made.user_id, booked_at),
            )
    return made


_BOOKING = sql.SQL(
    "INSERT INTO bookings"
    " (id, event_id, owner_id, places, price_amount, price_currency, version, created_at) "
)


def book(database_url: str, user: LoggedIn, rows: int) -> None:
    """Bookings until the user has `rows`; half of them newer than the user's first, half older."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            _BOOKING
            + sql.SQL(
                "SELECT gen_random_uuid(), %(event)s, %(user)s, 1 + i %% 4, 25, 'EUR', 1,"
                " %(middle)s::timestamptz + (i - %(rows)s / 2) * interval '0.1 second'"
                " FROM generate_series(1, %(rows)s) AS i"
            ),
            {
                "event": user.event_id,
                "user": user.user_id,
                "middle": user.booked_at,
                "rows": rows - 2,
            },
        )
        connection.execute("VACUUM ANALYZE")


def ask(target: Target) -> Mapping[str, object]:
    """One request, for its body."""
    request = urllib.request.Request(target.url, headers=dict(target.headers))  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 (our own server)
        body: dict[str, object] = json.load(response)
    return body
