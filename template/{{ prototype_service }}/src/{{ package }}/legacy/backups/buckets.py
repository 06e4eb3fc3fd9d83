"""The prototype's storage buckets, through their S3-compatible address.

All objects of all buckets go into one archive, for keys and retention are those of everything
else; it is as large as they are. What is uploaded or deleted meanwhile may or may not be in it:
no object store offers a moment that stands still.
"""

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

import obstore
import psycopg
import structlog
from obstore.exceptions import BaseError
from obstore.store import S3Store
from pydantic import BaseModel, ConfigDict

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
from .settings import PrototypeDataSettings
from .streams import PiecesDump
from .tarring import Found, ShortError, Tally, Untarring, pieces_of, tarred
from .workrooms import workroom

_PIECE = 1024 * 1024
# What a file system says of a name that it can't give: `a` beside `a/b`, or 300 letters.
_NO_FILE_NAME = {
    errno.EEXIST, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOTDIR,
}  # fmt: skip
_RENAMED = "_renamed"
_log = structlog.get_logger(__name__)


class BucketContent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    objects: int
    bytes: int
    checksum: str


class BucketsFacts(Facts):
    """What was read from the buckets."""

    kind: Literal["buckets"] = "buckets"
    endpoint: str
    buckets: dict[str, BucketContent]
    changed_meanwhile: bool
    """Whether the list was another one by the time that everything had been read."""

    @property
    def counts(self) -> dict[str, int]:
        objects = sum(content.objects for content in self.buckets.values())
        return {"buckets": len(self.buckets), "objects": objects}

    @property
    def records(self) -> int:
        return self.counts["objects"]


_KIND = Manifest[BucketsFacts]


class Buckets:
    name = "prototype-buckets"

    def __init__(self, settings: PrototypeDataSettings) -> None:
        self._names = settings.prototype_buckets
        self._endpoint = str(settings.prototype_buckets_endpoint)
        self._settings = settings

    def create(
        self, store: Store, recipients: Sequence[Recipient], service: str, now: datetime
    ) -> taking.Taken[BucketsFacts]:
        with workroom("backup", self._endpoint), self._explained():
            self._warn_of_others()
            listed = {name: self._listed(name) for name in self._names}
            read = {name: Tally() for name in self._names}
            # By object tag, not by content: what the list was made of, as it has been read.
            seen = {name: Tally() for name in self._names}

            def tell(path: str, size: int, digest: str) -> None:
                read[path.partition("/")[0]].add(path, size, digest)

            def facts() -> BucketsFacts:
                return BucketsFacts(
                    service=service,
                    created_at=now,
                    endpoint=self._endpoint,
                    buckets=_contents(read),
                    changed_meanwhile=_contents(listed) != _contents(seen),
                )

            name = new_name(now)
            stored = archive.write(
                store,
                name + DUMP,
                PiecesDump("The bucket", tarred(self._objects(seen), tell)),
                recipients,
                lambda: facts().digest(),
                expected_size=sum(tally.bytes for tally in listed.values()),
                least=1,
            )
            return taking.keep(store, name, Manifest.of(facts(), stored))

    def verify(
        self, store: Store, entry: Entry, identities: Sequence[Identity] | None
    ) -> BucketsFacts:
        manifest = load_manifest(store, entry, _KIND)
        if identities is None:
            archive.check_bytes(store, manifest)
        else:
            _compare(entry, manifest.facts, _read(store, manifest, identities, None))
        return manifest.facts

    def restore(
        self,
        store: Store,
        entry: Entry,
        identities: Sequence[Identity],
        into: str | None,
        *,
        privileges: bool,
    ) -> tuple[BucketsFacts, str]:
        """Into a folder that is not there yet: a folder for each bucket, a file for each object."""
        if into is None or "://" in into:
            raise NotReadyError(
                "Say with --into in which folder the objects are to be laid out; any S3 tool "
                "uploads them from there."
            )
        folder = Path(into)
        try:
            folder.mkdir(mode=0o700, parents=True)
        except FileExistsError as error:
            raise TargetNotEmptyError(f"{folder} is there. Give a new folder.") from error
        except OSError as error:
            raise RestoreFailedError(f"{folder}: {error.strerror}.") from error
        manifest = load_manifest(store, entry, _KIND)
        for bucket in manifest.facts.buckets:
            (folder / bucket).mkdir(mode=0o700)
        layout = _Layout(folder)
        _compare(entry, manifest.facts, _read(store, manifest, identities, layout))
        return manifest.facts, layout.told()

    def drill(
        self, store: Store, entry: Entry, identities: Sequence[Identity]
    ) -> tuple[BucketsFacts, str]:
        """Every object is read back and compared; none is kept."""
        return self.verify(store, entry, identities), "byte by byte"

    def _listed(self, name: str) -> Tally:
        tally = Tally()
        for meta in self._list(name):
            tally.add(meta["path"], meta["size"], meta["e_tag"] or "")
        return tally

    def _list(self, name: str) -> Iterator[Mapping[str, Any]]:
        for chunk in obstore.list(self._bucket(name)):
            yield from chunk

    def _objects(self, seen: Mapping[str, Tally]) -> Iterator[Found]:
        for name in self._names:
            bucket = self._bucket(name)
            gone = set[str]()
            for listed in self._list(name):
                try:
                    got = obstore.get(bucket, listed["path"])
                except FileNotFoundError:
                    gone.add(listed["path"])
                    continue
                meta = got.meta
                seen[name].add(meta["path"], meta["size"], meta["e_tag"] or "")
                yield Found(
                    name=f"{name}/{meta['path']}",
                    size=meta["size"],
                    modified=meta["last_modified"],
                    mime_type=got.attributes.get("Content-Type"),
                    pieces=map(bytes, got.stream(_PIECE)),
                )
            if gone:
                self._refuse_unreadable(name, gone)

    def _refuse_unreadable(self, name: str, gone: set[str]) -> None:
        """Tell what was deleted since it was listed from what has a name that is not passed on.

        The library drops a slash at either end of a name, and asks for another object. What
        S3 consoles make for a folder has such a name, and no content.
        """
        for listed in self._list(name):
            if listed["path"] not in gone or not listed["size"]:
                continue
            with contextlib.suppress(FileNotFoundError):
                obstore.head(self._bucket(name), listed["path"])
                continue
            raise StageFailedError(
                f"The bucket {name} has an object that is called like {listed['path']!r}, with a "
                "slash at its beginning or end, which can't be read. Rename it with an S3 tool. "
                "No backup was kept."
            )

    def _bucket(self, name: str) -> S3Store:
        key, secret = (
            self._settings.prototype_buckets_access_key_id,
            self._settings.prototype_buckets_secret_access_key,
        )
        assert key is not None
        assert secret is not None
        return S3Store(
            name,
            endpoint=self._endpoint,
            region=self._settings.prototype_buckets_region,
            access_key_id=key.get_secret_value(),
            secret_access_key=secret.get_secret_value(),
            virtual_hosted_style_request=False,
            client_options={"allow_http": self._endpoint.startswith("http://")},
        )

    def _warn_of_others(self) -> None:
        """The database knows all buckets; one that nobody named would be missed when it counts."""
        url = self._settings.prototype_database_url
        if url is None:
            return
        with contextlib.suppress(psycopg.Error):
            with psycopg.connect(url.get_secret_value(), connect_timeout=10) as connection:
                known = {name for (name,) in connection.execute("SELECT id FROM storage.buckets")}
            if others := sorted(known.difference(self._names)):
                _log.warning("backup_buckets_left_out", buckets=others, remedy="PROTOTYPE_BUCKETS")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, FileNotFoundError, ShortError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise StageFailedError(
                f"The buckets at {self._endpoint} can't be read: {reason}. No backup was kept."
            ) from error


def _contents(tallies: Mapping[str, Tally]) -> dict[str, BucketContent]:
    return {
        name: BucketContent(objects=tally.objects, bytes=tally.bytes, checksum=tally.checksum)
        for name, tally in tallies.items()
    }


def _read(
    store: Store,
    manifest: Manifest[BucketsFacts],
    identities: Sequence[Identity],
    layout: "_Layout | None",
) -> dict[str, BucketContent]:
    """Read every object back, into files if they are to be kept; return what there was."""
    tallies = {name: Tally() for name in manifest.facts.buckets}

    def take(path: str, content: IO[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        with layout.file(path) if layout else Path(os.devnull).open("wb") as file:
            for piece in pieces_of(content):
                digest.update(piece)
                size += len(piece)
                file.write(piece)
        tallies[path.partition("/")[0]].add(path, size, digest.hexdigest())

    with Untarring(take) as untarring:
        complaint = archive.read(store, manifest, identities, untarring)
    if complaint:
        error = UnreadableDumpError if layout is None else RestoreFailedError
        raise error(f"{manifest.object.name} can't be unpacked: {complaint}.")
    return _contents(tallies)


class _Layout:
    """A file for each object, below a folder and called as the object is, where that can be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._renamed: dict[str, str] = {}

    def file(self, path: str) -> IO[bytes]:
        """A new file, and never one outside of the folder (CWE-22)."""
        parts = PurePosixPath(path).parts
        if ".." in parts or path.startswith("/") or "\0" in path:
            raise ValueError(f"{path!r} is no name for a file")
        try:
            return _new(self._folder.joinpath(*parts))
        except OSError as error:
            if error.errno not in _NO_FILE_NAME:
                raise
        name = hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()[:32]
        self._renamed[name] = path
        return _new(self._folder / _RENAMED / name)

    def told(self) -> str:
        """Where everything is now."""
        if not self._renamed:
            return str(self._folder)
        names = self._folder / _RENAMED / "names.json"
        names.write_text(json.dumps(self._renamed, indent=2) + "\n", encoding="utf-8")
        return (
            f"{self._folder} ({len(self._renamed)} whose names no file can have are in {_RENAMED}, "
            "with names.json)"
        )


def _new(file: Path) -> IO[bytes]:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return file.open("xb")


def _compare(entry: Entry, facts: BucketsFacts, found: Mapping[str, BucketContent]) -> None:
    differing = [name for name, content in facts.buckets.items() if found.get(name) != content]
    if differing:
        raise ContentDiffersError(
            f"{entry.name} was read, but it is not what was backed up: {', '.join(differing)}."
        )
