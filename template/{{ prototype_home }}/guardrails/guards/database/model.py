"""What the replay of a chain of migrations hands to whoever looks at the resulting database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ...engine.finding import Evidence, Place


class Dialect(StrEnum):
    """Whose rules a chain follows."""

    SUPABASE = "supabase"
    PRISMA = "prisma"
    DRIZZLE = "drizzle"
    PLAIN = "plain"


@dataclass(frozen=True)
class Migration:
    """One file of a chain. `accepted` is whether its tool would run it at all."""

    path: str
    version: str
    accepted: bool = True

    @property
    def name(self) -> str:
        """What people call it: that of its folder, where each has one."""
        *_, folder, name = ["", *self.path.split("/")]
        return folder if name == "migration.sql" else name


@dataclass(frozen=True)
class Chain:
    """Migrations in the order of their tool. `types` are the generated types of the same app, if
    any; `beside` is what lies in its folder and its tool does not know."""

    dialect: Dialect
    folder: str
    files: tuple[Migration, ...]
    types: str | None = None
    beside: tuple[str, ...] = ()

    @property
    def skipped(self) -> tuple[Migration, ...]:
        return tuple(file for file in self.files if not file.accepted)


class Outcome(StrEnum):
    APPLIED = "applied"
    FAILED = "failed"
    CASCADE = "cascade"
    """It failed only because something before it did."""
    STOPPED = "stopped"
    """The watchdog ended it: it took too long or wrote too much."""
    LEFT = "left"
    """It was not tried: the budget was spent."""


@dataclass(frozen=True)
class Statement:
    """One statement of a migration and what became of it. `sql` is cut at 2,000 characters."""

    path: str
    line: int
    end_line: int
    sql: str
    outcome: Outcome = Outcome.APPLIED
    error: str = ""
    sqlstate: str = ""
    cause: str = ""
    """One of causes.Cause, for what failed by itself."""
    reason: str = ""
    """The same in plain words."""
    names: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        first = self.sql.strip().partition("\n")[0]
        return Place(self.path, self.line, self.end_line, snippet=first[:200])


ObjectKey = tuple[str, str, str]
"""Kind, schema, name: ("table", "public", "orders"), ("rls", "public", "orders"),
("column", "public", "orders.total"), ("constraint", "public", "orders.orders_pkey"),
("policy", "public", "orders.Anyone can read"), ("trigger", "public", "orders.touch"),
("index", "public", "orders_user_idx"), ("view", "public", "totals"),
("function", "public", "add_funds(uuid, numeric)") with identity arguments as
pg_get_function_identity_arguments has them without names (format_type of each, ", "),
("type", "public", "app_role"), ("bucket", "storage", "avatars")."""


@dataclass(frozen=True)
class Replay:
    """A database that holds what a chain makes, alive until the context that gave it ends.

    `provenance` names the statement that brought each object into its final state. `rebuilt`
    holds (schema, table) of what had to be completed from generated types: its row-level
    security and policies are unknown, and what rests on it is evidence REBUILT.
    """

    chain: Chain
    owner_url: str
    """As the role `postgres` of Supabase: owns everything, bypasses RLS, no superuser."""
    admin_url: str
    """As the superuser: reads of pg_catalog only. Whatever it inserts or evaluates would run the
    prototype's own triggers, defaults and operators with power over this host."""
    statements: tuple[Statement, ...] = ()
    provenance: Mapping[ObjectKey, Place] = field(default_factory=dict)
    rebuilt: frozenset[tuple[str, str]] = frozenset()
    notes: tuple[str, ...] = ()

    def place(self, kind: str, schema: str, name: str) -> Place:
        """Where it was made; the chain's folder when no statement is known to have made it."""
        known = self.provenance.get((kind, schema, name))
        return known or Place(self.chain.folder, symbol=name)

    def evidence(self, schema: str, table: str) -> Evidence:
        return Evidence.REBUILT if (schema, table) in self.rebuilt else Evidence.EXECUTED
