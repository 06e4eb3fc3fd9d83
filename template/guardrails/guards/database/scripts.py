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
_SHAPE = re.compile(r"\b(geometry|geography)\s*\(\s*[a-z]+\s*(?:,\s*\d+\s*)?\)", re.IGNORECASE)

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
    of whoever alters the schema next, which here may be a superuser."""
    return bool(_CONTROL.match(piece.text) or _EVENT_TRIGGER.match(piece.text))


def sent_text(piece: Piece) -> str:
    return _SHAPE.sub(r"\1", piece.text)


def send(connection: Connection, piece: Piece) -> None:
    query = sent_text(piece).encode("utf-8", "replace")
    if piece.data is None:
        connection.execute(query)
        return
    with connection.cursor().copy(query) as copy:
        copy.write(piece.data)
