"""The prototype's storage buckets, through their S3-compatible address.

All objects of all buckets go into one archive, for keys and retention are those of everything
else; it is as large as they are. What is uploaded or deleted meanwhile may or may not be in it:
no object store offers a moment that stands still.
"""

import contextlib
import hashlib
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
        _compare(entry, manifest.facts, _read(store, manifest, identities, folder))
        return manifest.facts, str(folder)

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
            for listed in self._list(name):
                try:
                    got = obstore.get(bucket, listed["path"])
                except FileNotFoundError:
                    # Deleted since it was listed.
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
    folder: Path | None,
) -> dict[str, BucketContent]:
    """Read every object back, into the folder if there is one; return what there was."""
    tallies = {name: Tally() for name in manifest.facts.buckets}

    def take(path: str, content: IO[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        with _file(folder, path) as file:
            for piece in pieces_of(content):
                digest.update(piece)
                size += len(piece)
                file.write(piece)
        tallies[path.partition("/")[0]].add(path, size, digest.hexdigest())

    with Untarring(take) as untarring:
        complaint = archive.read(store, manifest, identities, untarring)
    if complaint:
        error = UnreadableDumpError if folder is None else RestoreFailedError
        raise error(f"{manifest.object.name} can't be unpacked: {complaint}.")
    return _contents(tallies)


def _file(folder: Path | None, path: str) -> IO[bytes]:
    """A new file below the folder, whatever an object is called (CWE-22)."""
    if folder is None:
        return Path(os.devnull).open("wb")
    parts = PurePosixPath(path).parts
    if ".." in parts or path.startswith("/") or "\0" in path:
        raise ValueError(f"{path!r} is no name for a file")
    file = folder.joinpath(*parts)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return file.open("xb")


def _compare(entry: Entry, facts: BucketsFacts, found: Mapping[str, BucketContent]) -> None:
    differing = [name for name, content in facts.buckets.items() if found.get(name) != content]
    if differing:
        raise ContentDiffersError(
            f"{entry.name} was read, but it is not what was backed up: {', '.join(differing)}."
        )
