"""The difference between what a chain makes and what the types saw in the live database."""

from collections.abc import Iterator

import psycopg

from ...engine.finding import Evidence, Finding, Place
from .model import Replay
from .types_ts import Types

MOST_NAMES = 12

_COLUMNS = """
select c.relname::text, a.attname::text
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
    and not a.attisdropped
"""


def drift(
    replay: Replay, connection: "psycopg.Connection[tuple[object, ...]]", types: Types
) -> Iterator[Finding]:
    if not types.tables:
        return
    made: dict[str, set[str]] = {}
    for table, column in connection.execute(_COLUMNS).fetchall():
        made.setdefault(str(table), set()).add(str(column))
    rebuilt = {name for _, name in replay.rebuilt}
    only_types = sorted(name for name in types.tables if name not in made or name in rebuilt)
    only_chain = sorted(set(made) - set(types.tables) - rebuilt - set(types.views))
    columns = sorted(
        f"{name}.{column}"
        for name, table in types.tables.items()
        if name in made and name not in rebuilt
        for column in set(table.columns) ^ made[name]
    )
    parts = [
        _part("tables that only the live database has", only_types),
        _part("tables that only the migrations have", only_chain),
        _part("columns that only one side has", columns),
    ]
    if any(parts):
        yield Finding(
            "migrations.drift",
            Place(types.path, types.tables[only_types[0]].line if only_types else 1),
            f"The migrations don't make the database that the generated types describe: "
            f"{'; '.join(filter(None, parts))}.",
            evidence=Evidence.EXECUTED,
            detail={
                "only_types": only_types[:200],
                "only_chain": only_chain[:200],
                "columns": columns[:200],
            },
        )


def _part(what: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{len(names)} {what} ({', '.join(f'`{name}`' for name in names[:MOST_NAMES])}{more})"
