"""What a proposal is, and what came of trying it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..guards.database.relations import Relation
from ..matrix.model import Access, Door
from .rightful import Lost

_LONGEST = 120
Seat = tuple[Door, str]
"""A door and who stands before it."""
Picture = Mapping[Seat, Access]


class Kind(StrEnum):
    ROW_SECURITY = "row-level-security"
    POLICIES = "policies"
    COLUMNS = "own-columns"
    EXECUTE = "execute"
    VIEWS = "views"
    SEARCH_PATH = "search-path"
    INDEXES = "indexes"


TITLES = {
    Kind.ROW_SECURITY: "Row-level security where there is none",
    Kind.POLICIES: "Policies that let in only those whose rows they are",
    Kind.COLUMNS: "Columns that users must not set for themselves",
    Kind.EXECUTE: "Functions that strangers should not call",
    Kind.VIEWS: "Views that ask who is looking",
    Kind.SEARCH_PATH: "A fixed search_path for functions with their owner's rights",
    Kind.INDEXES: "Indexes on foreign keys",
}
NARROWS = frozenset({Kind.ROW_SECURITY, Kind.POLICIES, Kind.COLUMNS, Kind.EXECUTE, Kind.VIEWS})
"""What has to let in fewer strangers than before; the others must change nothing for anybody."""


@dataclass(frozen=True)
class Proposal:
    """`name` becomes the file's; `why` is for whoever reviews it."""

    kind: Kind
    name: str
    subject: str
    """What it is about: `public.orders`."""
    why: tuple[str, ...]
    statements: tuple[str, ...]
    tables: frozenset[Relation] = frozenset()
    views: frozenset[Relation] = frozenset()
    functions: frozenset[int] = frozenset()
    columns: frozenset[Relation] = frozenset()
    """Tables whose owners' own gains are looked at."""
    items: int = 1
    decide: str = ""
    """What only a person can decide, whatever a trial says."""
    softer: Callable[[list[Lost]], "Proposal | None"] | None = None
    """Something milder, given what this one takes from the prototype."""

    @property
    def file(self) -> str:
        """A name for a file: a table may be called `../x` (CWE-22)."""
        return re.sub(r"[^A-Za-z0-9_-]+", "_", self.name)[:_LONGEST] + ".sql"


@dataclass(frozen=True)
class Tried:
    """A proposal, the matrix before and after it, and what the prototype would lose."""

    proposal: Proposal
    before: Picture = field(default_factory=dict)
    after: Picture = field(default_factory=dict)
    ran: int = 0
    """How many of the prototype's own queries were run before and after."""
    lost: tuple[Lost, ...] = ()
    why_not: str = ""

    @property
    def ready(self) -> bool:
        return not (self.lost or self.why_not or self.proposal.decide)
