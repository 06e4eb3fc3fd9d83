"""Which statement made what: read from the notes that the server took while it replayed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg

from ...engine.finding import Place
from .lexer import Piece
from .model import ObjectKey

Connection = psycopg.Connection[tuple[object, ...]]

_NOTED = """
with latest as (
    select classid, objid, min(at) as first, max(at) as last
    from scratch_record.events
    where at > 0 and tag not in ('GRANT', 'REVOKE', 'COMMENT', 'ALTER DEFAULT PRIVILEGES')
    group by 1, 2
)
select case relkind when 'v' then 'view' when 'm' then 'view' when 'i' then 'index'
        when 'S' then 'sequence' else 'table' end,
    nspname::text, relname::text, case when relkind in ('v', 'm') then last else first end
from latest join pg_class on oid = objid join pg_namespace n on n.oid = relnamespace
where classid = 'pg_class'::regclass
union all
select 'policy', nspname::text, relname || '.' || polname, last
from latest join pg_policy p on p.oid = objid join pg_class c on c.oid = polrelid
    join pg_namespace n on n.oid = relnamespace
where classid = 'pg_policy'::regclass
union all
select 'trigger', nspname::text, relname || '.' || tgname, last
from latest join pg_trigger t on t.oid = objid join pg_class c on c.oid = tgrelid
    join pg_namespace n on n.oid = relnamespace
where classid = 'pg_trigger'::regclass
union all
select 'function', nspname::text, proname || '(' || coalesce((
        select string_agg(format_type(t, null), ', ' order by o)
        from unnest(proargtypes) with ordinality as a (t, o)), '') || ')', last
from latest join pg_proc p on p.oid = objid join pg_namespace n on n.oid = pronamespace
where classid = 'pg_proc'::regclass
union all
select 'type', nspname::text, typname::text, last
from latest join pg_type t on t.oid = objid join pg_namespace n on n.oid = typnamespace
where classid = 'pg_type'::regclass
union all
select 'rls', nspname::text, relname::text, at
from scratch_record.security s join pg_class c on c.oid = relid
    join pg_namespace n on n.oid = relnamespace
where at > 0 and enabled
"""
_COLUMNS = """
select nspname::text, relname::text, attname::text, at
from scratch_record.columns s join pg_attribute a on a.attrelid = relid and a.attnum = s.attnum
    join pg_class c on c.oid = relid join pg_namespace n on n.oid = relnamespace
where at > 0 and not attisdropped
"""
_CONSTRAINTS = """
select nspname::text, relname::text, conname::text, at,
    coalesce((select attname::text from pg_attribute where attrelid = conrelid
        and attnum = conkey[1]), '')
from scratch_record.constraints s join pg_constraint k on k.oid = s.oid
    join pg_class c on c.oid = conrelid join pg_namespace n on n.oid = relnamespace
where at > 0
"""


_MEMBER = re.compile(
    r"^[ \t(]*(?:add\s+column\s+(?:if\s+not\s+exists\s+)?|(?:add\s+)?constraint\s+)?"
    r'"?([\w$]+)"?(?=[\s,])',
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Recorded:
    """The chain's statements by number."""

    pieces: Mapping[int, tuple[str, Piece]]
    _members: dict[int, dict[str, int]] = field(default_factory=dict)

    def place(self, number: int, symbol: str, *words: str) -> Place:
        """The statement, or the line in it that begins with one of the words."""
        if number not in self.pieces:
            return Place()
        path, piece = self.pieces[number]
        for word in words:
            offset = self._lines(number, piece).get(word.lower())
            if offset is not None:
                snippet = piece.text.splitlines()[offset].strip()[:200]
                return Place(path, piece.line + offset, piece.line + offset, snippet, symbol)
        snippet = piece.text.partition("\n")[0][:200]
        return Place(path, piece.line, piece.end_line, snippet, symbol)

    def _lines(self, number: int, piece: Piece) -> dict[str, int]:
        """The word that each line begins with, and the line's offset in the statement."""
        if number not in self._members:
            known: dict[str, int] = {}
            for found in _MEMBER.finditer(piece.text):
                known.setdefault(found[1].lower(), piece.text.count("\n", 0, found.start(1)))
            self._members[number] = known
        return self._members[number]


def read_provenance(connection: Connection, recorded: Recorded) -> dict[ObjectKey, Place]:
    places: dict[ObjectKey, Place] = {}
    connection.execute("set search_path = pg_catalog, public")
    for kind, schema, name, at in connection.execute(_NOTED).fetchall():
        places[str(kind), str(schema), str(name)] = recorded.place(_number(at), str(name))
    for schema, table, column, at in connection.execute(_COLUMNS).fetchall():
        name = f"{table}.{column}"
        places["column", str(schema), name] = recorded.place(_number(at), name, str(column))
    for schema, table, key, at, column in connection.execute(_CONSTRAINTS).fetchall():
        name = f"{table}.{key}"
        place = recorded.place(_number(at), name, str(key), str(column))
        places["constraint", str(schema), name] = place
    connection.execute("set search_path = pg_catalog")
    buckets = connection.execute("select id from storage.buckets").fetchall()
    for (bucket,) in buckets:
        if at := _bucket(str(bucket), recorded):
            places["bucket", "storage", str(bucket)] = recorded.place(at, str(bucket))
    return places


def _number(at: object) -> int:
    return at if isinstance(at, int) else 0


def _bucket(name: str, recorded: Recorded) -> int:
    for number, (_, piece) in reversed(list(recorded.pieces.items())):
        if "storage.buckets" in piece.text and f"'{name}'" in piece.text:
            return number
    return 0
