"""Run a chain of untrusted SQL into a scratch database, statement by statement where it fails."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import psycopg

from .causes import Cause, Judge, Makers, Verdict, missing
from .lexer import Piece, split
from .mend import Mender
from .model import Chain, Migration, Outcome, Replay, Statement
from .provenance import Recorded, read_provenance
from .scratch import SUPERUSER, Scratch
from .types_ts import Types
from .watchdog import FILE_SECONDS, STATEMENT_SECONDS, Watchdog

BUDGET_SECONDS = 60.0
MOST_ATTEMPTS = 30
MOST_STATEMENTS = 50_000
MOST_KEPT = 2_000
_CONTROL = re.compile(
    r"(begin|start\s+transaction|commit|end|rollback|abort)(\s+(work|transaction))?\s*$",
    re.IGNORECASE,
)
_EVENT_TRIGGER = re.compile(r"(create|alter|drop)\s+event\s+trigger\b", re.IGNORECASE)
_SHAPE = re.compile(r"\b(geometry|geography)\s*\(\s*[a-z]+\s*(?:,\s*\d+\s*)?\)", re.IGNORECASE)
_CONCURRENTLY = re.compile(r"\bconcurrently\b", re.IGNORECASE)

# Cancelled, or at a limit of disk, memory or depth.
_SPENT = {"57014", "53400", "53100", "53200", "54001", "54000"}

Connection = psycopg.Connection[tuple[object, ...]]


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


@dataclass
class Script:
    """A file of the chain with the numbers of its statements, which count through the chain."""

    migration: Migration
    pieces: dict[int, Piece] = field(default_factory=dict)


def scripts_of(chain: Chain, texts: Mapping[str, str]) -> list[Script]:
    scripts = []
    number = 0
    for migration in chain.files:
        script = Script(migration)
        for piece in split(texts.get(migration.path, "")):
            number += 1
            if number <= MOST_STATEMENTS:
                script.pieces[number] = piece
        scripts.append(script)
    return scripts


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
        self._database = database
        for script in self.scripts:
            if time.monotonic() > self._deadline:
                self.results |= {number: Result(Outcome.LEFT) for number in script.pieces}
                continue
            if not self._at_once(script):
                self._one_by_one(script)
                self._watch_size(max(script.pieces, default=0))
            if self._pending:
                self._try_pending()

    def first_failure(self, database: str, scripts: list[Script]) -> int | None:
        """The statement at which a tool that gives up at once would stop."""
        self._database = database
        for script in scripts:
            if not self._at_once(script):
                return self._stops_at(script)
        return None

    def _stops_at(self, script: Script) -> int | None:
        with self._session() as connection:
            connection.execute("begin")
            for number, piece in script.pieces.items():
                if not _passed_over(piece) and self._try(connection, number, piece) is not None:
                    return number
        return None

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        connection = psycopg.connect(
            self._scratch.url("postgres", self._database), autocommit=True, connect_timeout=10
        )
        try:
            yield connection
        finally:
            connection.close()

    def _at_once(self, script: Script) -> bool:
        """The whole file in one message, as most files apply; False when they don't."""
        pieces = script.pieces
        if any(piece.data is not None for piece in pieces.values()) or self.banned & set(pieces):
            return False
        text = "\n".join(
            f"set local scratch.at = {number};{_sent(piece)}\n;"
            for number, piece in pieces.items()
            if not _passed_over(piece)
        )
        try:
            with (
                self._session() as connection,
                self._watchdog.watching(connection.info.backend_pid, FILE_SECONDS),
            ):
                connection.execute("begin")
                connection.execute(text.encode("utf-8", "replace"))
                connection.execute("commit")
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
            with self._session() as connection:
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
        if _passed_over(piece):
            self.results[number] = Result()
            return
        first: Result | None = None
        error: psycopg.Error | None = None
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
        if sqlstate in _SPENT:
            result = _stopped()
        else:
            verdict = self.judge.judge(number, piece, message, sqlstate)
            outcome = Outcome.CASCADE if verdict.cascade else Outcome.FAILED
            result = Result(outcome, message, sqlstate, verdict)
        self.results[number] = result
        return result

    def _try(self, connection: Connection, number: int, piece: Piece) -> psycopg.Error | None:
        """Raises OperationalError when the session is gone."""
        connection.execute(f"savepoint s; set local scratch.at = {number}".encode())
        try:
            with self._watchdog.watching(connection.info.backend_pid, STATEMENT_SECONDS):
                _send(connection, piece)
            connection.execute("release savepoint s")
        except psycopg.Error as error:
            if connection.closed:
                raise psycopg.OperationalError(str(error)) from None
            connection.execute("rollback to savepoint s; release savepoint s")
            return error
        return None

    def _mend(self, error: psycopg.Error, number: int, piece: Piece, first: Result) -> bool:
        sqlstate = error.sqlstate or ""
        if sqlstate == "55P04":
            self._connection.execute("commit; begin")
            return True
        if sqlstate == "25001" and _CONCURRENTLY.search(piece.text):
            return self._mending(_CONCURRENTLY.sub("", piece.text, count=1)) and False
        lost = missing(error.diag.message_primary or "")
        if lost is None or (first.verdict and first.verdict.cause is Cause.LATER):
            return False
        mended = self.mender.mend(
            lost, piece, self.judge.damaged, lambda table: self._makers.added_later(table, number)
        )
        self.judge.damaged |= {name for _, name in self.mender.rebuilt}
        return mended

    def _mending(self, text: str) -> bool:
        connection = self._connection
        connection.execute("savepoint m")
        try:
            with self._watchdog.watching(connection.info.backend_pid, STATEMENT_SECONDS):
                connection.execute(text.encode("utf-8", "replace"))
        except psycopg.Error:
            if connection.closed:
                raise psycopg.OperationalError(text[:80]) from None
            connection.execute("rollback to savepoint m; release savepoint m")
            return False
        connection.execute("release savepoint m")
        return True

    def _try_pending(self) -> None:
        """What came too early, now that more is there; it stays a fault of the chain."""
        done = []
        try:
            with self._session() as connection:
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


def _stopped() -> Result:
    verdict = Verdict(Cause.STOPPED, "it ran too long or wrote too much and was ended")
    return Result(Outcome.STOPPED, "ended by the watchdog", "57014", verdict)


def _passed_over(piece: Piece) -> bool:
    """A file is one transaction here whatever it says; an event trigger would run with the rights
    of whoever alters the schema next, which here may be a superuser."""
    return bool(_CONTROL.match(piece.text) or _EVENT_TRIGGER.match(piece.text))


def _sent(piece: Piece) -> str:
    return _SHAPE.sub(r"\1", piece.text)


def _send(connection: Connection, piece: Piece) -> None:
    query = _sent(piece).encode("utf-8", "replace")
    if piece.data is None:
        connection.execute(query)
        return
    with connection.cursor().copy(query) as copy:
        copy.write(piece.data)


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
    note = f"{left:,} statements were not tried: the time for the replay was used up"
    return replace(replay, notes=(note,)) if left else replay


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
