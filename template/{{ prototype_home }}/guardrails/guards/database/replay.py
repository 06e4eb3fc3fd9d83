"""Run a chain of untrusted SQL into a scratch database, statement by statement where it fails."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg
from psycopg.pq import TransactionStatus

from .causes import Cause, Judge, Makers, Verdict, missing
from .lexer import Piece
from .mend import Mender
from .model import Chain, Outcome, Replay, Statement
from .provenance import Recorded, read_provenance
from .scratch import SUPERUSER, Scratch
from .scripts import MOST_STATEMENTS, Connection, Script, passed_over, scripts_of, sent_text
from .session import SPENT, Session, behind_savepoint, without_transaction
from .types_ts import Types
from .watchdog import FILE_SECONDS, STATEMENT_SECONDS, Watchdog

BUDGET_SECONDS = 60.0
MOST_ATTEMPTS = 30
MOST_KEPT = 2_000
_CONCURRENTLY = re.compile(r"\bconcurrently\b", re.IGNORECASE)


class Overflow(Exception):
    """A statement wrote more than a migration has any reason to."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass
class Result:
    outcome: Outcome = Outcome.APPLIED
    error: str = ""
    sqlstate: str = ""
    verdict: Verdict | None = None


class Replayer:
    """One pass over a chain. It is begun anew in a fresh database when a statement filled it."""

    def __init__(
        self, scratch: Scratch, watchdog: Watchdog, scripts: list[Script], types: Types | None
    ) -> None:
        self._scratch = scratch
        self._watchdog = watchdog
        self.scripts = scripts
        self.types = types
        self.banned: set[int] = set()
        self._begin()

    def _begin(self) -> None:
        pieces = [piece for script in self.scripts for piece in script.pieces.values()]
        where = {
            number: f"{script.migration.path}:{piece.line}"
            for script in self.scripts
            for number, piece in script.pieces.items()
        }
        self.results: dict[int, Result] = {}
        self._makers = Makers(pieces)
        self.judge = Judge(self._makers, where)
        self.mender = Mender(self.types, self._mending)
        self._pending: dict[int, Piece] = {}
        self._deadline = time.monotonic() + BUDGET_SECONDS

    def run(self, database: str) -> None:
        """Raises Overflow when the database got too big."""
        self._begin()
        with self._in(database):
            for script in self.scripts:
                if time.monotonic() > self._deadline:
                    self.results |= {number: Result(Outcome.LEFT) for number in script.pieces}
                else:
                    self._script(script)

    @contextmanager
    def _in(self, database: str) -> Iterator[None]:
        self._session = Session(self._scratch.url("postgres", database))
        try:
            yield
        finally:
            self._session.close()

    def _script(self, script: Script) -> None:
        if not self._at_once(script):
            self._one_by_one(script)
            self._watch_size(max(script.pieces, default=0))
        if self._pending:
            self._try_pending()

    def first_failure(self, database: str, scripts: list[Script]) -> int | None:
        """The statement at which a tool that gives up at once would stop."""
        with self._in(database):
            for script in scripts:
                if not self._at_once(script):
                    return self._stops_at(script)
        return None

    def _stops_at(self, script: Script) -> int | None:
        with self._session.opened() as connection:
            connection.execute("begin")
            for number, piece in script.pieces.items():
                if not passed_over(piece) and self._try(connection, number, piece) is not None:
                    return number
        return None

    def _at_once(self, script: Script) -> bool:
        """The whole file in one message, as most files apply; False when they don't."""
        pieces = script.pieces
        if any(piece.data is not None for piece in pieces.values()) or self.banned & set(pieces):
            return False
        text = "\n".join(
            f"set local scratch.at = {number};{sent_text(piece)}\n;"
            for number, piece in pieces.items()
            if not passed_over(piece)
        )
        try:
            with (
                self._session.opened() as connection,
                self._watchdog.watching(connection.info.backend_pid, FILE_SECONDS),
            ):
                if script.alone and _CONCURRENTLY.search(text):
                    without_transaction(connection, *next(iter(pieces.items())))
                else:
                    connection.execute(f"begin;\n{text}\ncommit".encode("utf-8", "replace"))
        except psycopg.Error:
            self._watch_size(max(pieces, default=0))
            return False
        self.results |= {number: Result() for number in pieces}
        return True

    def _watch_size(self, number: int) -> None:
        if self._watchdog.full:
            self._watchdog.full = False
            raise Overflow(number)

    def _one_by_one(self, script: Script) -> None:
        """Every statement that applies, each behind a savepoint of its own."""
        skipped: set[int] = set(self.banned)
        for _ in range(4):
            ended = self._pass(script, skipped)
            if ended is None:
                return
            skipped.add(ended)
            self.results[ended] = _stopped()
            if self._watchdog.full:
                self._watchdog.full = False
                raise Overflow(ended)

    def _pass(self, script: Script, skipped: set[int]) -> int | None:
        """None when it went through; else the statement that took the session with it."""
        number = 0
        try:
            with self._session.opened() as connection:
                self._connection = connection
                connection.execute("begin")
                for number, piece in script.pieces.items():
                    if number in skipped:
                        self.results[number] = _stopped()
                        continue
                    self._statement(number, piece)
                    if time.monotonic() > self._deadline:
                        break
                self._commit(connection, number)
        except psycopg.OperationalError:
            return number
        for left in script.pieces:
            self.results.setdefault(left, Result(Outcome.LEFT))
        return None

    def _commit(self, connection: Connection, number: int) -> None:
        try:
            connection.execute("commit")
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            self._failed(number, Piece("commit", 0, 0), error)

    def _statement(self, number: int, piece: Piece) -> None:
        if passed_over(piece):
            self.results[number] = Result()
            return
        first: Result | None = None
        error: psycopg.Error | None = None
        self.mender.give_way(piece)
        for _ in range(MOST_ATTEMPTS):
            error = self._try(self._connection, number, piece)
            if error is None:
                break
            first = first or self._failed(number, piece, error)
            if not self._mend(error, number, piece, first):
                break
        if first is None:
            self.results[number] = Result()
        elif error is not None:
            self.judge.note(number, piece)
            if first.verdict and first.verdict.cause is Cause.LATER:
                self._pending[number] = piece

    def _failed(self, number: int, piece: Piece, error: psycopg.Error) -> Result:
        message = (error.diag.message_primary or str(error)).strip()
        sqlstate = error.sqlstate or ""
        if sqlstate in SPENT:
            result = _stopped()
        else:
            verdict = self.judge.judge(number, piece, message, sqlstate)
            outcome = Outcome.CASCADE if verdict.cascade else Outcome.FAILED
            result = Result(outcome, message, sqlstate, verdict)
        self.results[number] = result
        return result

    def _try(self, connection: Connection, number: int, piece: Piece) -> psycopg.Error | None:
        """Raises OperationalError when the session is gone."""
        _in_transaction(connection)
        try:
            with self._watchdog.watching(connection.info.backend_pid, STATEMENT_SECONDS):
                behind_savepoint(connection, number, piece)
        except psycopg.Error as error:
            if connection.closed:
                raise psycopg.OperationalError(str(error)) from None
            _take_back(connection, "s")
            return error
        return None

    def _mend(self, error: psycopg.Error, number: int, piece: Piece, first: Result) -> bool:
        sqlstate = error.sqlstate or ""
        if sqlstate in SPENT and "scratch_events." in (error.diag.context or ""):
            # It would end every statement that comes after.
            return self._mending("call scratch_events.disable()")
        if sqlstate == "55P04":
            self._connection.execute("commit; begin")
            return True
        if sqlstate == "25001" and _CONCURRENTLY.search(piece.text):
            return self._mending(_CONCURRENTLY.sub("", piece.text, count=1)) and False
        message = error.diag.message_primary or ""
        if sqlstate == "42883":
            position = error.diag.statement_position
            told = message.removeprefix("operator does not exist: ")
            if self.mender.retype(sent_text(piece), int(position) - 1 if position else None, told):
                return True
        lost = missing(message)
        if lost is None or (first.verdict and first.verdict.cause is Cause.LATER):
            return False
        mended = self.mender.mend(
            lost, piece, self.judge.damaged, lambda table: self._makers.added_later(table, number)
        )
        self.judge.damaged |= {name for _, name in self.mender.rebuilt} | self.mender.enums
        return mended

    def _mending(self, text: str) -> bool:
        connection = self._connection
        _in_transaction(connection)
        connection.execute("savepoint m")
        try:
            with self._watchdog.watching(connection.info.backend_pid, STATEMENT_SECONDS):
                connection.execute(text.encode("utf-8", "replace"))
        except psycopg.Error:
            if connection.closed:
                raise psycopg.OperationalError(text[:80]) from None
            _take_back(connection, "m")
            return False
        connection.execute("release savepoint m")
        return True

    def _try_pending(self) -> None:
        """What came too early, now that more is there; it stays a fault of the chain."""
        done = []
        try:
            with self._session.opened() as connection:
                self._connection = connection
                connection.execute("begin")
                for number, piece in self._pending.items():
                    if self._try(connection, number, piece) is None:
                        done.append(number)
                connection.execute("commit")
        except psycopg.Error:
            self._pending.clear()
        for number in done:
            self._pending.pop(number, None)
            self.judge.failed.discard(number)

    def statements(self) -> tuple[Statement, ...]:
        return tuple(
            _statement(script.migration.path, piece, self.results.get(number))
            for script in self.scripts
            for number, piece in script.pieces.items()
        )


def _in_transaction(connection: Connection) -> None:
    """A statement that was read otherwise than the server does may have ended ours."""
    if connection.info.transaction_status is TransactionStatus.IDLE:
        connection.execute("begin")


def _take_back(connection: Connection, savepoint: str) -> None:
    try:
        connection.execute(f"rollback to savepoint {savepoint}; release savepoint {savepoint}")
    except psycopg.OperationalError:
        raise
    except psycopg.Error:
        connection.execute("rollback")


def _stopped() -> Result:
    verdict = Verdict(Cause.STOPPED, "it ran too long or wrote too much and was ended")
    return Result(Outcome.STOPPED, "ended by the watchdog", "57014", verdict)


def _statement(path: str, piece: Piece, result: Result | None) -> Statement:
    result = result or Result(Outcome.LEFT)
    verdict = result.verdict or Verdict(Cause.OTHER, "")
    return Statement(
        path,
        piece.line,
        piece.end_line,
        piece.text[:MOST_KEPT],
        result.outcome,
        result.error,
        result.sqlstate,
        str(verdict.cause) if result.verdict else "",
        verdict.reason,
        verdict.names,
    )


@contextmanager
def replayed(
    scratch: Scratch, chain: Chain, texts: Mapping[str, str], types: Types | None
) -> Iterator[Replay]:
    """The chain's database, with every file in time order, until the context ends."""
    scripts = scripts_of(chain, texts)
    with Watchdog(scratch) as watchdog:
        replayer = Replayer(scratch, watchdog, scripts, types)
        for attempt in range(3):
            with scratch.database() as database:
                try:
                    replayer.run(database)
                except Overflow as overflow:
                    replayer.banned.add(overflow.number)
                    if attempt < 2:
                        continue
                yield _replay(scratch, database, chain, replayer)
                return


def _replay(scratch: Scratch, database: str, chain: Chain, replayer: Replayer) -> Replay:
    statements = replayer.statements()
    pieces = {
        number: (script.migration.path, piece)
        for script in replayer.scripts
        for number, piece in script.pieces.items()
    }
    recorded = Recorded(pieces)
    with scratch.admin(database) as connection:
        provenance = read_provenance(connection, recorded)
    replay = Replay(
        chain,
        owner_url=scratch.url("postgres", database),
        admin_url=scratch.url(SUPERUSER, database),
        statements=statements,
        provenance=provenance,
        rebuilt=frozenset(replayer.mender.rebuilt),
    )
    left = sum(statement.outcome is Outcome.LEFT for statement in statements)
    notes = []
    if left:
        notes.append(f"{left:,} statements were not tried: the time for the replay was used up")
    if more := sum(script.dropped for script in replayer.scripts):
        notes.append(f"{more:,} statements were not tried: only {MOST_STATEMENTS:,} of a chain are")
    return replace(replay, notes=tuple(notes))


def first_stop(scratch: Scratch, chain: Chain, texts: Mapping[str, str]) -> tuple[str, int] | None:
    """Where the tool itself would give up: only what it accepts, and nothing after a failure."""
    accepted = replace(chain, files=tuple(file for file in chain.files if file.accepted))
    scripts = scripts_of(accepted, texts)
    with Watchdog(scratch) as watchdog, scratch.database() as database:
        replayer = Replayer(scratch, watchdog, scripts, None)
        try:
            number = replayer.first_failure(database, scripts)
        except (Overflow, psycopg.Error):
            return None
    for script in scripts:
        if number in script.pieces:
            return script.migration.path, script.pieces[number].line
    return None
