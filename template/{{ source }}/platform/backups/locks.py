"""One backup, and one drill, at a time: locks that the database holds and a crash releases."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

import psycopg

from .errors import AlreadyRunningError


@contextmanager
def only_one(connection: psycopg.Connection, kind: Literal["backup", "drill"]) -> Iterator[None]:
    """Hold the database's lock for this kind of work, or refuse.

    It belongs to the session: a connection pooler in transaction mode would lose it.
    """
    key = int.from_bytes(hashlib.sha256(kind.encode()).digest()[:8], byteorder="big", signed=True)
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
    if row != (True,):
        raise AlreadyRunningError(
            f"Another {kind} of this database is under way. Wait for its end; if its process is "
            "gone, the lock goes as soon as the server notices."
        )
    try:
        yield
    finally:
        with suppress(psycopg.Error):
            connection.execute("SELECT pg_advisory_unlock(%s)", (key,))
