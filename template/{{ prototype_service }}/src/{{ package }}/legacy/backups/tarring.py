"""Objects as a tar stream, so that `age --decrypt … | tar --extract` restores without us."""

import contextlib
import hashlib
import os
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import IO, Self

_BLOCK = 512
_PIECE = 256 * 1024
_MIME_TYPE = "SCHILY.xattr.user.mime_type"


@dataclass(slots=True)
class Tally:
    """How much there was, and a checksum that does not depend on its order."""

    objects: int = 0
    bytes: int = 0
    _sum: int = field(default=0, repr=False)

    def add(self, name: str, size: int, digest: str) -> None:
        self.objects += 1
        self.bytes += size
        entry = hashlib.sha256(f"{name}\0{size}\0{digest}".encode()).digest()
        self._sum = (self._sum + int.from_bytes(entry, "big")) % 2**256

    @property
    def checksum(self) -> str:
        return f"{self._sum:064x}"


@dataclass(frozen=True, slots=True)
class Found:
    """An object that is about to be read."""

    name: str
    size: int
    modified: datetime
    mime_type: str | None
    pieces: Iterable[bytes]


class ShortError(Exception):
    """An object had more or fewer bytes than it had announced."""


def tarred(objects: Iterable[Found], tell: Callable[[str, int, str], None]) -> Iterator[bytes]:
    """The tar file of the objects; `tell` hears of each, once it has been read whole."""
    for found in objects:
        yield _header(found)
        digest, size = hashlib.sha256(), 0
        for piece in found.pieces:
            digest.update(piece)
            size += len(piece)
            yield piece
        if size != found.size:
            raise ShortError(f"{found.name} has {size} bytes instead of {found.size}")
        yield b"\0" * (-size % _BLOCK)
        tell(found.name, size, digest.hexdigest())
    yield b"\0" * (2 * _BLOCK)


def _header(found: Found) -> bytes:
    info = tarfile.TarInfo(found.name)
    info.size = found.size
    info.mtime = int(found.modified.timestamp())
    info.mode = 0o600
    if found.mime_type:
        info.pax_headers = {_MIME_TYPE: found.mime_type}
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


class Untarring:
    """Takes a tar stream, and gives each member to `take`; gives up as a program does.

    tarfile pulls and an archive pushes, so a thread and a pipe stand between them.
    """

    def __init__(self, take: Callable[[str, IO[bytes]], None]) -> None:
        read_end, write_end = os.pipe()
        self._reader = os.fdopen(read_end, "rb", buffering=_PIECE)
        self.input: IO[bytes] = os.fdopen(write_end, "wb", buffering=0)
        self._take = take
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._run, name="backup-untarring", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.complaint()

    def complaint(self) -> str | None:
        with contextlib.suppress(BrokenPipeError):
            self.input.close()
        self._thread.join()
        return self._fault

    def _run(self) -> None:
        with self._reader:
            try:
                with tarfile.open(fileobj=self._reader, mode="r|") as archive:
                    for member in archive:
                        content = archive.extractfile(member)
                        if content is not None:
                            self._take(member.name, content)
                while self._reader.read(_PIECE):
                    """To its end, which is padding."""
            except Exception as error:
                self._fault = f"{type(error).__name__}: {error}"


def pieces_of(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(_PIECE):
        yield piece
