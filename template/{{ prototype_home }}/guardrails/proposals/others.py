"""Mends beside the tables' policies: own columns, functions, views, indexes."""

import re
from collections.abc import Iterator

from ..engine.finding import Severity
from ..guards.database.escalation import gains_in
from ..guards.database.examine import Acted
from ..guards.database.functions import callable_by_strangers, judged
from ..guards.database.gains import Gain
from ..guards.database.relations import Function, Reference, Table, View
from ..guards.database.stranger import ANON, USER
from .intent import Intent
from .model import Kind, Proposal
from .people import name_of, table_name
from .queries import Queries

_LONGEST_NAME = 63
_SHUT = "revoke select on {} from anon, authenticated;"
_WHY_PATH = (
    "They run with their owner's rights on the caller's search_path, who may put an object of "
    "the same name before the one that is meant (CWE-426)."
)
_WHY_INDEX = (
    "Without an index each delete or update of a row that others refer to reads the whole of "
    "their table. Building one stops writes to its table meanwhile: apply this in a quiet hour "
    "if a table has millions of rows."
)
_GUARD = """\
create or replace function {function}() returns trigger
    language plpgsql set search_path = pg_catalog, public as $guard$
begin
    -- The server's key and functions with their owner's rights still may.
    if current_user not in ('anon', 'authenticated'){unless} then
        return new;
    end if;
    if tg_op = 'UPDATE' and ({changed}) then
        raise insufficient_privilege using message = '{told}';
    end if;
    if tg_op = 'INSERT' and ({chosen}) then
        raise insufficient_privilege using message = '{told}';
    end if;
    return new;
end
$guard$;"""
_TRIGGER = """\
create trigger {name} before insert or update on {table}
    for each row execute function {function}();"""


def columns(acted: Acted, intent: Intent) -> Iterator[Proposal]:
    """A trigger where the owners of rows can give themselves a role, a plan or credit."""
    for table in acted.scene.relations.tables.values():
        if table.partition or not table.row_security or not acted.scene.ownership.owned(table):
            continue
        gains = gains_in(acted.scene, acted.stage, acted.seeder, table)
        if gains:
            yield _guarded(acted, table, gains, intent)


def _guarded(acted: Acted, table: Table, gains: list[Gain], intent: Intent) -> Proposal:
    names = list(dict.fromkeys(gain.column.name for gain in gains))
    function = f"{name_of(table.schema)}.{name_of(f'guard_{table.name}'[:_LONGEST_NAME])}"
    unless = f"\n        or {intent.admin.expression}" if intent.admin else ""
    said = ", ".join(names).replace("'", "''")
    guard = _GUARD.format(
        function=function,
        unless=unless,
        changed=" or ".join(f"new.{name_of(n)} is distinct from old.{name_of(n)}" for n in names),
        chosen=" or ".join(_chosen(acted, table, name) for name in names),
        told=f"{said} can only be set by the server",
    )
    trigger = _TRIGGER.format(
        name=name_of(f"guard_{table.name}"[:_LONGEST_NAME]),
        table=table_name(table),
        function=function,
    )
    shown = ", ".join(f"{gain.column.name} (to {gain.value})" for gain in gains)
    return Proposal(
        kind=Kind.COLUMNS,
        name=f"own_columns_{table.name}",
        subject=f"{table.schema}.{table.name}",
        why=(f"Users can set in rows of their own: {shown}.",),
        statements=(guard, trigger),
        tables=frozenset({table.relation}),
        columns=frozenset({table.relation}),
        decide=_writes_them(intent.queries, table, names) or _comes_along(gains),
    )


def _chosen(acted: Acted, table: Table, name: str) -> str:
    """Whether a new row says something else than a row that says nothing."""
    row = acted.stage.connection.execute(
        "select pg_catalog.pg_get_expr(adbin, adrelid) from pg_catalog.pg_attrdef d"
        " join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum"
        " where d.adrelid = %s and a.attname = %s",
        [table.oid, name],
    ).fetchone()
    default = str(row[0]) if row else "null"
    column = f"new.{name_of(name)}"
    if default == "null":
        return f"{column} is not null"
    return f"({column} is not null and {column} is distinct from {default})"


def _comes_along(gains: list[Gain]) -> str:
    """Columns that a new row can't do without: with the guard, users make no rows any more."""
    names = [
        gain.column.name
        for gain in gains
        if gain.how == "INSERT" and gain.column.not_null and not gain.column.has_default
    ]
    return f"every new row says {', '.join(names)}: let the server make the rows" if names else ""


def _writes_them(queries: Queries, table: Table, names: list[str]) -> str:
    """Pages that set the columns themselves, which is what the guard is against."""
    for query in queries.of(table.name):
        written = sorted(query.sent.keys & set(names))
        if written and query.operation in {"insert", "update", "upsert"} and not query.admin:
            return f"{query.place} sets {', '.join(written)}: move that to the server first"
    return ""


def execute(acted: Acted, intent: Intent) -> Iterator[Proposal]:
    """Functions that gave a stranger what is somebody else's: for the server, or for users."""
    for function in callable_by_strangers(acted.scene):
        finding = judged(acted.scene, acted.stage, function)
        if finding is None or (finding.severity or Severity.HIGH) < Severity.MEDIUM:
            continue
        yield _revoked(acted, intent, function, finding.message)


def _revoked(acted: Acted, intent: Intent, function: Function, why: str) -> Proposal:
    called = [q for q in intent.queries.of(function.name) if q.operation == "rpc"]
    used = _used_inside(acted, function)
    keep = "authenticated" in function.callers and (called or used)
    signature = signature_of(function)
    gone = ["public", "anon"] if keep else ["public", "anon", "authenticated"]
    left = ["authenticated", "service_role"] if keep else ["service_role"]
    decide = ""
    if keep and "anon" not in function.callers:
        where = called[0].place if called else used
        decide = f"every user can call it and {where} does: let it ask who is calling"
    note = "Pages call it, so users keep it: let it ask who is calling, too." if keep else ""
    return Proposal(
        kind=Kind.EXECUTE,
        name=f"execute_{function.name}",
        subject=f"{function.schema}.{function.name}",
        why=tuple(filter(None, (why.replace("`", ""), note))),
        statements=(
            f"revoke execute on function {signature} from {', '.join(gone)};",
            f"grant execute on function {signature} to {', '.join(left)};",
        ),
        functions=frozenset({function.oid}),
        decide=decide,
    )


def _used_inside(acted: Acted, function: Function) -> str:
    """A policy that calls it, for which its callers need the right."""
    word = re.compile(rf"\b{re.escape(function.name)}\(")
    for table in acted.scene.relations.tables.values():
        for policy in table.policies:
            if word.search(policy.using + policy.check):
                return f"policy “{policy.name}” on {table.name}"
    return ""


def signature_of(function: Function) -> str:
    types = ", ".join(kind for _, kind in function.arguments)
    return f"{name_of(function.schema)}.{name_of(function.name)}({types})"


def search_paths(acted: Acted) -> Iterator[Proposal]:
    """One for all of them: nobody gets at more or less by it."""
    loose = [f for f in acted.scene.relations.functions if f.definer and not f.fixed_path]
    if loose:
        statements = tuple(
            f"alter {_kind(acted, function)} {signature_of(function)}"
            f" set search_path = {_path(function)};"
            for function in loose
        )
        yield Proposal(
            kind=Kind.SEARCH_PATH,
            name="search_path",
            subject=f"{len(loose)} functions",
            why=(_WHY_PATH,),
            statements=statements,
            functions=frozenset(function.oid for function in loose),
            items=len(loose),
        )


def _kind(acted: Acted, function: Function) -> str:
    row = acted.stage.connection.execute(
        "select prokind = 'p' from pg_catalog.pg_proc where oid = %s", [function.oid]
    ).fetchone()
    return "procedure" if row and row[0] else "function"


def _path(function: Function) -> str:
    own = [] if function.schema == "public" else [name_of(function.schema)]
    return ", ".join([*own, "public", "extensions", "pg_temp"])


def views(acted: Acted) -> Iterator[Proposal]:
    """Views that show more than their tables would."""
    for view in acted.scene.relations.views:
        closed = _shut(acted, view)
        if not closed or (view.invoker and not view.materialized):
            continue
        name = f"{name_of(view.schema)}.{name_of(view.name)}"
        tables = ", ".join(table.name for table in closed)
        if view.materialized:
            statement = _SHUT.format(name)
            why = f"It keeps a copy of {tables}, whose policies nobody asks then."
        else:
            statement = f"alter view {name} set (security_invoker = true);"
            why = f"It reads {tables} with its owner's rights, past their row-level security."
        yield Proposal(
            kind=Kind.VIEWS,
            name=f"view_{view.name}",
            subject=f"{view.schema}.{view.name}",
            why=(why,),
            statements=(statement,),
            views=frozenset({(view.schema, view.name)}),
        )


def _shut(acted: Acted, view: View) -> list[Table]:
    scene = acted.scene
    bases = [scene.relations.tables.get(base) for base in view.bases]
    return [
        table
        for table in bases
        if table is not None
        and table.row_security
        and not all(scene.matrix.attempt(table, v, "SELECT").allowed for v in (ANON, USER))
    ]


def indexes(acted: Acted) -> Iterator[Proposal]:
    """One for all of them, for the same reason."""
    missing = [
        (table, key)
        for table in acted.scene.relations.tables.values()
        if not table.partition and acted.scene.known(table)
        for key in table.references
        if not key.indexed and key.target != ("auth", "users")
    ]
    by_columns = {(table.relation, key.columns): (table, key) for table, key in missing}
    if by_columns:
        yield Proposal(
            kind=Kind.INDEXES,
            name="indexes",
            subject=f"{len(by_columns)} foreign keys",
            why=(_WHY_INDEX,),
            statements=tuple(_index(table, key) for table, key in by_columns.values()),
            tables=frozenset(table.relation for table, _ in by_columns.values()),
            items=len(by_columns),
        )


def _index(table: Table, key: Reference) -> str:
    name = "_".join([table.name, *key.columns])[: _LONGEST_NAME - 4] + "_idx"
    columns_named = ", ".join(name_of(column) for column in key.columns)
    return (
        "-- squawk-ignore require-concurrent-index-creation\n"
        f"create index if not exists {name_of(name)} on {table_name(table)} ({columns_named});"
    )
