"""What of a migration is sent to the server, and how."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg

from .lexer import Piece, split, unquote
from .model import Chain, Dialect, Migration

MOST_STATEMENTS = 50_000
_CONTROL = re.compile(
    r"(begin|commit|end|rollback|abort|savepoint|release|(start|prepare)\s+transaction)\b",
    re.IGNORECASE,
)
_NAME = r'(?:"(?:[^"]|"")+"|[a-z_][\w$]*)'
# Those of `extensions` are Supabase's own, which a dump holds, too.
_EVENT_TRIGGER = re.compile(
    rf"""\bcreate\s+event\s+trigger\s+(?P<name>{_NAME})
    \s+on\s+(?P<event>ddl_command_start|ddl_command_end|sql_drop|table_rewrite)
    (?:\s+when\s+tag\s+in\s*\((?P<tags>[^()]*)\))?
    \s+execute\s+(?:function|procedure)
    \s+(?!"?extensions\b)(?P<function>(?:{_NAME}\s*\.\s*)?{_NAME})\s*\(\s*\)""",
    re.VERBOSE | re.IGNORECASE,
)
_FOREIGN_EVENT_TRIGGER = re.compile(
    r"(create\s+event\s+trigger\b"
    r"|alter\s+event\s+trigger\b.*\bowner\s+to\b"
    r"|(alter|drop)\s+event\s+trigger\s+(if\s+exists\s+)?\"?(issue_|pgrst_))",
    re.IGNORECASE | re.DOTALL,
)
_WRAPPER = re.compile(r"create\s+foreign\s+data\s+wrapper\s+\w+_wrapper\b", re.IGNORECASE)
# What Supabase's server can do for its role `postgres`, and this one can't: shapes with a kind,
# collations of ICU, publications of whatever is there.
_SHAPE = re.compile(r"\b(geometry|geography)\s*\(\s*[a-z]+\s*(?:,\s*\d+\s*)?\)", re.IGNORECASE)
_COLLATION = re.compile(
    r"(\bcreate\s+collation\s+(?:if\s+not\s+exists\s+)?[\w.\"-]+\s*)\([^()]*\bicu\b[^()]*\)",
    re.IGNORECASE,
)
_PUBLICATION = re.compile(
    r"(\bcreate\s+publication\s+[\w\"]+)\s+for\s+(?:all\s+tables|tables\s+in\s+schema\s+[\w\",\s]+?)"
    r"(?=\s*(?:;|$|\bwith\b))",
    re.IGNORECASE,
)
_PUBLISHED_SCHEMA = re.compile(
    r"(\balter\s+publication\s+[\w\"]+)\s+(?:add|set|drop)\s+tables\s+in\s+schema\s+[\w\",\s]+"
    r"(?=;|$)",
    re.IGNORECASE,
)

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass
class Script:
    """A file of the chain with the numbers of its statements, which count through the chain."""

    migration: Migration
    pieces: dict[int, Piece] = field(default_factory=dict)
    dropped: int = 0
    alone: bool = False
    """Its one statement is sent without a transaction, as Prisma does."""


def scripts_of(chain: Chain, texts: Mapping[str, str]) -> list[Script]:
    scripts = []
    number = 0
    for migration in chain.files:
        script = Script(migration)
        for piece in split(texts.get(migration.path, "")):
            number += 1
            if number <= MOST_STATEMENTS:
                script.pieces[number] = piece
            else:
                script.dropped += 1
        script.alone = chain.dialect is Dialect.PRISMA and len(script.pieces) == 1
        scripts.append(script)
    return scripts


def passed_over(piece: Piece) -> bool:
    """A file is one transaction here whatever it says; Supabase's own event triggers, and its
    wrappers of foreign data, come with what it provides."""
    if _EVENT_TRIGGER.match(piece.text):
        return False
    return any(found.match(piece.text) for found in (_CONTROL, _FOREIGN_EVENT_TRIGGER, _WRAPPER))


def sent_text(piece: Piece) -> str:
    text = _SHAPE.sub(r"\1", piece.text)
    text = _COLLATION.sub(r"\1(provider = builtin, locale = 'C.UTF-8')", text)
    text = _EVENT_TRIGGER.sub(_made_safely, text)
    text = _PUBLISHED_SCHEMA.sub(r"\1 set (publish_via_partition_root = false)", text)
    return _PUBLICATION.sub(r"\1", text)


def _made_safely(found: re.Match[str]) -> str:
    """The same through the shim, which lets it run with the rights of the project's role only."""
    tags = f"array[{found['tags']}]::text[]" if found["tags"] else "null"
    name = f"$name${unquote(found['name'])}$name$"
    event = f"$name${found['event'].lower()}$name$"
    function = f"$name${found['function']}()$name$::regprocedure"
    return f"call scratch_events.make({name}, {event}, {tags}, {function})"


def send(connection: Connection, piece: Piece) -> None:
    query = sent_text(piece).encode("utf-8", "replace")
    if piece.data is None:
        connection.execute(query)
        return
    with connection.cursor().copy(query) as copy:
        copy.write(piece.data)
