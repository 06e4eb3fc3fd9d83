"""A baseline for a prototype that makes its tables without migrations ."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from roadworthy.inspection import guardrails

from . import drizzle
from .files import REVISION, readme
from .model import NotDone, Prototype, Schema, SchemaBaseline, State, Way
from .sources import of_literals, of_models, of_scripts
from .ways import DRIZZLE, way_of

__all__ = ["Prototype", "SchemaBaseline", "State", "schema_baseline"]

_SECONDS = 1500
_NO_CONSENT = "importing the models runs the prototype's own code, and nobody agreed to that"


def schema_baseline(prototype: Prototype) -> SchemaBaseline:
    """A baseline that makes the schema that the prototype makes, and the proof of that."""
    way = way_of(prototype.root, prototype.app, prototype.ours)
    if way.present:
        return SchemaBaseline(State.NOT_NEEDED, f"there are migrations in {way.present}")
    try:
        if way.command == DRIZZLE and prototype.consent and shutil.which("npm"):
            return _of_drizzle(prototype)
        return _proven(_schema(prototype, way), prototype.place, prototype.dialect)
    except NotDone as why:
        return SchemaBaseline(State.NOT_DONE, f"{why}.")


def _schema(prototype: Prototype, way: Way) -> Schema:
    if way.command:
        raise NotDone(
            f"its ORM writes the first migration itself: run `{way.command}` with its packages "
            "installed, keep what it prints as the first migration, and mark it as applied"
        )
    if way.models and not prototype.consent:
        raise NotDone(_NO_CONSENT)
    if way.models:
        return of_models(prototype, way)
    if way.scripts:
        return of_scripts(prototype.root, way)
    if way.literals:
        return of_literals(prototype.root, way)
    raise NotDone("nothing here says what its tables are")


def _proven(schema: Schema, place: str, dialect: str) -> SchemaBaseline:
    with tempfile.TemporaryDirectory(prefix="roadworthy-schema-") as scratch:
        folder = Path(scratch).resolve() / place
        folder.parent.mkdir(parents=True)
        answer = _prove(folder, schema.statements, dialect, Path(scratch))
        proof = _told(answer)
        files = {
            f"{place}/{path.relative_to(folder).as_posix()}": path.read_text(encoding="utf-8")
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
    files[f"{place}/README.md"] = readme(place, dialect, schema.source, proof, schema.notes)
    return SchemaBaseline(
        State.DONE, f"{REVISION} makes the schema of {schema.source}", files, proof
    )


def _of_drizzle(prototype: Prototype) -> SchemaBaseline:
    with tempfile.TemporaryDirectory(prefix="roadworthy-schema-") as scratch:
        content = {"root": str(prototype.root), "app": prototype.app}
        answer = _run("drizzle", content, Path(scratch), server=True)
    proof = _told(answer)
    files = {**answer["files"], f"{prototype.place}/README.md": drizzle.readme(answer, proof)}
    why = f"`{answer['out']}` holds the schema as Drizzle's first migration"
    return SchemaBaseline(State.DONE, why, files, proof)


def _told(answer: Mapping[str, Any]) -> str:
    return (
        f"Shown: the schema as the prototype makes it and the schema as this baseline makes it, "
        f"each in an empty database, give the same dump ({answer['tables']} tables, "
        f"{answer['lines']} lines; {answer['with']}). A database that has the tables was stamped, "
        "and an upgrade then left it as it was."
    )


def _prove(folder: Path, statements: Sequence[str], dialect: str, scratch: Path) -> dict[str, Any]:
    content = {
        "statements": list(statements),
        "folder": str(folder),
        "dialect": dialect,
        "python": _with_alembic(),
    }
    return _run("proof", content, scratch, server=dialect != "sqlite")


def _run(module: str, content: Mapping[str, Any], scratch: Path, *, server: bool) -> dict[str, Any]:
    """Have it shown in a process of its own, beside a server where one is needed."""
    answer, specification = scratch / "answer.json", scratch / "specification.json"
    specification.write_text(json.dumps({**content, "answer": str(answer)}), encoding="utf-8")
    command = [sys.executable, "-m", f"{__name__}.{module}", str(specification)]
    if server:
        command = [sys.executable, "-m", "guardrails.postgres", "run", "--", *command]
    packages = [str(guardrails.home()), str(Path(__file__).parents[3])]
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    ran = subprocess.run(
        command,
        env=kept | {"PYTHONPATH": os.pathsep.join(packages), "PYTHONSAFEPATH": "1"},
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if not answer.exists():
        last = (ran.stderr or ran.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        raise NotDone(f"no database could be made to try it: {last[0]}")
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in found:
        raise NotDone(f"its schema can't be made on an empty database: {found['error']}")
    if not found["same"]:
        raise NotDone("the baseline made another schema: " + " ".join(found["difference"]))
    if not found["stamped"]:
        raise NotDone("a database that was stamped was changed by it")
    return found


def _with_alembic() -> list[str]:
    """A Python that has Alembic: this one, or one that uv makes for the while."""
    if find_spec("alembic") is not None:
        return [sys.executable]
    packages = ("--with", "alembic", "--with", "psycopg[binary]")
    return ["uv", "run", "--quiet", "--no-project", *packages, "python"]
