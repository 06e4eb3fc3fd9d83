"""How a prototype makes its schema, and what a baseline of it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

FOLDER = "ops/prototype/migrations"


@dataclass(frozen=True)
class Prototype:
    """What is known of a prototype. `consent` is to its code being run; `python` is an interpreter
    that has its packages, where they need not be installed for it.
    """

    root: Path
    app: str = "."
    consent: bool = False
    database: str = "postgresql"
    """Or `sqlite`."""
    manager: str = ""
    entry: str = ""
    """`module:attribute` of a Python app."""
    home: str = "."
    ours: tuple[str, ...] = ()
    """Folders that an adoption put there, which are no part of the prototype."""
    python: str = ""

    @property
    def dialect(self) -> str:
        return "sqlite" if self.database == "sqlite" else "postgresql"

    @property
    def place(self) -> str:
        """Where the baseline goes."""
        return FOLDER if self.home == "." else f"{self.home}/{FOLDER}"


class State(StrEnum):
    DONE = "done"
    """There is a baseline, and it was shown to make the same schema."""
    NOT_NEEDED = "not needed"
    NOT_DONE = "not done"


@dataclass(frozen=True)
class Way:
    """`models`: modules that define tables; `scripts`: files of SQL; `literals`: SQL in code."""

    models: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    command: str = ""
    """What its own tool is asked with, for Prisma and Drizzle."""
    present: str = ""
    """Migrations that are there already."""


@dataclass(frozen=True)
class Schema:
    """The statements that make a schema, in order, and where they come from."""

    statements: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SchemaBaseline:
    """Files by path from the root of the repository, and what was seen of them."""

    state: State
    why: str
    files: Mapping[str, str] = field(default_factory=dict)
    proof: str = ""


class Broken(Exception):
    """The schema can't be made at all, or a tool is missing."""


class NotDone(Exception):
    """No baseline can be made; it says why and what to do."""
