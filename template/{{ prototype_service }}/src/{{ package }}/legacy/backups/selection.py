"""Which part of the prototype's database is backed up, and what a restore of it will need.

A database of Supabase's is full of what Supabase owns and makes anew in every project. Its data
that is the prototype's lies in `auth` (the users), `storage` (the list of files) and whatever
schemas the prototype made; only those are dumped. Any other PostgreSQL is dumped whole.
"""

from dataclasses import dataclass

import psycopg

from ...platform.backups.errors import NotReadyError
from ...platform.backups.manifest import DatabaseFacts

# Made by Supabase or by extensions, not by the prototype, and made again by them (as `supabase db
# dump` has it). The keys of `vault` never leave Supabase, so its rows could not be read anywhere.
_MADE_ELSEWHERE = (
    "_analytics", "_realtime", "_supavisor", "cron", "dbdev", "etl", "extensions", "graphql",
    "graphql_public", "net", "pgbouncer", "pgmq", "pgsodium", "pgsodium_masks", "pgtle", "realtime",
    "repack", "supabase_functions", "tiger", "tiger_data", "topology", "vault",
)  # fmt: skip
# Supabase keeps a table or two of these to itself; a restore does not need them.
_SHARED = frozenset({"auth", "storage", "supabase_migrations"})

_IS_SUPABASE = (
    "SELECT to_regclass('auth.users') IS NOT NULL AND to_regclass('storage.buckets') IS NOT NULL"
)
_SCHEMAS = """
    SELECT nspname FROM pg_namespace
    WHERE nspname <> 'information_schema' AND nspname !~ '^(pg_|_?timescaledb_)'
      AND nspname <> ALL (%s)
      AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_namespace'::regclass AND d.objid = pg_namespace.oid
          AND d.deptype = 'e')
    ORDER BY nspname
"""
_UNREADABLE = """
    SELECT n.nspname, c.relname, NOT has_schema_privilege(n.oid, 'USAGE')
        OR NOT has_table_privilege(c.oid, 'SELECT')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p', 'S')
      AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      AND (NOT has_schema_privilege(n.oid, 'USAGE') OR NOT has_table_privilege(c.oid, 'SELECT')
        OR row_security_active(c.oid))
    ORDER BY 1, 2
"""
_ROLES = """
    SELECT DISTINCT r.rolname
    FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_roles r ON r.oid = ANY (p.polroles)
    WHERE n.nspname = ANY (%s) ORDER BY 1
"""
# Those of which something is used that is not their own: a type, a function, a kind of index.
_EXTENSIONS = """
    SELECT DISTINCT e.extname, n.nspname
    FROM pg_depend used
    JOIN pg_depend member ON member.classid = used.refclassid AND member.objid = used.refobjid
      AND member.deptype = 'e' AND member.refclassid = 'pg_extension'::regclass
    JOIN pg_extension e ON e.oid = member.refobjid
    JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE used.deptype IN ('n', 'a') AND e.extname <> 'plpgsql' AND NOT EXISTS (
      SELECT FROM pg_depend own
      WHERE own.classid = used.classid AND own.objid = used.objid AND own.deptype = 'e')
    ORDER BY 1
"""
_ALL_EXTENSIONS = """
    SELECT e.extname, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname <> 'plpgsql' ORDER BY 1
"""


class PrototypeFacts(DatabaseFacts):
    """What was true of the prototype's database, and what it takes to restore it elsewhere."""

    schemas: tuple[str, ...]
    """Those that were dumped; none when all of the database was."""
    omitted: tuple[str, ...]
    """Tables that Supabase keeps to itself."""
    roles: tuple[str, ...]
    """Those that policies speak of."""
    extensions: dict[str, str]
    """Those that tables and functions use, with the schema of each."""


@dataclass(frozen=True, slots=True)
class Selection:
    schemas: tuple[str, ...]
    omitted: frozenset[tuple[str, str]]
    roles: tuple[str, ...]
    extensions: dict[str, str]

    def counts(self, schema: str, table: str) -> bool:
        return not self.schemas or (schema in self.schemas and (schema, table) not in self.omitted)

    @property
    def arguments(self) -> list[str]:
        """pg_dump's; extensions come along that live in a schema that does."""
        if not self.schemas:
            return []
        along = [name for name, schema in self.extensions.items() if schema in self.schemas]
        return [
            *(f"--schema={_quoted(schema)}" for schema in self.schemas),
            *(f"--extension={_quoted(name)}" for name in along),
            *(f"--exclude-table={_quoted(s)}.{_quoted(t)}" for s, t in sorted(self.omitted)),
        ]

    def facts(self, general: DatabaseFacts) -> PrototypeFacts:
        return PrototypeFacts(
            **general.model_dump(),
            schemas=self.schemas,
            omitted=tuple(f"{schema}.{table}" for schema, table in sorted(self.omitted)),
            roles=self.roles,
            extensions=self.extensions,
        )


def select(connection: psycopg.Connection) -> Selection:
    """Look at what is there, in the snapshot that is to be dumped.

    Raises:
        NotReadyError: the role can't read all of the prototype's own tables.
    """
    row = connection.execute(_IS_SUPABASE).fetchone()
    is_supabase = row == (True,)
    made_elsewhere = list(_MADE_ELSEWHERE) if is_supabase else []
    schemas = [name for (name,) in connection.execute(_SCHEMAS, (made_elsewhere,))]
    omitted = _unreadable(connection, schemas, _SHARED if is_supabase else frozenset())
    extensions = connection.execute(_EXTENSIONS if is_supabase else _ALL_EXTENSIONS)
    return Selection(
        schemas=tuple(schemas) if is_supabase else (),
        omitted=omitted,
        roles=tuple(name for (name,) in connection.execute(_ROLES, (schemas,))),
        extensions=dict(extensions.fetchall()),
    )


def _unreadable(
    connection: psycopg.Connection, schemas: list[str], shared: frozenset[str]
) -> frozenset[tuple[str, str]]:
    found = connection.execute(_UNREADABLE, (schemas,)).fetchall()
    own = [row for row in found if row[0] not in shared]
    if own:
        schema, table, not_granted = own[0]
        role = connection.info.user
        more = f" and {len(own) - 1} more" if len(own) > 1 else ""
        reason = (
            f"may not read {schema}.{table}{more}"
            if not_granted
            else f"would see some rows of {schema}.{table}{more} only, for row level security "
            "holds for it too"
        )
        raise NotReadyError(
            f"PROTOTYPE_DATABASE_URL: the role {role} {reason}. Use the role `postgres` of "
            f"Supabase, or as the owner: GRANT pg_read_all_data TO {role}; ALTER ROLE {role} "
            "BYPASSRLS."
        )
    return frozenset((schema, table) for schema, table, _ in found)


def _quoted(name: str) -> str:
    """A pattern of pg_dump's that means this name alone."""
    return '"' + name.replace('"', '""') + '"'
