"""What must hold when things break under requests."""

import os
import signal
import threading
import time
from uuid import uuid4

import httpx2
from production import Person, Production, new_event, wait_until


class Booker(threading.Thread):
    """Books again and again, and remembers what was acknowledged and what was cut off."""

    def __init__(self, person: Person, event_id: object) -> None:
        super().__init__(daemon=True)
        self._person = person
        self._event_id = event_id
        self._ending = threading.Event()
        self.acknowledged: set[str] = set()
        self.statuses: list[int] = []
        self.cut_off: list[str] = []
        self.refused_connections = 0

    def run(self) -> None:
        while not self._ending.is_set():
            try:
                response = self._person.call(
                    "POST",
                    "/bookings",
                    json={"event_id": self._event_id},
                    headers={"idempotency-key": str(uuid4()), "connection": "close"},
                )
            except httpx2.ConnectError:
                self.refused_connections += 1
                time.sleep(0.05)
                continue
            except httpx2.TransportError as error:
                self.cut_off.append(repr(error))
                continue
            self.statuses.append(response.status_code)
            if response.status_code == 201:
                self.acknowledged.add(response.json()["id"])

    def end(self) -> None:
        self._ending.set()
        self.join(60)


def start_bookers(production: Production, count: int) -> list[Booker]:
    event = new_event(production.people(1, "admin")[0], capacity=100_000)
    bookers = [Booker(person, event["id"]) for person in production.people(count)]
    for booker in bookers:
        booker.start()
    wait_until(lambda: all(booker.acknowledged for booker in bookers), "nobody could book")
    return bookers


def stored_bookings(production: Production) -> set[str]:
    with production.database() as connection:
        return {str(row[0]) for row in connection.execute("SELECT id FROM bookings")}


def test_the_database_stops_and_starts_again_under_requests(breakable: Production) -> None:
    bookers = start_bookers(breakable, 4)
    breakable.stop_database()
    wait_until(
        lambda: all(503 in booker.statuses for booker in bookers), "nobody was told to come back"
    )
    assert not breakable.is_ready()
    with breakable.client() as client:
        assert client.get("/health/live").status_code == 200
    breakable.start_database()
    before = {booker: len(booker.acknowledged) for booker in bookers}
    wait_until(
        lambda: all(len(booker.acknowledged) > before[booker] for booker in bookers),
        "the service did not recover by itself",
    )
    for booker in bookers:
        booker.end()
    assert breakable.is_ready()
    assert not [cut for booker in bookers for cut in booker.cut_off]
    assert {status for booker in bookers for status in booker.statuses} == {201, 503}
    acknowledged = set().union(*(booker.acknowledged for booker in bookers))
    assert acknowledged <= stored_bookings(breakable)


def test_sigterm_cuts_no_request_off(breakable: Production) -> None:
    bookers = start_bookers(breakable, 4)
    assert breakable.stop("serve", signal.SIGTERM) in {0, -signal.SIGTERM}
    for booker in bookers:
        booker.end()
    assert all(booker.refused_connections for booker in bookers)
    # The kernel may reset a connection that nobody had accepted yet; whatever the service began
    # for somebody, it has told them.
    acknowledged = set().union(*(booker.acknowledged for booker in bookers))
    assert stored_bookings(breakable) == acknowledged


def test_the_end_of_a_process_needs_no_database(breakable: Production) -> None:
    """One that answers nobody any more, as behind a network that swallows packets."""
    for name in ("serve", "worker"):
        breakable.stop(name)
        breakable.start(name, SHUTDOWN_GRACE="1", EMBEDDED_WORKER="true")
    with breakable.database() as connection:
        backends = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
        for (pid,) in [*backends, (breakable.postmaster,)]:
            os.kill(pid, signal.SIGSTOP)
        try:
            for name in ("serve", "worker"):
                assert breakable.stop(name) in {0, -signal.SIGTERM}
        finally:
            for (pid,) in [*backends, (breakable.postmaster,)]:
                os.kill(pid, signal.SIGCONT)


def test_a_mail_survives_the_worker_being_killed(breakable: Production) -> None:
    breakable.stop("worker", signal.SIGKILL)
    with breakable.client() as client:
        answer = client.post(
            "/auth/sign-up",
            json={"email": "grace@example.com", "password": "plum-violin-harbour-92"},
        )
    assert answer.status_code == 202
    assert "grace@example.com" not in breakable.mail.mails
    breakable.start("worker")
    assert breakable.mail.token_for("grace@example.com")
