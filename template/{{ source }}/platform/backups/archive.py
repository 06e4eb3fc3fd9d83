"""The encrypted dump as a stream: written once, and read so that every kind of damage has a name.

    pg_dump ──▶ seal ──▶ encrypt ──▶ hash ──▶ store
    store ──▶ hash ──▶ decrypt ──▶ unseal ──▶ pg_restore

The seal is a line after the dump with the digest of the manifest's facts. Encryption
authenticates it, so no manifest but its own fits a dump. pg_restore stops before it, so that
`age --decrypt … | pg_restore …` restores without this service.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from .encryption import DecryptionError, PiecesSource, Source, decrypt, encrypted
from .errors import (
    AlteredError,
    BackupError,
    ForeignManifestError,
    StageFailedError,
    TruncatedError,
    UndecryptableError,
    WrongKeyError,
)
from .keys import Identity, Recipient
from .manifest import Manifest, StoredObject
from .stores import Store

# An empty database already dumps to more: less is a dump that failed without saying so.
_LEAST_DUMP = 512


class Dump(Protocol):
    """What is to be backed up, as a stream; pg_dump is one."""

    @property
    def name(self) -> str: ...

    @property
    def output(self) -> Source: ...

    def complaint(self) -> str | None:
        """How it ended, once `output` has; None when it went well."""


class Intake(Protocol):
    def write(self, piece: memoryview, /) -> int: ...

    def close(self) -> None: ...


class Restore(Protocol):
    """What takes a dump back, and may give up early with a BrokenPipeError; pg_restore is one."""

    @property
    def input(self) -> Intake: ...

    def complaint(self) -> str | None: ...


def seal(facts_sha256: str) -> bytes:
    return f"\nmanifest-facts-sha256:{facts_sha256}\n".encode()


_SEAL_SIZE = len(seal("0" * 64))


def write(
    store: Store,
    name: str,
    dump: Dump,
    recipients: Sequence[Recipient],
    digest: Callable[[], str],
    *,
    expected_size: int,
    least: int = _LEAST_DUMP,
) -> StoredObject:
    """Encrypt a dump into the store. If any stage fails, nothing is stored.

    `digest` is that of the facts; it is asked for when the dump has ended.
    """
    pieces = Hashed(encrypted(_SealedDump(dump, digest, least), recipients))
    store.put(name, pieces, expected_size=expected_size)
    stored = store.sizes().get(name)
    if stored != pieces.size:
        store.delete(name)
        raise StageFailedError(
            f"{store.location} holds {stored} bytes of {name}, {pieces.size} were written."
        )
    return StoredObject(name=name, size=pieces.size, sha256=pieces.sha256)


def check_bytes(store: Store, manifest: Manifest[Any]) -> None:
    """Size and hash of the stored object; this needs no key."""
    pieces = Hashed(store.get(manifest.object.name))
    pieces.drain()
    _compare(pieces, manifest.object)


def read(
    store: Store, manifest: Manifest[Any], identities: Sequence[Identity], restore: Restore
) -> str | None:
    """Feed the dump to pg_restore or its like, which only sees the end of a dump that is whole.

    Returns its complaint, if it has one. The backup's own damage comes first.

    Raises:
        DamagedError: one of its kinds. The caller has to kill pg_restore, not to close its input.
    """
    pieces = Hashed(store.get(manifest.object.name))
    unsealed = _Unsealed(restore)
    try:
        decrypt(PiecesSource(pieces), unsealed, identities)
    except DecryptionError as error:
        # The plain truth about the bytes comes first: a flipped bit also fails to decrypt.
        pieces.drain()
        _compare(pieces, manifest.object)
        raise _named(error, manifest) from error
    pieces.drain()
    _compare(pieces, manifest.object)
    if unsealed.held != seal(manifest.facts_sha256):
        raise ForeignManifestError(
            f"The manifest of {manifest.object.name} is not the one that was sealed into it: "
            "somebody edited it, or it belongs to another backup. Do not trust its numbers."
        )
    unsealed.close()
    return restore.complaint()


def _named(error: DecryptionError, manifest: Manifest[Any]) -> BackupError:
    if error.wrong_key:
        return WrongKeyError(
            f"{manifest.object.name} was not encrypted for this identity. Point "
            "BACKUP_IDENTITY_FILE (or --identity) to the private key of one of its recipients."
        )
    return UndecryptableError(
        f"{manifest.object.name} is stored as it was written, but that is not a whole age file."
    )


def _compare(pieces: "Hashed", expected: StoredObject) -> None:
    if pieces.size < expected.size:
        raise TruncatedError(
            f"{expected.name} is truncated: {pieces.size} of {expected.size} bytes are there."
        )
    if pieces.size > expected.size or pieces.sha256 != expected.sha256:
        raise AlteredError(
            f"{expected.name} was altered: {pieces.size} bytes, as many as "
            f"{expected.size} expected, but not the same ones."
            if pieces.size == expected.size
            else f"{expected.name} was altered: {pieces.size} bytes instead of {expected.size}."
        )


class Hashed:
    """Counts and hashes what passes."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._sha256 = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self._sha256.update(piece)
        self.size += len(piece)
        return piece

    def drain(self) -> None:
        for _ in self:
            pass

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


class _SealedDump:
    """The dump, then the seal; the end comes only if the dump ended well."""

    def __init__(self, dump: Dump, digest: Callable[[], str], least: int) -> None:
        self._dump = dump
        self._digest = digest
        self._least = least
        self._size = 0
        self._is_sealed = False

    def read(self, size: int = -1, /) -> bytes:
        if piece := self._dump.output.read(size):
            self._size += len(piece)
            return piece
        if self._is_sealed:
            return b""
        if complaint := self._dump.complaint():
            raise StageFailedError(f"{complaint}. No backup was kept.")
        if self._size < self._least:
            raise StageFailedError(
                f"{self._dump.name} wrote {self._size} bytes, too few for any database. "
                "No backup was kept."
            )
        self._is_sealed = True
        return seal(self._digest())


class _Unsealed:
    """Passes on all but the last bytes, which are the seal."""

    def __init__(self, restore: Restore) -> None:
        self._restore = restore
        self._broken = False
        self.held = b""

    def write(self, data: bytes, /) -> None:
        self.held += data
        ready, self.held = self.held[:-_SEAL_SIZE], self.held[-_SEAL_SIZE:]
        self._pass_on(memoryview(ready))

    def close(self) -> None:
        try:
            self._restore.input.close()
        except BrokenPipeError:
            self._broken = True

    def _pass_on(self, view: memoryview) -> None:
        # Once pg_restore has given up the rest is only hashed: what is wrong with the backup says
        # more than pg_restore's own complaint.
        try:
            while view and not self._broken:
                view = view[self._restore.input.write(view) :]
        except BrokenPipeError:
            self._broken = True
