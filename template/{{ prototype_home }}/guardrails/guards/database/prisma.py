"""What a Prisma schema says of its tables, where no migration says it to the database."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...engine.finding import Evidence, Finding, Place
from ...engine.tree import Tree
from .catalogue import MONEY, NO_MONEY
from .chain import Chains, other_engine, sql_text
from .model import Dialect
from .sensitivity import words

_MODEL = re.compile(r"^model\s+(\w+)\s*\{(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s*(\w+)\s+(\w+)(\[\])?\??(?=\s|$)(.*)$")
_REFERS = re.compile(r"@relation\([^)]*\bfields\s*:\s*\[\s*(\w+)")
_INDEXED = re.compile(r"^\s*@@(?:index|unique|id)\(\s*(?:fields\s*:\s*)?\[\s*(\w+)")
_OWN_INDEX = re.compile(r"@(?:id|unique)\b")
_ENGINE = re.compile(r"\bprovider\s*=\s*\"(postgresql|cockroachdb|sqlite|sqlserver)\"")
_COMMENT = re.compile(r"//.*$", re.MULTILINE)


@dataclass
class _Model:
    name: str
    money: list[tuple[str, int]] = field(default_factory=list)
    references: list[tuple[str, str]] = field(default_factory=list)
    columns: dict[str, int] = field(default_factory=dict)
    indexed: set[str] = field(default_factory=set)


def look(tree: Tree, chains: Chains) -> Iterator[Finding]:
    """Of the tables nothing where there are migrations: their replay has seen those themselves."""
    for folder in chains.not_postgres:
        yield from _other_engine(tree, chains, folder)
    if any(chain.dialect is Dialect.PRISMA for chain in chains.chains):
        return
    schemas = {path: tree.text(path) or "" for path in tree.ending(".prisma")}
    indexes = any(_ENGINE.search(text) for text in schemas.values())
    for path, text in schemas.items():
        for model in _models(_COMMENT.sub("", text)):
            yield from _money(path, text, model)
            if indexes:
                yield from _not_indexed(path, text, model)


def _other_engine(tree: Tree, chains: Chains, folder: str) -> Iterator[Finding]:
    """Migrations that were made for SQLite, of a schema that asks for PostgreSQL by now."""
    beside = [path for path in tree.ending(".prisma") if folder.startswith(path.rpartition("/")[0])]
    asks = re.compile(r"provider\s*=\s*\"postgresql\"")
    if not any(asks.search(tree.text(path) or "") for path in beside):
        return
    places = []
    for path in sorted(path for path in chains.sql if path.startswith(f"{folder}/")):
        text = sql_text(tree, path) or ""
        if found := other_engine(text):
            line = text.count("\n", 0, found.start()) + 1
            places.append(Place(path, line, line, found[0].strip()[:200]))
    lock = f"{folder}/migration_lock.toml"
    if not places and lock in tree.present:
        places = [Place(lock, 1)]
    if places:
        yield Finding(
            "migrations.not-replayable",
            places[0],
            "The migrations are written in another database's SQL, and the schema asks for "
            "PostgreSQL, which takes none of them: this database can't be rebuilt from this "
            "repository.",
            evidence=Evidence.EXACT,
            also=tuple(places[1:]),
        )


def _models(text: str) -> Iterator[_Model]:
    for found in _MODEL.finditer(text):
        model = _Model(found[1])
        first = text.count("\n", 0, found.start(2)) + 1
        for line, row in enumerate(found[2].split("\n"), first):
            _read(model, row, line)
        yield model


def _read(model: _Model, row: str, line: int) -> None:
    if index := _INDEXED.match(row):
        model.indexed.add(index[1])
    if (column := _FIELD.match(row)) is None:
        return
    model.columns[column[1]] = line
    if _OWN_INDEX.search(column[4]):
        model.indexed.add(column[1])
    if refers := _REFERS.search(column[4]):
        model.references.append((refers[1], column[2]))
    name = words(column[1])
    if column[2] == "Float" and MONEY.search(name) and not NO_MONEY.search(name):
        model.money.append((column[1], line))


def _money(path: str, text: str, model: _Model) -> Iterator[Finding]:
    for name, line in model.money:
        yield Finding(
            "money.float",
            _place(path, text, line, model.name),
            f"`{model.name}.{name}` keeps money as Float.",
            evidence=Evidence.EXACT,
        )


def _not_indexed(path: str, text: str, model: _Model) -> Iterator[Finding]:
    for name, target in model.references:
        if name in model.columns and name not in model.indexed:
            yield Finding(
                "db.fk-not-indexed",
                _place(path, text, model.columns[name], model.name),
                f"`{model.name}.{name}` refers to `{target}` and has no index.",
                evidence=Evidence.EXACT,
            )


def _place(path: str, text: str, line: int, model: str) -> Place:
    return Place(path, line, line, text.split("\n")[line - 1].strip()[:200], model)
