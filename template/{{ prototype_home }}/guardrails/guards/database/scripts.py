"""What of a migration is sent to the server, and how."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg

from .lexer import Piece, split
from .model import Chain, Migration

MOST_STATEMENTS = 50_000
_CONTROL = re.compile(
    r"(begin|commit|end|rollback|abort|savepoint|release|(start|prepare)\s+transaction)\b",
    re.IGNORECASE,
)
_EVENT_TRIGGER = re.compile(r"(create|alter|drop)\s+event\s+trigger\b", re.IGNORECASE)
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

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass
class Script:
    """A file of the chain with the numbers of its statements, which count through the chain."""

    migration: Migration
    pieces: dict[int, Piece] = field(default_factory=dict)


def scripts_of(chain: Chain, texts: Mapping[str, str]) -> list[Script]:
    scripts = []
    number = 0
    for migration in chain.files:
        script = Script(migration)
        for piece in split(texts.get(migration.path, "")):
            number += 1
            if number <= MOST_STATEMENTS:
                script.pieces[number] = piece
        scripts.append(script)
    return scripts


def passed_over(piece: Piece) -> bool:
    """A file is one transaction here whatever it says; an event trigger would run with the rights
    of whoever alters the schema next, which here may be a superuser; Supabase's wrappers of
    foreign data come with their extension."""
    return any(found.match(piece.text) for found in (_CONTROL, _EVENT_TRIGGER, _WRAPPER))


def sent_text(piece: Piece) -> str:
    text = _SHAPE.sub(r"\1", piece.text)
    text = _COLLATION.sub(r"\1(provider = builtin, locale = 'C.UTF-8')", text)
    return _PUBLICATION.sub(r"\1", text)


def send(connection: Connection, piece: Piece) -> None:
    query = sent_text(piece).encode("utf-8", "replace")
    if piece.data is None:
        connection.execute(query)
        return
    with connection.cursor().copy(query) as copy:
        copy.write(piece.data)
