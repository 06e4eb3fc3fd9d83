"""The replayed database's structure, read from its catalogue once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composable, Identifier

Relation = tuple[str, str]
"""A schema and a name in it."""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    base: str
    """The type's own name below domains and arrays: `int4`, `text`, an enum's name."""
    category: str
    """PostgreSQL's type category: N number, S text, B boolean, D time, E enum, A array, …"""
    not_null: bool
    has_default: bool
    generated: bool
    """Computed, or an identity that takes no value."""
    labels: tuple[str, ...] = ()
    length: int | None = None
    default: str = ""
    """The text that stands there when nobody says anything; empty where it is worked out."""


@dataclass(frozen=True)
class Reference:
    """A foreign key."""

    name: str
    columns: tuple[str, ...]
    target: Relation
    target_columns: tuple[str, ...]
    indexed: bool


@dataclass(frozen=True)
class Policy:
    name: str
    command: str
    """`SELECT`, `INSERT`, `UPDATE`, `DELETE` or `ALL`."""
    permissive: bool
    roles: tuple[str, ...]
    using: str
    check: str

    def applies(self, command: str, role: str) -> bool:
        return self.command in {command, "ALL"} and bool({"public", role} & set(self.roles))


@dataclass(frozen=True)
class Table:
    oid: int
    schema: str
    name: str
    row_security: bool
    columns: tuple[Column, ...] = ()
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    """Name and text of each, those of its columns' domains among them."""
    references: tuple[Reference, ...] = ()
    policies: tuple[Policy, ...] = ()
    within: Relation | None = None
    """What it is a partition of."""
    parted_by: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    """Of its partitions."""

    @property
    def partition(self) -> bool:
        return self.within is not None

    @property
    def relation(self) -> Relation:
        return (self.schema, self.name)

    @property
    def sql(self) -> Composable:
        return Identifier(self.schema, self.name)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def reference(self, column: str) -> Reference | None:
        """The foreign key that this column is part of, single columns first."""
        mine = [key for key in self.references if column in key.columns]
        return min(mine, key=lambda key: len(key.columns), default=None)


@dataclass(frozen=True)
class View:
    schema: str
    name: str
    invoker: bool
    bases: tuple[Relation, ...]
    materialized: bool = False

    @property
    def sql(self) -> Composable:
        return Identifier(self.schema, self.name)


@dataclass(frozen=True)
class Function:
    oid: int
    schema: str
    name: str
    arguments: tuple[tuple[str, str], ...]
    """Names and types of what has to be passed."""
    required: int
    returns: str
    definer: bool
    fixed_path: bool
    writes: bool
    """Not declared stable or immutable."""
    body: str
    callers: tuple[str, ...]
    variadic: bool = False


@dataclass(frozen=True)
class Relations:
    tables: dict[Relation, Table] = field(default_factory=dict)
    views: tuple[View, ...] = ()
    functions: tuple[Function, ...] = ()


def read(connection: Connection[Any], schemas: Sequence[str]) -> Relations:
    """What these schemas hold."""
    wanted = {"schemas": list(schemas)}
    oids: dict[int, dict[str, Any]] = {}
    for row in _rows(connection, _TABLES, wanted):
        oids[row.pop("oid")] = row
    parts: dict[str, dict[int, list[Any]]] = {
        "columns": _grouped(_rows(connection, _COLUMNS, wanted), _column),
        "references": _grouped(_rows(connection, _REFERENCES, wanted), _reference),
        "policies": _grouped(_rows(connection, _POLICIES, wanted), _policy),
    }
    tables = [
        Table(
            oid=oid,
            schema=row["schema"],
            name=row["name"],
            row_security=row["row_security"],
            within=tuple(row["within"]) if row["within"] else None,
            parted_by=tuple(row["parted_by"] or ()),
            bounds=tuple(row["bounds"] or ()),
            key=tuple(row["key"] or ()),
            unique=tuple(tuple(columns) for columns in row["uniques"] or ()),
            checks=tuple((name, text) for name, text in row["checks"] or ()),
            **{part: tuple(found.get(oid, ())) for part, found in parts.items()},
        )
        for oid, row in oids.items()
    ]
    return Relations(
        tables={table.relation: table for table in tables},
        views=tuple(_view(row) for row in _rows(connection, _VIEWS, wanted)),
        functions=tuple(_function(row) for row in _rows(connection, _FUNCTIONS, wanted)),
    )


def _rows(connection: Connection[Any], query: SQL, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, wanted).fetchall()


def _grouped(rows: Iterable[dict[str, Any]], build: Any) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.pop("oid"), []).append(build(row))
    return grouped


def _column(row: dict[str, Any]) -> Column:
    return Column(**row | {"labels": tuple(row["labels"] or ())})


def _reference(row: dict[str, Any]) -> Reference:
    return Reference(
        name=row["name"],
        columns=tuple(row["columns"]),
        target=(row["target_schema"], row["target_name"]),
        target_columns=tuple(row["target_columns"]),
        indexed=row["indexed"],
    )


def _policy(row: dict[str, Any]) -> Policy:
    return Policy(**row | {"roles": tuple(row["roles"])})


def _view(row: dict[str, Any]) -> View:
    bases = tuple((schema, name) for schema, name in row.pop("bases") or ())
    return View(bases=bases, **row)


def _function(row: dict[str, Any]) -> Function:
    names = row.pop("names") or []
    types = row.pop("types") or []
    arguments = tuple(zip([*names, *[""] * (len(types) - len(names))], types, strict=False))
    return Function(arguments=arguments, **row | {"callers": tuple(row["callers"] or ())})


# What an extension brought (a dependency of type e) is not the project's.
_TABLES = SQL(
    """
    select c.oid::int8 as oid, n.nspname as schema, c.relname as name,
        c.relrowsecurity as row_security,
        (select array[pn.nspname::text, p.relname::text] from pg_inherits i
            join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
            where i.inhrelid = c.oid and c.relispartition) as within,
        (select array_agg(a.attname::text order by k.n) from pg_partitioned_table t,
            unnest(t.partattrs::int2[]) with ordinality k(attnum, n), pg_attribute a
            where t.partrelid = c.oid and a.attrelid = c.oid and a.attnum = k.attnum) as parted_by,
        (select array_agg(pg_get_expr(p.relpartbound, p.oid) order by p.relname) from pg_inherits i
            join pg_class p on p.oid = i.inhrelid
            where i.inhparent = c.oid and p.relispartition) as bounds,
        (select array_agg(a.attname::text order by k.n) from pg_index i,
            unnest(i.indkey::int2[]) with ordinality k(attnum, n), pg_attribute a
            where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid
            and a.attnum = k.attnum) as key,
        (select jsonb_agg((select jsonb_agg(a.attname order by k.n)
            from unnest(i.indkey::int2[]) with ordinality k(attnum, n), pg_attribute a
            where a.attrelid = c.oid and a.attnum = k.attnum))
            from pg_index i where i.indrelid = c.oid and i.indisunique
            and i.indpred is null and i.indexprs is null) as uniques,
        (select jsonb_agg(jsonb_build_array(found.name, found.text)) from (
            select k.conname as name, pg_get_constraintdef(k.oid) as text from pg_constraint k
                where k.conrelid = c.oid and k.contype = 'c'
            union all select k.conname, replace(pg_get_constraintdef(k.oid), 'VALUE', a.attname)
                from pg_attribute a join pg_constraint k on k.contypid = a.atttypid
                where a.attrelid = c.oid and a.attnum > 0 and k.contype = 'c') found) as checks
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname = any(%(schemas)s)
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    order by n.nspname, c.relname
    """
)

_COLUMNS = SQL(
    """
    select c.oid::int8 as oid, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
        case when b.typcategory = 'A' then e.typname else b.typname end as base,
        b.typcategory::text as category,
        a.attnotnull or t.typnotnull as not_null,
        a.atthasdef or a.attidentity <> '' or t.typdefault is not null as has_default,
        a.attgenerated <> '' or a.attidentity = 'a' as generated,
        (select array_agg(l.enumlabel::text order by l.enumsortorder) from pg_enum l
            where l.enumtypid = coalesce(e.oid, b.oid)) as labels,
        case when b.typname in ('varchar', 'bpchar') and a.atttypmod > 4
            then a.atttypmod - 4 end as length,
        coalesce((select substring(pg_get_expr(d.adbin, d.adrelid) from '^''([^'']*)''(?:::|$)')
            from pg_attrdef d where d.adrelid = c.oid and d.adnum = a.attnum), '') as default
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
    left join pg_type e on e.oid = b.typelem and b.typcategory = 'A'
    where c.relkind in ('r', 'p') and n.nspname = any(%(schemas)s)
    order by c.oid, a.attnum
    """
)

_REFERENCES = SQL(
    """
    select c.oid::int8 as oid, k.conname as name, tn.nspname as target_schema,
        t.relname as target_name,
        (select array_agg(a.attname::text order by p.n)
            from unnest(k.conkey) with ordinality p(attnum, n), pg_attribute a
            where a.attrelid = k.conrelid and a.attnum = p.attnum) as columns,
        (select array_agg(a.attname::text order by p.n)
            from unnest(k.confkey) with ordinality p(attnum, n), pg_attribute a
            where a.attrelid = k.confrelid and a.attnum = p.attnum) as target_columns,
        exists (select from pg_index i where i.indrelid = k.conrelid
            and (i.indpred is null
                or pg_get_expr(i.indpred, i.indrelid) ilike '%%is not null%%')
            and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey) as indexed
    from pg_constraint k join pg_class c on c.oid = k.conrelid
    join pg_namespace n on n.oid = c.relnamespace
    join pg_class t on t.oid = k.confrelid join pg_namespace tn on tn.oid = t.relnamespace
    where k.contype = 'f' and k.conparentid = 0 and n.nspname = any(%(schemas)s)
    order by c.oid, k.oid
    """
)

_POLICIES = SQL(
    """
    select c.oid::int8 as oid, p.polname as name, p.polpermissive as permissive,
        case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE'
            when 'd' then 'DELETE' else 'ALL' end as command,
        (select array_agg(coalesce(r.rolname::text, 'public')) from unnest(p.polroles) o(oid)
            left join pg_roles r on r.oid = o.oid) as roles,
        coalesce(pg_get_expr(p.polqual, p.polrelid), '') as using,
        coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as check
    from pg_policy p join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace where n.nspname = any(%(schemas)s)
    order by c.oid, p.polname
    """
)

_VIEWS = SQL(
    """
    select n.nspname as schema, c.relname as name, c.relkind = 'm' as materialized,
        coalesce(array_to_string(c.reloptions, ',') ~* 'security_invoker=(true|on|1|yes)', false)
            as invoker,
        (select jsonb_agg(distinct jsonb_build_array(bn.nspname, b.relname))
            from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass
            and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
            join pg_class b on b.oid = d.refobjid and b.relkind in ('r', 'p')
            join pg_namespace bn on bn.oid = b.relnamespace
            where w.ev_class = c.oid) as bases
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('v', 'm') and n.nspname = any(%(schemas)s)
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    order by n.nspname, c.relname
    """
)

_FUNCTIONS = SQL(
    """
    select p.oid::int8 as oid, n.nspname as schema, p.proname as name,
        p.proargnames[1:p.pronargs] as names,
        (select array_agg(format_type(a.oid, null) order by a.n)
            from unnest(p.proargtypes::oid[]) with ordinality a(oid, n)) as types,
        p.pronargs - p.pronargdefaults as required, format_type(p.prorettype, null) as returns,
        p.prosecdef as definer, p.provolatile = 'v' as writes,
        p.provariadic <> 0 as variadic,
        coalesce(array_to_string(p.proconfig, ',') ~* '(^|,)search_path=', false) as fixed_path,
        coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body,
        (select array_agg(r.rolname::text order by r.rolname) from pg_roles r
            where r.rolname in ('anon', 'authenticated')
            and has_function_privilege(r.oid, p.oid, 'execute')) as callers
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prokind in ('f', 'p') and n.nspname = any(%(schemas)s)
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    order by n.nspname, p.proname, p.oid
    """
)
