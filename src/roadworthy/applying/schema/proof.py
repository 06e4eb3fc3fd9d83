"""Make a schema as the prototype does and as the baseline does, and compare what came of it.

python -m roadworthy.applying.schema.proof SPECIFICATION   (JSON; the answer goes to its `answer`)
A PostgreSQL server is expected in DATABASE_URL: guardrails.postgres gives one for the while.
"""

import difflib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from .files import REVISION, write_baseline
from .model import Broken

_OF_THE_DUMP = re.compile(r"^(SET |SELECT pg_catalog\.set_config|\\|--)")
_MASTER = (
    "select type, name, tbl_name, sql from sqlite_master"
    " where name not like 'sqlite\\_%' escape '\\' and name <> 'alembic_version'"
    " and tbl_name <> 'alembic_version' and sql is not null order by rowid"
)
_MOST = 40


def main() -> int:
    specification = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        answer = prove(specification)
    except (Broken, psycopg.Error, sqlite3.Error, OSError) as error:
        answer = {"error": str(error).strip().partition("\n")[0]}
    Path(specification["answer"]).write_text(json.dumps(answer), encoding="utf-8")
    return 0


def prove(specification: dict[str, Any]) -> dict[str, Any]:
    folder = Path(specification["folder"])
    side: type[Side] = Sqlite if specification["dialect"] == "sqlite" else Postgres
    first, second = side("as_is", folder.parent), side("as_migrated", folder.parent)
    first.make(specification["statements"])
    written = first.dump()
    if not written.strip():
        raise Broken("the statements make nothing")
    write_baseline(folder, first.statements())
    tables = first.tables()
    # To stamp is what the README tells the owner of a live database to do.
    steps = [
        (second.url, "upgrade", "head"),
        (first.url, "stamp", REVISION),
        (first.url, "upgrade", "head"),
    ]
    _run(specification["python"], folder / "alembic.ini", steps)
    again = second.dump()
    return compared(first, written, again) | {"stamped": first.dump() == written, "tables": tables}


def compared(first: "Side", written: str, again: str) -> dict[str, Any]:
    """Two dumps, and of what."""
    difference = list(
        difflib.unified_diff(written.splitlines(), again.splitlines(), "as is", "baseline", n=1)
    )
    return {
        "same": written == again,
        "difference": difference[:_MOST],
        "tables": first.tables(),
        "lines": written.count("\n"),
        "with": first.version(),
    }


class Side(ABC):
    """A database of its own, made and described."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.open()

    url = ""

    @abstractmethod
    def open(self) -> None: ...

    @abstractmethod
    def make(self, statements: Sequence[str]) -> None: ...

    @abstractmethod
    def dump(self) -> str: ...

    @abstractmethod
    def statements(self) -> list[str]: ...

    @abstractmethod
    def tables(self) -> int: ...

    @abstractmethod
    def version(self) -> str: ...


class Postgres(Side):
    def open(self) -> None:
        base = os.environ["DATABASE_URL"]
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(self.name)))
        self.url = _at(base, self.name)

    def make(self, statements: Sequence[str]) -> None:
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def dump(self, without: str = "") -> str:
        tool = shutil.which("pg_dump")
        if tool is None:
            raise Broken("there is no pg_dump")
        options = ["--schema-only", "--no-owner", "--no-privileges"]
        options += ["--exclude-table=alembic_version", f"--dbname={self.url}"]
        options += [f"--exclude-schema={without}"] if without else []
        ran = subprocess.run([tool, *options], capture_output=True, text=True, check=False)
        if ran.returncode:
            raise Broken(ran.stderr.strip())
        # Its head names the server, and each dump has a random key of its own.
        lines = [line for line in ran.stdout.splitlines() if not _OF_THE_DUMP.match(line)]
        return re.sub(r"\n{2,}", "\n\n", "\n".join(lines)).strip() + "\n"

    def statements(self) -> list[str]:
        return [self.dump()]

    def tables(self) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(
                "select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace"
                " where relkind in ('r', 'p') and nspname !~ '^(pg_|information_schema)'"
            ).fetchone()
        return int(row[0]) if row else 0

    def version(self) -> str:
        ran = subprocess.run(["pg_dump", "--version"], capture_output=True, text=True, check=False)
        return ran.stdout.strip()


class Sqlite(Side):
    def open(self) -> None:
        self.file = self.folder / f"{self.name}.sqlite"
        self.url = f"sqlite:///{self.file}"

    def make(self, statements: Sequence[str]) -> None:
        connection = sqlite3.connect(self.file)
        for statement in statements:
            connection.executescript(statement)
        connection.commit()
        connection.close()

    def _master(self) -> Iterator[tuple[str, str, str, str]]:
        connection = sqlite3.connect(self.file)
        yield from connection.execute(_MASTER).fetchall()
        connection.close()

    def dump(self) -> str:
        return "".join(f"{kind} {name} on {table}:\n{text}\n" for kind, name, table, text
                       in self._master())  # fmt: skip

    def statements(self) -> list[str]:
        return [text for *_, text in self._master()]

    def tables(self) -> int:
        return sum(kind == "table" for kind, *_ in self._master())

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}, sqlite_master"


def _at(url: str, name: str) -> str:
    """The same server, another database."""
    head, _, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{'?' if query else ''}{query}"


_STEPS = """
import json, os, sys
from alembic.config import main
for url, *step in json.loads(sys.argv[2]):
    os.environ["DATABASE_URL"] = url
    main(["-c", sys.argv[1], *step])
"""


def _run(python: Sequence[str], settings: Path, steps: Sequence[tuple[str, ...]]) -> None:
    command = [*python, "-c", _STEPS, str(settings), json.dumps(steps)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        last = (ran.stderr or ran.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        raise Broken(f"alembic failed: {last[0]}")


if __name__ == "__main__":
    sys.exit(main())
