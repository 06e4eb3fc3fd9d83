"""The session in which a chain is replayed: one for all files, as the Supabase CLI has it."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus

from .lexer import Piece
from .scripts import Connection, send, sent_text

# Cancelled, or at a limit of disk, memory or depth.
SPENT = {"57014", "53400", "53100", "53200", "54001", "54000"}
_LOST = "57014"
RECOVERY_SECONDS = 5.0


class Session:
    """Forgets what a file set, and keeps the server's caches warm from file to file."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    @contextmanager
    def opened(self) -> Iterator[Connection]:
        """The connection for one file; whatever is still open in the end is rolled back."""
        if self._connection is None:
            self._connection = self._connect()
        try:
            yield self._connection
        except psycopg.Error as error:
            # A cancellation that came late must not meet the next file.
            if (error.sqlstate or _LOST) in SPENT:
                self.close()
            raise
        finally:
            self._settle()

    def _connect(self) -> Connection:
        """Waits for a server that takes nobody in while it mends what a crash left."""
        until = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                return psycopg.connect(self._url, autocommit=True, connect_timeout=10)
            except psycopg.OperationalError as error:
                if "FATAL" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def _settle(self) -> None:
        if self._connection is None:
            return
        try:
            if self._connection.info.transaction_status != TransactionStatus.IDLE:
                self._connection.execute("rollback")
            self._connection.execute("discard all")
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


def behind_savepoint(connection: Connection, number: int, piece: Piece) -> None:
    """The statement behind the savepoint `s`, which is left standing when it fails."""
    # Not in one message with it: of a message that can't be parsed, nothing is done at all.
    connection.execute(f"savepoint s; set local scratch.at = {number}".encode())
    if piece.data is None:
        connection.execute(f"{sent_text(piece)}\n;release savepoint s".encode("utf-8", "replace"))
        return
    send(connection, piece)
    connection.execute("release savepoint s")


def without_transaction(connection: Connection, number: int, piece: Piece) -> None:
    """The statement by itself, for what PostgreSQL refuses in a transaction."""
    connection.execute(f"set scratch.at = {number}".encode())
    connection.execute(sent_text(piece).encode("utf-8", "replace"))
