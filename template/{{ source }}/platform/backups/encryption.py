"""Streaming encryption as age files (https://age-encryption.org/v1), in constant memory."""

import io
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, Protocol

import pyrage

from .errors import BackupError
from .keys import Identity, Recipient

_PIECE = 256 * 1024


class Source(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class DecryptionError(BackupError):
    """No identity fits (`wrong_key`), or the stream is not a whole age file."""

    def __init__(self, *, wrong_key: bool) -> None:
        super().__init__("wrong key" if wrong_key else "not a whole age file")
        self.wrong_key = wrong_key


def encrypted(source: Source, recipients: Sequence[Recipient]) -> Iterator[bytes]:
    """The age file of what `source` yields, piece by piece.

    The library pushes and a store pulls, so a thread and a pipe stand between them. A failure of
    the source surfaces here, before the last piece: what took the pieces never sees a clean end.
    """
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb", buffering=0) as pieces:
        encryption = _Encryption(source, os.fdopen(write_end, "wb", buffering=0), recipients)
        encryption.start()
        while piece := pieces.read(_PIECE):
            yield piece
        encryption.join()
    if encryption.failure is not None:
        raise encryption.failure


def decrypt(source: Source, sink: Sink, identities: Sequence[Identity]) -> None:
    """Write the plaintext of an age file to `sink`, each piece only after it is authenticated.

    Raises:
        DecryptionError: and, as they are, the exceptions of source and sink.
    """
    kept_source, kept_sink = _KeptSource(source), _KeptSink(sink)
    try:
        pyrage.decrypt_io(kept_source, kept_sink, identities)
    except (pyrage.DecryptError, OSError) as error:
        if (failure := kept_source.failure or kept_sink.failure) is not None:
            raise failure from None
        raise DecryptionError(wrong_key="No matching keys" in str(error)) from error
    if kept_sink.failure is not None:
        raise kept_sink.failure


class _Encryption(threading.Thread):
    def __init__(self, source: Source, pipe: IO[bytes], recipients: Sequence[Recipient]) -> None:
        # A daemon: when the reader has given up, nothing has to wait for a source that is stuck.
        super().__init__(name="backup-encryption", daemon=True)
        self._source, self._pipe, self._recipients = source, pipe, recipients
        self.failure: BaseException | None = None

    def run(self) -> None:
        source, sink = _KeptSource(self._source), _KeptSink(self._pipe)
        failure: BaseException | None = None
        with self._pipe:
            try:
                pyrage.encrypt_io(source, sink, self._recipients)
            except Exception as error:
                failure = error
            self.failure = source.failure or sink.failure or failure


class _KeptSource(io.BufferedIOBase):
    """Keeps the exception that the library would turn into a text of its own."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.failure: BaseException | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return self._source.read(-1 if size is None else size)
        except BaseException as error:
            self.failure = error
            raise


class _KeptSink(io.BufferedIOBase):
    """The same for writing, where pyrage 1.4 loses an error of its last write altogether."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.failure: BaseException | None = None

    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        try:
            self._sink.write(piece)
        except BaseException as error:
            self.failure = error
            raise
        return len(piece)


class PiecesSource:
    """Reads from pieces of any size, as from a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return bytes(taken)
