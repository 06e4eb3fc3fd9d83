"""Baselines for prototypes that make their tables by themselves, and the proof of each."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from roadworthy.applying.schema import Prototype, SchemaBaseline, State, schema_baseline
from roadworthy.applying.schema.fitting import fit_schema

PLACE = "ops/prototype/migrations"
MODELS = """
import os
from sqlalchemy import CheckConstraint, Column, Enum, ForeignKey, Index, Integer, Numeric, String
from sqlalchemy import create_engine, func, DateTime
from sqlalchemy.orm import declarative_base

engine = create_engine(os.environ["DATABASE_URL"])
Base = declarative_base()

class Boat(Base):
    __tablename__ = "boats"
    id = Column(Integer, primary_key=True)
    name = Column(String(40), nullable=False, unique=True)
    kind = Column(Enum("sail", "row", name="boat_kind"), server_default="row")
    price = Column(Numeric(8, 2), CheckConstraint("price > 0", name="dear"))

class Hire(Base):
    __tablename__ = "hires"
    id = Column(Integer, primary_key=True)
    boat_id = Column(ForeignKey("boats.id", ondelete="CASCADE"), index=True)
    since = Column(DateTime(timezone=True), server_default=func.now())
    __table_args__ = (Index("late", "since", postgresql_where="since is not null"),)

Base.metadata.create_all(engine)
"""


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def baseline(root: Path, database: str = "postgresql", entry: str = "") -> SchemaBaseline:
    return schema_baseline(
        Prototype(root, consent=True, database=database, python=sys.executable, entry=entry)
    )


SPOILS = """
import socket
assert "ROADWORTHY_TEST_TOKEN" not in os.environ
for spoil in (lambda: open({mark!r}, "w"), lambda: socket.create_connection({port!r}, 2)):
    try:
        spoil()
    except OSError:
        pass
"""


def test_models_become_a_baseline_that_makes_the_same_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And importing them reaches neither the tree, nor our settings, nor a port."""
    monkeypatch.setenv("ROADWORTHY_TEST_TOKEN", "present")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        spoils = SPOILS.format(mark=str(tmp_path / "spoilt"), port=server.getsockname())
        files = {"models.py": MODELS + spoils, "main.py": "import models\n"}
        found = baseline(lay_out(tmp_path, files))
        with pytest.raises(BlockingIOError):
            server.accept()
    assert found.state is State.DONE, found.why
    assert "give the same dump (2 tables" in found.proof
    assert "stamped" in found.proof
    sql = found.files[f"{PLACE}/versions/0001_baseline.ddl"]
    assert "CREATE TYPE public.boat_kind AS ENUM" in sql
    assert "CREATE INDEX late ON public.hires USING btree (since) WHERE (since IS NOT NULL)" in sql
    told = found.files[f"{PLACE}/README.md"]
    assert f"alembic -c {PLACE}/alembic.ini stamp 0001_baseline" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["main.py", "models.py"]


def test_sqlmodel_and_an_entry_that_wants_too_much(tmp_path: Path) -> None:
    models = """
    from sqlmodel import Field, SQLModel

    class Task(SQLModel, table=True):
        id: int | None = Field(default=None, primary_key=True)
        title: str
    """.replace("\n    ", "\n")
    files = {"app/models.py": models, "app/main.py": "import nowhere_to_be_found\n"}
    found = baseline(lay_out(tmp_path, files), "sqlite", entry="app.main:app")
    assert found.state is State.DONE, found.why
    assert "CREATE TABLE task" in found.files[f"{PLACE}/versions/0001_baseline.ddl"]
    assert "`app.main` could not be imported" in found.files[f"{PLACE}/README.md"]


def test_the_stamped_database_of_a_sqlite_prototype_takes_the_next_revision(
    tmp_path: Path,
) -> None:
    code = """
    import Database from 'better-sqlite3';
    const db = new Database('shop.db');
    db.exec(`CREATE TABLE IF NOT EXISTS goods (id INTEGER PRIMARY KEY, name TEXT DEFAULT '100%:x');
             CREATE INDEX IF NOT EXISTS by_name ON goods (name);`);
    """
    found = baseline(lay_out(tmp_path / "shop", {"server/db.js": code}), "sqlite")
    assert found.state is State.DONE, found.why
    lay_out(tmp_path / "shop", dict(found.files))
    live = tmp_path / "live.db"
    with sqlite3.connect(live) as connection:
        connection.executescript(code.split("`")[1])
        connection.execute("insert into goods (name) values ('rope')")
    url = f"sqlite:///{live}"
    (tmp_path / "shop" / PLACE / "versions" / "0002_colour.py").write_text(
        "from alembic import op\n"
        "revision, down_revision = '0002_colour', '0001_baseline'\n"
        "def upgrade(): op.execute('alter table goods add column colour text')\n"
    )
    for command in (["stamp", "0001_baseline"], ["upgrade", "head"]):
        subprocess.run(
            [sys.executable, "-m", "alembic", "-c", f"{PLACE}/alembic.ini", *command],
            cwd=tmp_path / "shop",
            env=os.environ | {"DATABASE_URL": url},
            check=True,
            capture_output=True,
        )
    with sqlite3.connect(live) as connection:
        assert connection.execute("select name, colour from goods").fetchall() == [("rope", None)]


@pytest.mark.parametrize(
    ("files", "state", "why"),
    [
        pytest.param(
            {"models.py": MODELS.replace("import os", "import os, not_in_any_manifest")},
            State.NOT_DONE,
            "the models need the package not_in_any_manifest",
            id="package",
        ),
        pytest.param(
            {"db.py": "name = 'x'\nrun(f'create table {name} (id int)')"},
            State.NOT_DONE,
            "db.py:2 puts its SQL together when it runs",
            id="computed",
        ),
        pytest.param(
            {"schema.sql": "create table a (id integer primary key, b references nothing_here)"},
            State.NOT_DONE,
            "its schema can't be made on an empty database",
            id="broken",
        ),
        pytest.param(
            {"prisma/schema.prisma": "model A { id Int @id }"},
            State.NOT_DONE,
            "npx prisma migrate diff --from-empty --to-schema-datamodel prisma/schema.prisma",
            id="prisma",
        ),
        pytest.param(
            {"migrations/env.py": "", "migrations/versions/1_a.py": "", "models.py": MODELS},
            State.NOT_NEEDED,
            "there are migrations in migrations",
            id="alembic",
        ),
        pytest.param(
            {"app.py": "print('hello')"}, State.NOT_DONE, "nothing here says", id="nothing"
        ),
    ],
)
def test_what_can_not_be_done_is_said(
    tmp_path: Path, files: dict[str, str], state: State, why: str
) -> None:
    found = baseline(lay_out(tmp_path, files))
    assert found.state is state
    assert why in found.why
    assert found.files == {}


def test_models_are_not_imported_without_consent(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    models = MODELS + f"\nopen({str(mark)!r}, 'w')\n"
    found = schema_baseline(Prototype(lay_out(tmp_path, {"models.py": models})))
    assert found.state is State.NOT_DONE
    assert "nobody agreed to that" in found.why
    assert not mark.exists()


def test_drizzle_gets_its_own_first_migration(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not request.config.getoption("--exhaustive"):
        pytest.skip("it installs Drizzle with npm; run with --exhaustive")
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here")
    packages = {"drizzle-orm": "^0.39.1", "drizzle-kit": "^0.31.4", "pg": "^8.13.0"}
    schema = """
    import { pgTable, serial, text, integer, index } from "drizzle-orm/pg-core";
    export const makers = pgTable("makers", { id: serial("id").primaryKey(), name: text("name") });
    export const chairs = pgTable("chairs", {
        id: serial("id").primaryKey(),
        maker: integer("maker").references(() => makers.id, { onDelete: "cascade" }),
    }, (table) => [index("by_maker").on(table.maker)]);
    """
    config = """
    import { defineConfig } from "drizzle-kit";
    export default defineConfig({ out: "./drizzle", schema: "./schema.ts", dialect: "postgresql",
        dbCredentials: { url: process.env.DATABASE_URL! } });
    """
    root = lay_out(
        tmp_path,
        {
            "package.json": json.dumps({"name": "chairs", "dependencies": packages}),
            "schema.ts": schema,
            "drizzle.config.ts": config,
        },
    )
    found = baseline(root)
    assert found.state is State.DONE, found.why
    assert "give the same dump (2 tables" in found.proof
    assert "drizzle/0000_baseline.sql" in found.files
    assert "drizzle.__drizzle_migrations" in found.files[f"{PLACE}/README.md"]
    assert not (root / "node_modules").exists()


def test_an_adoption_gets_its_baseline_once_and_not_that_of_the_service(tmp_path: Path) -> None:
    files = {
        "schema.sql": "create table boats (id integer primary key, name text);",
        "service/src/thing/tables.py": MODELS,
        "service/migrations/env.py": "",
        "service/migrations/versions/0001_a.py": "",
    }
    answers = {
        "app": ".", "database": "sqlite", "manager": "none", "entry": "", "home": ".",
        "service_dir": "service",
    }  # fmt: skip
    root = lay_out(tmp_path, files)
    assert "give the same dump (1 tables" in fit_schema(root, answers, consent=False)
    ddl = root / PLACE / "versions/0001_baseline.ddl"
    assert ddl.read_text().lower().startswith("create table boats")
    assert fit_schema(root, answers, consent=False) == "There is a baseline already."
    assert fit_schema(root, answers | {"database": "supabase"}, consent=True) == ""
