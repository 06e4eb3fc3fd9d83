"""What Alembic does not compare: check and exclusion constraints, and what an index covers.

PostgreSQL writes an expression in its own way, so it is asked how it writes the models', too: in
the scratch database their tables take the place of the migrated ones, and are rolled back.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate import renderers
from alembic.operations import ops
from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import Connection, MetaData, text

from .revisions import Revisions

TABLES = text("""
select oid::regclass::text from pg_class
    where oid = any(array(select to_regclass(name) from unnest(cast(:names as text[])) as name))
        and relkind in ('r', 'p')
""")

# Whether a constraint was validated is not what it says.
PARTS = text("""
select 'constraint', conrelid::regclass::text, quote_ident(conname),
        regexp_replace(pg_get_constraintdef(oid), ' NOT VALID$', '')
    from pg_constraint
    where contype in ('c', 'x') and conrelid = any(cast(:tables as regclass[]))
union all
select 'index', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    from pg_index
    where indrelid = any(cast(:tables as regclass[])) and not exists (
        select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x')
    )
""")


@dataclass(frozen=True)
class Part:
    """A constraint or an index, as PostgreSQL tells it."""

    kind: str
    table: str
    name: str
    definition: str

    @property
    def creation(self) -> str:
        if self.kind == "index":
            return self.definition
        # Old rows are not looked at while the table is locked.
        late = " NOT VALID" if self.definition.startswith("CHECK") else ""
        return f"alter table {self.table} add constraint {self.name} {self.definition}{late}"

    @property
    def removal(self) -> str:
        if self.kind == "index":
            return f"drop index {self.name}"
        return f"alter table {self.table} drop constraint {self.name}"


@dataclass(frozen=True)
class Drift:
    """What a migrated database has, or None, and what the models want in its place, or None."""

    has: Part | None
    wanted: Part | None

    @property
    def part(self) -> Part:
        part = self.wanted or self.has
        assert part is not None
        return part

    def __str__(self) -> str:
        part = self.part
        place = f"{part.kind} {part.name} of {part.table}"
        if self.has and self.wanted:
            return f"modify {place} from `{self.has.definition}` to `{self.wanted.definition}`"
        return f"{'add' if self.wanted else 'drop'} {place}: `{part.definition}`"


def drift_of(revisions: Revisions) -> list[Drift]:
    """Compare the database that DATABASE_URL names, which is a scratch one, with the models."""
    found: list[Drift] = []

    def look(_: object, context: Any) -> list[Any]:
        found.extend(compare(context.connection, context.opts["target_metadata"]))
        return []

    with EnvironmentContext(revisions.config, revisions.directory, fn=look):
        revisions.directory.run_env()
    return found


def compare(connection: Connection, metadata: MetaData) -> list[Drift]:
    """The differences in the tables that both sides have.

    A table or an index that one side lacks is Alembic's to say.
    """
    quote = connection.dialect.identifier_preparer.format_table
    names = [quote(table) for table in metadata.sorted_tables]
    tables = list(connection.scalars(TABLES, {"names": names}))
    if not tables:
        return []
    migrated = _parts(connection, tables)
    with connection.begin_nested() as savepoint:
        connection.execute(text(f"drop table {', '.join(tables)} cascade"))
        metadata.create_all(connection)
        modelled = _parts(connection, tables)
        savepoint.rollback()
    pairs = {key: (migrated.get(key), modelled.get(key)) for key in migrated | modelled}
    return [
        Drift(has, wanted)
        for (kind, *_), (has, wanted) in sorted(pairs.items())
        if has != wanted and (kind == "constraint" or (has and wanted))
    ]


def _parts(connection: Connection, tables: list[str]) -> dict[tuple[str, str, str], Part]:
    parts = [Part(*row) for row in connection.execute(PARTS, {"tables": tables})]
    return {(part.kind, part.table, part.name): part for part in parts}


def write_down(found: Iterable[Drift], script: Any) -> None:
    """Into the revision that Alembic is about to write, round what it found by itself.

    A column takes its constraints with it, so they go first and come last.
    """
    for drift in found:
        for steps, old, new in (
            (script.upgrade_ops.ops, drift.has, drift.wanted),
            (script.downgrade_ops.ops, drift.wanted, drift.has),
        ):
            if old:
                steps.insert(0, _execute(old.removal))
            if new:
                steps.append(_execute(new.creation))


class Statement(ops.ExecuteSQLOp):
    """Written on as many lines as the formatter would leave it."""


def _execute(statement: str) -> Statement:
    # SQLAlchemy takes `:name` for a parameter.
    return Statement(re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", statement))


@renderers.dispatch_for(Statement)
def _render(_context: Any, step: Statement) -> str:
    lines = re.findall(r".{1,80}(?:\s+|$)|\S+\s*", str(step.sqltext))
    written = "\n".join(map(repr, lines))
    return f"op.execute({written})"
