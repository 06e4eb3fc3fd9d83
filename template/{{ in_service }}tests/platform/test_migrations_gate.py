"""The gate `migrations` refuses what is planted in a copy of the revisions."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from guardrails.gate import Finding
from guardrails.migrations import scratch
from guardrails.migrations.__main__ import check_replay, main
from guardrails.migrations.drift import compare
from guardrails.migrations.recording import recording
from guardrails.migrations.replay import check_upgrade
from guardrails.migrations.revisions import FOLDERS, Revisions, check_branches
from guardrails.migrations.statements import check_statements

PROJECT = Path(__file__).parents[2]
CREATE = 'op.create_table("planted", sa.Column("id", sa.BigInteger(), primary_key=True))'
DROP = 'op.drop_table("planted")'


class Copy:
    """The project's revisions, to which a test adds its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copy(PROJECT / "alembic.ini", root)
        shutil.copytree(
            PROJECT / "migrations",
            root / "migrations",
            ignore=shutil.ignore_patterns("__pycache__"),
        )

    def plant(
        self,
        name: str,
        *,
        up: str = "pass",
        down: str = "pass",
        marker: str = "",
        follows: str | None = None,
        folder: Path = FOLDERS["app"],
    ) -> str:
        """Add a revision at the end of the user's branch and return its path."""
        revisions = Revisions.read()
        heads = [head.revision for head in revisions.heads("app")]
        follows = follows or (heads[0] if heads else None)
        path = folder / f"{name}.py"
        (self.root / path).write_text(
            f'"""Planted."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
            f"revision = {name!r}\ndown_revision = {follows!r}\n"
            f"branch_labels = {None if follows else 'app'!r}\n"
            f"depends_on = {revisions.heads('platform')[0].revision!r}\n{marker}\n\n"
            f"def upgrade() -> None:\n{indent(up, '    ')}\n\n\n"
            f"def downgrade() -> None:\n{indent(down, '    ')}\n",
            encoding="utf-8",
        )
        return path.as_posix()


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    monkeypatch.chdir(tmp_path)
    return Copy(tmp_path)


@pytest.fixture
def scratch_url(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("DATABASE_URL", postgres)
    with scratch.scratch_database() as url:
        yield url


def judged() -> list[Finding]:
    with recording() as executed:
        check_upgrade(Revisions.read())
    return check_statements(executed)


def replayed(url: str) -> list[Finding]:
    return check_replay(Revisions.read(), url)


def test_the_projects_own_revisions_pass(
    monkeypatch: pytest.MonkeyPatch, postgres: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("DATABASE_URL", postgres)
    assert main([]) == 0, capsys.readouterr().out


def test_two_heads_in_a_branch(copy: Copy) -> None:
    copy.plant("root")
    one = copy.plant("one", follows="root")
    two = copy.plant("two", follows="root")
    [finding] = check_branches(Revisions.read())
    assert finding.path == two
    assert f"second head of the branch `app`, beside {one}" in finding.message
    assert "'one'" in finding.remedy


def test_a_revision_in_the_wrong_branch(copy: Copy) -> None:
    platform = Revisions.read().heads("platform")[0].revision
    stray = copy.plant("stray", follows=platform)
    findings = check_branches(Revisions.read())
    assert {finding.path for finding in findings} == {stray}
    assert any("which is of the other branch" in finding.message for finding in findings)


def test_a_revision_whose_predecessor_is_gone(copy: Copy) -> None:
    copy.plant("orphan", follows="nowhere")
    [finding] = check_branches(Revisions.read())
    assert "can't read the revisions" in finding.message
    assert "nowhere" in finding.message


def test_a_table_that_no_model_has(copy: Copy, scratch_url: str) -> None:
    copy.plant("drift", up=CREATE, down=DROP)
    [finding] = replayed(scratch_url)
    assert finding.message == "Models and revisions differ: drop table planted."
    assert "make migration" in finding.remedy


def test_a_downgrade_that_leaves_a_type_behind(copy: Copy, scratch_url: str) -> None:
    leaky = copy.plant("leaky", up="op.execute(\"create type mood as enum ('good')\")")
    [finding] = replayed(scratch_url)
    assert (finding.path, finding.message) == (leaky, "`downgrade` leaves type mood behind.")


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_revision_that_fails_is_named(copy: Copy, scratch_url: str, direction: str) -> None:
    body = 'op.execute("select 1 / 0")'
    broken = copy.plant("broken", **{direction: body})
    copy.plant("later")
    [finding] = replayed(scratch_url)
    assert finding.path == broken
    assert f"`{direction}grade` fails: division by zero" in finding.message


LOCKING = [
    ("require-concurrent-index-creation", 'op.create_index("ix", "TABLE", ["id"])'),
    (
        "require-concurrent-index-creation",
        'op.execute("do $$ begin create index on TABLE (id); end $$")',
    ),
    (
        "require-concurrent-index-creation",
        'if not op.get_context().as_sql:\n    op.create_index("ix_b", "TABLE", ["id"])',
    ),
    (
        "adding-required-field",
        'op.add_column("TABLE", sa.Column("note", sa.Text(), nullable=False))',
    ),
    ("changing-column-type", 'op.alter_column("TABLE", "id", type_=sa.Text())'),
    ("constraint-missing-not-valid", 'op.create_check_constraint("positive", "TABLE", "id > 0")'),
    ("renaming-table", 'op.rename_table("TABLE", "TABLE_sown")'),
    ("lock-table", 'op.execute("lock table TABLE in access exclusive mode")'),
    ("lock-table", 'op.execute("do $$ begin lock TABLE; end $$")'),
]
DESTRUCTIVE = [
    ("ban-drop-column", 'op.drop_column("TABLE", "id")'),
    ("ban-drop-table", 'op.drop_table("TABLE")'),
    ("ban-drop-table", 'if not op.get_context().as_sql:\n    op.drop_table("TABLE")'),
    ("ban-drop-table", 'op.get_bind().execute(sa.text("drop table TABLE"))'),
    ("ban-drop-schema", 'op.execute("create schema TABLE_s"); op.execute("drop schema TABLE_s")'),
    ("ban-drop-in-do", "op.execute(\"do $$ begin execute 'drop table TABLE'; end $$\")"),
    ("ban-drop-in-do", 'op.execute("do $$ begin alter table TABLE drop id; end $$")'),
    ("truncate", 'op.execute("truncate TABLE")'),
    ("truncate", 'op.execute("do $do$ begin\\n  truncate TABLE;\\nend $do$")'),
    ("delete", 'op.execute("-- all\\ndelete from TABLE")'),
    ("delete", 'op.execute("with gone as (delete from TABLE returning id) table gone")'),
    ("delete", 'op.execute("do $$ begin delete from TABLE; end $$")'),
]
HARMLESS = [
    'op.execute("lock table TABLE in row share mode")',
    "op.execute(\"insert into TABLE select 1 where 'delete from; drop table x' = '--'\")",
    'op.execute("do $$ begin alter table TABLE drop constraint TABLE_pkey; end $$")',
    'op.execute("create function TABLE_f() returns void language sql as $$ delete from TABLE $$")',
    'op.get_bind().execute(sa.text("select :one"), {"one": 1}).scalar_one()',
]


def plant_each(copy: Copy, prefix: str, statements: list[str], marker: str = "") -> list[str]:
    """A revision for each, on a table of its own that an earlier revision made."""
    tables = [f"{prefix}{number}" for number in range(len(statements))]
    creations = [CREATE.replace('"planted"', f'"{table}"') for table in tables]
    copy.plant(f"{prefix}_tables", up="\n".join(creations))
    return [
        copy.plant(table, up=statement.replace("TABLE", table), marker=marker)
        for table, statement in zip(tables, statements, strict=True)
    ]


@pytest.mark.usefixtures("scratch_url")
def test_what_locks_or_destroys_is_named_however_it_is_run(copy: Copy) -> None:
    rules = [rule for rule, _ in LOCKING + DESTRUCTIVE]
    statements = [statement for _, statement in LOCKING + DESTRUCTIVE]
    paths = plant_each(copy, "bad", statements)
    plant_each(copy, "fine", HARMLESS)
    findings = judged()
    named = {(finding.path, finding.message.partition(":")[0]) for finding in findings}
    assert set(zip(paths, rules, strict=True)) - named == set()
    assert {path for path, _ in named} == set(paths)
    for finding in findings:
        way_out = "destructive = " if finding.path in paths[len(LOCKING) :] else "accepted = "
        assert way_out in finding.remedy


@pytest.mark.usefixtures("scratch_url")
def test_what_is_marked_or_accepted_with_a_reason_passes(copy: Copy) -> None:
    statements = [statement for _, statement in DESTRUCTIVE]
    plant_each(copy, "marked", statements, 'destructive = "replaced by sown in release 7"')
    accepted = '{"require-concurrent-index-creation": "it has twelve rows"}'
    plant_each(copy, "accepted", [LOCKING[0][1]], f"accepted = {accepted}")
    assert judged() == []


@pytest.mark.usefixtures("scratch_url")
def test_an_index_that_is_built_concurrently_passes(copy: Copy) -> None:
    build = 'op.create_index("ix", "TABLE", ["id"], postgresql_concurrently=True)'
    block = "with op.get_context().autocommit_block():\n"
    inside, outside = plant_each(copy, "built", [f"{block}    {build}", build])
    [finding] = judged()
    assert finding.path == outside != inside
    assert finding.message.startswith("ban-concurrent-index-creation-in-transaction")


MODELS = sa.MetaData()
sa.Table(
    "planted",
    MODELS,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column(
        "mood", sa.Enum("good", "bad", name="mood", native_enum=False, create_constraint=True)
    ),
    sa.Column("state", sa.Enum("on", "off", name="state")),
    sa.Column("email", sa.Text),
    sa.CheckConstraint("id BETWEEN 1 AND 9", name="few"),
    sa.CheckConstraint("email = lower(email)", name="lower"),
    ExcludeConstraint((sa.text("int8range(id, id, '[]')"), "&&"), name="apart"),
    sa.Index("of_those", sa.text("lower(email)"), postgresql_where=sa.text("id > 1")),
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("select 1", ""),
        ("alter table planted drop constraint few", "add constraint few of planted: `CHECK "),
        ("alter table planted add check (id <> 5)", "drop constraint planted_id_check of planted"),
        (
            "alter table planted drop constraint few, add constraint few check (id > 0)",
            "modify constraint few of planted from `CHECK ((id > 0))` to ",
        ),
        ("alter table planted drop constraint mood", "add constraint mood of planted"),
        ("alter table planted drop constraint apart", "add constraint apart of planted: `EXCL"),
        (
            "drop index of_those; create index of_those on planted (lower(email))",
            "modify index of_those of planted",
        ),
        ("create table other (id bigint check (id > 0))", ""),
    ],
)
def test_constraints_that_alembic_does_not_compare(
    scratch_url: str, change: str, said: str
) -> None:
    url = sa.make_url(scratch_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        MODELS.create_all(connection)
        for statement in change.split(";"):
            connection.execute(sa.text(statement))
        found = [str(drift) for drift in compare(connection, MODELS)]
        assert len(found) == bool(said)
        assert all(drift.startswith(said) for drift in found)
        assert compare(connection, MODELS) == compare(connection, MODELS)
        # What was compared is as it was.
        connection.execute(sa.text("insert into planted (id) values (1)"))
    engine.dispose()


def test_a_table_goes_with_its_indexes(
    copy: Copy, monkeypatch: pytest.MonkeyPatch, postgres: str
) -> None:
    index = 'op.create_index("ix_planted_id", "planted", ["id"])'
    copy.plant("planted", up=f"{CREATE}\n{index}", down=DROP)
    monkeypatch.setenv("DATABASE_URL", postgres)
    assert main(["new", "drop planted"]) == 0
    [written] = FOLDERS["app"].glob("*_drop_planted.py")
    upgrade, _, downgrade = written.read_text(encoding="utf-8").partition("def downgrade")
    assert DROP in upgrade
    assert "drop_index" not in upgrade
    assert "create_index" in downgrade


def test_a_constraint_is_written_as_a_statement(
    copy: Copy, monkeypatch: pytest.MonkeyPatch, postgres: str
) -> None:
    add = "alter table idempotent_responses add constraint planted check (status > 0)"
    remove = "alter table idempotent_responses drop constraint planted"
    planted = copy.plant("planted", up=f'op.execute("{add}")', down=f'op.execute("{remove}")')
    monkeypatch.setenv("DATABASE_URL", postgres)
    assert main(["new", "drop the check"]) == 0
    [written] = FOLDERS["app"].glob("*_drop_the_check.py")
    upgrade, _, downgrade = written.read_text(encoding="utf-8").partition("def downgrade")
    assert f'op.execute("{remove}")' in upgrade
    assert "VALID" in downgrade
    assert max(map(len, downgrade.splitlines())) <= 100
    with scratch.scratch_database() as url:
        # Its own check locks, which is not what this is about.
        assert {finding.path for finding in replayed(url)} == {planted}
