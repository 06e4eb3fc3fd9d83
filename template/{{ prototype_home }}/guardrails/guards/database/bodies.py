"""Tables that functions name in their text although no such table exists after the replay."""

import re
from collections.abc import Iterator, Mapping

import psycopg

from ...engine.finding import Place
from .lexer import subject, unquote
from .model import Replay

Connection = psycopg.Connection[tuple[object, ...]]

_FUNCTIONS = """
select n.nspname::text, p.proname::text,
    p.proname || '(' || coalesce((select string_agg(format_type(t, null), ', ' order by o)
        from unnest(p.proargtypes) with ordinality as a (t, o)), '') || ')',
    p.prosrc, p.proargnames
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
where n.nspname = 'public' and l.lanname in ('sql', 'plpgsql')
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
"""
_RELATIONS = "select relname::text from pg_class where relkind in ('r', 'v', 'm', 'p', 'f')"
_NOISE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_NAME = r'(?:("(?:[^"]|"")+"|\w+)\s*\.\s*)?("(?:[^"]|"")+"|[a-z_]\w*+)'
_USE = re.compile(
    # What is called, as in `from unnest(…)`, is no table.
    rf"\b(?:from|join|update|delete\s+from)\s+(?:only\s+)?{_NAME}(?!\s*[(.])"
    rf"|\binsert\s+into\s+{_NAME}",
    re.IGNORECASE,
)
_LOCAL = re.compile(
    r'(?:\bwith(?:\s+recursive)?|,)\s*("?\w+"?)\s*(?:\([^)]*\)\s*)?as\s*(?:(?:not\s+)?materialized\s*)?\('
    r"|\btemp(?:orary)?\s+table\s+(?:if\s+not\s+exists\s+)?(\"?\w+\"?)",
    re.IGNORECASE,
)
_SPECIAL = re.compile(
    r"\b(?:extract|substring|trim|overlay|position|distinct)\s*\([^()]*(?:\([^()]*\))?[^()]*\)"
    r"|\bdistinct\s+from\b|\bfor\s+update\b|\bon\s+update\b|\bdo\s+update\b",
    re.IGNORECASE,
)
_TRANSITION = re.compile(r"\b(?:old|new)\s+table\s+(?:as\s+)?(\"?\w+\"?)", re.IGNORECASE)
"""What a trigger calls the rows that its statement touched."""
_WORDS = {"set", "select", "lateral", "of", "values", "where", "only", "unnest", "skip", "nowait"}


def absent_tables(replay: Replay, connection: Connection) -> dict[tuple[str, str], Place]:
    """By file and table: the first line of a function's text that names it."""
    known = {str(name) for (name,) in connection.execute(_RELATIONS).fetchall()}
    known -= {name for _, name in replay.rebuilt}
    known |= set(_attempted(replay))
    found: dict[tuple[str, str], Place] = {}
    for schema, _, identity, source, arguments in connection.execute(_FUNCTIONS).fetchall():
        place = replay.provenance.get(("function", str(schema), str(identity)))
        names = {str(name) for name in arguments} if isinstance(arguments, list) else set()
        if place is None:
            continue
        for name, offset in _uses(str(source), known | names).items():
            here = inside(replay, place, str(source), offset)
            key = (place.path, name)
            if key not in found or here.line < found[key].line:
                found[key] = here
    return found


def _attempted(replay: Replay) -> Iterator[str]:
    """What the chain means to make, whether that worked or not."""
    for statement in replay.statements:
        yield from map(unquote, _TRANSITION.findall(statement.sql))
        about = subject(statement.sql)
        if about and about.verb == "create" and about.kind != "function":
            yield about.name


def _uses(source: str, known: set[str]) -> Mapping[str, int]:
    quiet = _NOISE.sub(lambda part: re.sub(r"[^\n]", " ", part[0]), source)
    local = {
        unquote(name) for groups in _LOCAL.findall(quiet) for name in groups if name
    } | _declared(quiet)
    quiet = _SPECIAL.sub(lambda part: re.sub(r"[^\n]", " ", part[0]), quiet)
    uses: dict[str, int] = {}
    for found in _USE.finditer(quiet):
        schema, name = unquote(found[1] or found[3] or "public"), unquote(found[2] or found[4])
        if schema == "public" and name not in known | local and name.lower() not in _WORDS:
            uses.setdefault(name, source.count("\n", 0, found.end()))
    return uses


def _declared(source: str) -> set[str]:
    begin = re.search(r"\bbegin\b", source, re.IGNORECASE)
    head = source[: begin.start()] if begin else ""
    return {name.lower() for name in re.findall(r"^\s*(\w+)\s", head, re.MULTILINE)}


def inside(replay: Replay, place: Place, source: str, offset: int) -> Place:
    """The line in the file: the function's text begins after its opening dollar quote."""
    for statement in replay.statements:
        if statement.path == place.path and statement.line == place.line:
            begin = statement.sql.find(source[:80])
            if begin >= 0:
                line = statement.line + statement.sql.count("\n", 0, begin) + offset
                snippet = source.splitlines()[offset].strip()[:200]
                return Place(place.path, line, line, snippet, place.symbol)
    return place
