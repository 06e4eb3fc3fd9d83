"""Run inside a prototype's own environment: import its models, write down the DDL of their tables.

python collector.py ANSWER FOLDER DIALECT [?]MODULE…   writes one JSON document to ANSWER.
Nothing is created: `create_all` only notes which tables it was asked for.
"""

import gc
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

OPTIONAL = "?"
"""Before the name of a module that may fail: an entry may want more than the models do."""


class Collector:
    """Holds SQLAlchemy's own `create_all` while the prototype has one that does nothing."""

    def __init__(self, dialect: str) -> None:
        # The prototype's, and only here: it may not have it, which is an answer, too.
        self.sqlalchemy: Any = importlib.import_module("sqlalchemy")
        self.dialect = dialect
        self.create_all: Callable[..., None] = self.sqlalchemy.MetaData.create_all
        self.asked: list[Any] = []
        self.failed: dict[str, str] = {}

    def answer(self, modules: Sequence[str]) -> dict[str, Any]:
        self.sqlalchemy.MetaData.create_all = lambda metadata, *_, **__: self.asked.append(metadata)
        for name in modules:
            self._import(name.removeprefix(OPTIONAL), needed=not name.startswith(OPTIONAL))
        statements: list[str] = []
        tables: dict[str, object] = {}
        for metadata in self._metadata():
            for table in metadata.tables.values():
                if tables.setdefault(table.fullname, table) is not table:
                    return {"error": f"the table {table.name} is defined twice"}
            statements += self._ddl(metadata)
        return {"statements": statements, "tables": sorted(tables), "failed": self.failed}

    def _import(self, name: str, *, needed: bool) -> None:
        """A baseline without the tables of a module that fails would not be exact."""
        try:
            importlib.import_module(name)
        except Exception as error:
            if needed:
                raise
            self.failed[name] = f"{type(error).__name__}: {error}"[:300]

    def _metadata(self) -> Iterable[Any]:
        """What the prototype itself creates; where it was not at that yet, all there is."""
        kind = self.sqlalchemy.MetaData
        known = [it for it in gc.get_objects() if isinstance(it, kind) and it.tables]
        used = [metadata for metadata in self.asked if metadata.tables] or known
        return {id(metadata): metadata for metadata in used}.values()

    def _ddl(self, metadata: Any) -> list[str]:
        made: list[str] = []
        engine: Any = None

        def note(statement: Any, *_: object, **__: object) -> None:
            made.append(str(statement.compile(dialect=engine.dialect)))

        engine = self.sqlalchemy.create_mock_engine(f"{self.dialect}://", note)
        self.create_all(metadata, engine, checkfirst=False)
        return made


def main() -> None:
    file, folder, dialect, *modules = sys.argv[1:]
    os.chdir(folder)
    sys.path.insert(0, folder)
    try:
        answer = Collector(dialect).answer(modules)
    except ModuleNotFoundError as error:
        answer = {"error": str(error), "missing": error.name or ""}
    except BaseException as error:  # noqa: BLE001 (a prototype may also just exit)
        answer = {"error": f"{type(error).__name__}: {error}"[:500]}
    Path(file).write_text(json.dumps(answer), encoding="utf-8")
    # Threads that the prototype started must not hold us up.
    os._exit(0)


if __name__ == "__main__":
    main()
