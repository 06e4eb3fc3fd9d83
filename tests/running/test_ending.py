"""What a process still does after it was told to end."""

import signal
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx2
from production import Production, new_event, wait_until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def test_what_runs_is_finished_before_the_end(breakable: Production) -> None:
    """A request that waits when SIGTERM comes is answered, and what it did is kept."""
    event = new_event(breakable.people(1, "admin")[0], capacity=1)
    (person,) = breakable.people(1)
    with (
        ThreadPoolExecutor(2) as pool,
        breakable.database() as connection,
        breakable.database() as looking,
    ):
        with connection.transaction():
            connection.execute("SELECT FROM events WHERE id = %s FOR UPDATE", [event["id"]])
            booked = pool.submit(
                person.call,
                "POST",
                "/bookings",
                json={"event_id": event["id"]},
                headers={"idempotency-key": str(uuid4())},
            )
            wait_until(lambda: looking.execute(WAITING).fetchone() == (1,), "nobody waits")
            ended = pool.submit(breakable.stop, "serve", signal.SIGTERM)
            wait_until(lambda: not _listens(breakable), "it goes on taking requests")
            assert not ended.done()
        assert booked.result().status_code == 201
        assert ended.result() in {0, -signal.SIGTERM}
        assert looking.execute("SELECT count(*) FROM bookings").fetchone() == (1,)


def _listens(production: Production) -> bool:
    try:
        with production.client() as client:
            client.get("/health/live")
    except httpx2.TransportError:
        return False
    return True
