"""What a backup says of itself: written last, checked first."""

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import ManifestDamagedError

FORMAT = 1

VersionText = Annotated[str, Field(pattern=r"^\d+\.\d+$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableContent(_Frozen):
    """The rows of a table, whatever their order."""

    rows: int
    checksum: str


class Facts(_Frozen):
    """What was true of the data in the very moment that was backed up."""

    format: Literal[1] = 1
    service: str
    created_at: datetime

    @property
    def counts(self) -> dict[str, int]:
        """How much there was, in the words that a person would use."""
        raise NotImplementedError

    @property
    def records(self) -> int:
        """How much of it is somebody's data; an empty place has 0."""
        return sum(self.counts.values())

    def digest(self) -> str:
        canonical = json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True
        )
        return hashlib.sha256(canonical.encode()).hexdigest()


class DatabaseFacts(Facts):
    """What was true of the database in the very snapshot that was dumped."""

    database: str
    encoding: str
    server_version: VersionText
    pg_dump_version: VersionText
    migration_heads: tuple[str, ...]
    tables: dict[str, TableContent]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    @property
    def counts(self) -> dict[str, int]:
        return {"tables": len(self.tables), "rows": self.rows}

    @property
    def records(self) -> int:
        """The rows, but for what migrations note of themselves: a new database has those."""
        return self.rows - len(self.migration_heads)


class StoredObject(_Frozen):
    """The encrypted dump as it lies in the store."""

    name: str
    size: int
    sha256: str


FactsT = TypeVar("FactsT", bound=Facts)
DatabaseFactsT = TypeVar("DatabaseFactsT", bound=DatabaseFacts)


class Manifest(_Frozen, Generic[FactsT]):
    """The facts, their digest and the object that they describe.

    The digest is also sealed into the encrypted stream (`archive.seal`), where nobody can exchange
    it: a manifest that was edited, or that belongs to another backup, is found out on decryption.
    """

    facts: FactsT
    facts_sha256: str
    object: StoredObject

    @classmethod
    def of(cls, facts: FactsT, stored: StoredObject) -> Self:
        return cls(facts=facts, facts_sha256=facts.digest(), object=stored)

    def render(self) -> bytes:
        return (self.model_dump_json(indent=2) + "\n").encode()

    @classmethod
    def parse(cls, name: str, text: bytes) -> Self:
        try:
            document: Any = json.loads(text)
        except ValueError as error:
            raise ManifestDamagedError(
                f"The manifest of {name} is damaged: it is not JSON ({error})."
            ) from error
        written_as = _format_of(document)
        if isinstance(written_as, int) and written_as > FORMAT:
            raise ManifestDamagedError(
                f"{name} was written in format {written_as}, this service reads {FORMAT}. "
                "Restore it with the version of the service that wrote it, or a newer one."
            )
        try:
            manifest = cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ManifestDamagedError(
                f"The manifest of {name} is damaged: {place}: {first['msg']}."
            ) from error
        if manifest.facts.digest() != manifest.facts_sha256:
            raise ManifestDamagedError(
                f"The manifest of {name} is not as it was written: its digest does not fit."
            )
        return manifest


def _format_of(document: object) -> object:
    facts = document.get("facts") if isinstance(document, dict) else None
    return facts.get("format") if isinstance(facts, dict) else None
