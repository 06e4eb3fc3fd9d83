"""The prototype's SQLite file, copied whole while it is being written to.

A copy of the bytes of a file in use is often no database. SQLite's own backup API copies a
moment of it; what is stored is that copy, compressed, after it was checked.
"""

import hashlib
import os
import sqlite3
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Literal

from ...platform.backups import archive, taking
from ...platform.backups.catalogue import DUMP, Entry, load_manifest, new_name
from ...platform.backups.errors import (
    ContentDiffersError,
    NotReadyError,
    RestoreFailedError,
    StageFailedError,
    TargetNotEmptyError,
    UnreadableDumpError,
)
from ...platform.backups.keys import Identity, Recipient
from ...platform.backups.manifest import Facts, Manifest
from ...platform.backups.stores import Store
from .streams import PiecesDump
from .workrooms import workroom

_PIECE = 256 * 1024
# So many pages in one go, and seconds between: a writer gets its turn, at the price of beginning
# again. After so many seconds of that it has to wait for the whole copy.
_PAGES = 4096
_BREATH = 0.01
_PATIENCE = 30.0
_LOCKED = 300.0
_GZIP = 31
# SQLite quotes the names itself. Virtual tables have no page of their own; the ones that hold their
# content do.
_TABLES = """
    SELECT name, printf('SELECT count(*) FROM "%w"', name) FROM sqlite_master
    WHERE type = 'table' AND rootpage > 0 AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name
"""


class SqliteFacts(Facts):
    """What was in the copy. The digest is that of the file, for it is restored byte by byte."""

    kind: Literal["sqlite"] = "sqlite"
    file: str
    size: int
    sha256: str
    tables: dict[str, int]
    """The number of rows of each."""

    @property
    def counts(self) -> dict[str, int]:
        return {"tables": len(self.tables), "rows": sum(self.tables.values())}

    @property
    def records(self) -> int:
        return self.counts["rows"]


_KIND = Manifest[SqliteFacts]


class SqliteFile:
    name = "prototype-sqlite"

    def __init__(self, file: Path) -> None:
        self._file = file

    def create(
        self, store: Store, recipients: Sequence[Recipient], service: str, now: datetime
    ) -> taking.Taken[SqliteFacts]:
        with workroom("backup", str(self._file.resolve())) as folder:
            copy = folder / "copy.sqlite"
            _copy(self._file, copy)
            facts = SqliteFacts(
                service=service,
                created_at=now,
                file=self._file.name,
                size=copy.stat().st_size,
                sha256=_sha256(copy),
                tables=_rows(copy, StageFailedError),
            )
            if not facts.tables:
                raise StageFailedError(f"{self._file} has no table. Is it the right file?")
            name = new_name(now)
            stored = archive.write(
                store,
                name + DUMP,
                PiecesDump("SQLite", _compressed(copy)),
                recipients,
                facts.digest,
                expected_size=facts.size,
                least=1,
            )
            return taking.keep(store, name, Manifest.of(facts, stored))

    def verify(
        self, store: Store, entry: Entry, identities: Sequence[Identity] | None
    ) -> SqliteFacts:
        manifest = load_manifest(store, entry, _KIND)
        if identities is None:
            archive.check_bytes(store, manifest)
        else:
            with Path(os.devnull).open("wb", buffering=0) as nowhere:
                _unpack(store, manifest, identities, nowhere.fileno())
        return manifest.facts

    def restore(
        self,
        store: Store,
        entry: Entry,
        identities: Sequence[Identity],
        into: str | None,
        *,
        privileges: bool,
    ) -> tuple[SqliteFacts, str]:
        """To a file that is not there yet; it gets its name once it is whole."""
        if into is None or "://" in into:
            raise NotReadyError(
                "Say with --into to which file the prototype's database is to be restored. Stop "
                "the prototype before you put it in the place of the old one."
            )
        target = Path(into)
        if any(Path(f"{target}{part}").exists() for part in ("", "-wal", "-journal")):
            raise TargetNotEmptyError(
                f"{target} is there, or a journal of it, and nothing here is ever overwritten. "
                "Give another name, look at what you get, then swap the two."
            )
        try:
            with tempfile.TemporaryDirectory(prefix=".restore-", dir=target.parent) as folder:
                file = Path(folder) / target.name
                facts = self._restored(store, entry, identities, file)
                # A link, for a rename would replace what appeared there meanwhile.
                os.link(file, target)
        except OSError as error:
            raise RestoreFailedError(f"{target}: {error.strerror}.") from error
        return facts, str(target)

    def drill(
        self, store: Store, entry: Entry, identities: Sequence[Identity]
    ) -> tuple[SqliteFacts, str]:
        with workroom("drill", store.location) as folder:
            facts = self._restored(store, entry, identities, folder / "copy.sqlite")
        return facts, "and the file is whole"

    @staticmethod
    def _restored(
        store: Store, entry: Entry, identities: Sequence[Identity], file: Path
    ) -> SqliteFacts:
        manifest = load_manifest(store, entry, _KIND)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            _unpack(store, manifest, identities, opened.fileno())
            os.fsync(opened.fileno())
        facts, found = manifest.facts, _rows(file, ContentDiffersError)
        if _sha256(file) != facts.sha256 or found != facts.tables:
            raise ContentDiffersError(
                f"{entry.name} was restored, but it is not what was backed up: "
                f"{sum(found.values())} rows in {len(found)} tables instead of "
                f"{facts.counts['rows']} in {facts.counts['tables']}, or other ones."
            )
        return facts


def _copy(source: Path, copy: Path) -> None:
    if not source.is_file():
        raise NotReadyError(f"PROTOTYPE_SQLITE_FILE={source}: there is no such file.")
    copy.touch(mode=0o600)
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(copy)) as target,
        ):
            (journal,) = live.execute("PRAGMA journal_mode").fetchone()
            # In a WAL a writer never waits for a reader. Elsewhere it does: so in pieces.
            in_pieces = journal != "wal" and _copied(live, target, _PAGES, _PATIENCE)
            if not in_pieces and not _copied(live, target, -1, _LOCKED):
                raise sqlite3.OperationalError("it stays locked")
            # The copy is one file, also of a database that writes its changes beside it.
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StageFailedError(f"{source}: {error}. No backup was kept.") from error


class _Late(Exception):
    """The copy is not done in time."""


def _copied(live: sqlite3.Connection, target: sqlite3.Connection, pages: int, limit: float) -> bool:
    """Copy a moment of the database; False when writers left no time for that."""
    until = time.monotonic() + limit

    def watch(_status: int, remaining: int, _total: int) -> None:
        if remaining and time.monotonic() > until:
            raise _Late

    try:
        live.backup(target, pages=pages, progress=watch, sleep=_BREATH)
    except _Late:
        return False
    return True


def _rows(file: Path, failure: type[StageFailedError | ContentDiffersError]) -> dict[str, int]:
    """The rows of every table of a database that is sound."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as opened:
            (said,) = opened.execute("PRAGMA integrity_check(1)").fetchone()
            if said != "ok":
                raise failure(f"SQLite says of the copy: {said}. It is not to be relied on.")
            tables = opened.execute(_TABLES).fetchall()
            return {name: opened.execute(count).fetchone()[0] for name, count in tables}
    except sqlite3.Error as error:
        raise failure(f"The copy can't be read: {error}.") from error


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _compressed(file: Path) -> Iterator[bytes]:
    """As a gzip stream, so that `age --decrypt … | gunzip` restores without us."""
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield packer.compress(piece)
    yield packer.flush()


class _Decompressing:
    """Writes what a gzip stream holds to a file; gives up at the first fault, as a program does."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unpacker = zlib.decompressobj(_GZIP)
        self._fault: str | None = None

    @property
    def input(self) -> "_Decompressing":
        return self

    def write(self, piece: memoryview, /) -> int:
        try:
            data = piece.tobytes()
            while data:
                self._store(self._unpacker.decompress(data, _PIECE))
                data = self._unpacker.unconsumed_tail
        except (zlib.error, OSError) as error:
            self._fault = str(error)
            raise BrokenPipeError from error
        return len(piece)

    def close(self) -> None:
        if not self._unpacker.eof:
            self._fault = self._fault or "the end is missing"

    def complaint(self) -> str | None:
        return self._fault

    def _store(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]


def _unpack(
    store: Store, manifest: Manifest[SqliteFacts], identities: Sequence[Identity], descriptor: int
) -> None:
    complaint = archive.read(store, manifest, identities, _Decompressing(descriptor))
    if complaint:
        raise UnreadableDumpError(f"{manifest.object.name} can't be unpacked: {complaint}.")
