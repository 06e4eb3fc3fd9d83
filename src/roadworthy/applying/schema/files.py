"""The files of a baseline: an Alembic project with one revision that executes a file of SQL."""

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

REVISION = "0001_baseline"
_INI = """\
# Alembic for the prototype's own database. From the root of the repository:
#   DATABASE_URL=… alembic -c {place}/alembic.ini current
[alembic]
script_location = %(here)s
version_locations = %(here)s/versions
path_separator = os
file_template = %%(year)d%%(month).2d%%(day).2d%%(hour).2d%%(minute).2d_%%(slug)s
"""
_ENV = '''\
"""How Alembic reaches the prototype's database: DATABASE_URL says where it is."""

import os
from importlib.util import find_spec

from alembic import context
from sqlalchemy import create_engine, pool

# Set this to your models' metadata, and `alembic revision --autogenerate` compares them with the
# database: `from models import Base; target_metadata = Base.metadata`.
target_metadata = None


def url() -> str:
    """The address with a driver that is here."""
    given = os.environ["DATABASE_URL"]
    scheme, _, rest = given.partition("://")
    if scheme.split("+")[0] in {"postgres", "postgresql"}:
        driver = "psycopg" if find_spec("psycopg") else "psycopg2"
        return f"postgresql+{driver}://{rest}"
    return f"{scheme.split('+')[0]}://{rest}"


def run() -> None:
    engine = create_engine(url(), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=target_metadata, transactional_ddl=True
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
'''
_MAKO = '''\
"""${message}"""
${imports if imports else ""}
from alembic import op
import sqlalchemy as sa

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
'''
_REVISION = '''\
"""The schema as it was when migrations began. A database that has it is stamped, not upgraded."""

from pathlib import Path

from alembic import op

revision = "{revision}"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = Path(__file__).with_name("{revision}.ddl")


def upgrade() -> None:
    statements = STATEMENTS.read_text(encoding="utf-8").split({mark})
    # Straight to the driver: a colon or a percent sign in the SQL is no placeholder.
    cursor = op.get_bind().connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()


def downgrade() -> None:
    raise RuntimeError("there is nothing before the baseline")
'''
MARK = "\n-- next statement\n"
README = """\
# Migrations of the prototype's database

`versions/{revision}.ddl` is the schema that the prototype makes by itself today, from
{source}. From now on a change of the schema is a revision here, reviewed like code, and what made
the tables before is no longer needed.

{proof}

## Once, for the database that is live

It has these tables already, so it is told so and nothing is executed. First see that it really
has them: its schema must be the one in `versions/{revision}.ddl`, for somebody may have changed
it by hand.

{compare}

Then:

    pip install {packages}
    DATABASE_URL=… alembic -c {place}/alembic.ini stamp {revision}

A new, empty database gets `upgrade head` instead of `stamp`.

## For every change

    DATABASE_URL=… alembic -c {place}/alembic.ini revision -m "add a column"

Write the change into the new file below `versions/`, try it on an empty database, and run
`upgrade head` where the prototype is deployed, before the new code starts.
{notes}"""
_COMPARE_POSTGRES = """\
    pg_dump --schema-only --no-owner --no-privileges "$DATABASE_URL" > live.sql
    diff <(grep -v -e '^--' -e '^SET ' -e '^SELECT pg_catalog' -e '^\\\\' -e '^$' live.sql) \\
         <(grep -v -e '^--' -e '^$' {place}/versions/{revision}.ddl)"""
_COMPARE_SQLITE = """\
    sqlite3 live.db .schema"""


def write_baseline(folder: Path, statements: Sequence[str]) -> None:
    """Lay out the project, all but its README, which tells what came of it."""
    versions = folder / "versions"
    versions.mkdir(parents=True)
    place = _place(folder)
    contents = {
        folder / "alembic.ini": _INI.format(place=place),
        folder / "env.py": _ENV,
        folder / "script.py.mako": _MAKO,
        versions / f"{REVISION}.py": _REVISION.format(revision=REVISION, mark=json.dumps(MARK)),
        versions / f"{REVISION}.ddl": MARK.join(statements),
    }
    for path, text in contents.items():
        path.write_text(text, encoding="utf-8")


def readme(place: str, dialect: str, source: str, proof: str, notes: Sequence[str]) -> str:
    compare = _COMPARE_SQLITE if dialect == "sqlite" else _COMPARE_POSTGRES
    told = "".join(f"\n- {note}" for note in notes)
    return README.format(
        revision=REVISION,
        place=place,
        source=source,
        proof=textwrap.fill(proof, 96),
        compare=compare.format(place=place, revision=REVISION),
        packages="alembic" if dialect == "sqlite" else "alembic 'psycopg[binary]'",
        notes=f"\n## Not part of it\n{told}\n" if notes else "",
    )


def _place(folder: Path) -> str:
    return "/".join(folder.parts[-3:])
