"""The gate `migrations` refuses what is planted in a copy of the revisions."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest

from guardrails.gate import Finding
from guardrails.migrations import scratch
from guardrails.migrations.__main__ import main
from guardrails.migrations.replay import check_replay
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


@pytest.mark.parametrize(
    ("rule", "statement"),
    [
        ("require-concurrent-index-creation", 'op.create_index("ix", "planted", ["id"])'),
        (
            "adding-required-field",
            'op.add_column("planted", sa.Column("note", sa.Text(), nullable=False))',
        ),
        ("changing-column-type", 'op.alter_column("planted", "id", type_=sa.Text())'),
        (
            "constraint-missing-not-valid",
            'op.create_check_constraint("positive", "planted", "id > 0")',
        ),
        ("renaming-table", 'op.rename_table("planted", "sown")'),
    ],
)
def test_a_statement_that_locks(copy: Copy, rule: str, statement: str) -> None:
    copy.plant("before", up=CREATE)
    locking = copy.plant("locking", up=statement)
    findings = check_statements(Revisions.read())
    assert {finding.path for finding in findings} == {locking}
    assert rule in {finding.message.partition(":")[0] for finding in findings}


@pytest.mark.parametrize(
    ("rule", "statement"),
    [
        ("ban-drop-column", 'op.drop_column("planted", "id")'),
        ("ban-drop-table", DROP),
        ("ban-drop-schema", 'op.execute("drop schema archive cascade")'),
        ("truncate", 'op.execute("truncate planted")'),
    ],
)
def test_a_destructive_statement_needs_the_marker(copy: Copy, rule: str, statement: str) -> None:
    copy.plant("before", up=CREATE)
    path = copy.plant("after", up=statement)
    [finding] = check_statements(Revisions.read())
    assert finding.path == path
    assert finding.message.startswith(f"{rule}: ")
    assert "destructive = " in finding.remedy

    marker = 'destructive = "replaced by sown in release 7"'
    copy.plant("after", up=statement, marker=marker, follows="before")
    assert check_statements(Revisions.read()) == []


def test_a_rule_is_accepted_with_a_reason(copy: Copy) -> None:
    copy.plant("before", up=CREATE)
    marker = 'accepted = {"require-concurrent-index-creation": "it has twelve rows"}'
    copy.plant("index", up='op.create_index("ix", "planted", ["id"])', marker=marker)
    assert check_statements(Revisions.read()) == []


def test_a_revision_that_reads_the_database_is_named(copy: Copy) -> None:
    path = copy.plant("reads", up='op.get_bind().execute(sa.text("select 1")).scalar_one()')
    [finding] = check_statements(Revisions.read())
    assert finding.path == path
    assert "is_offline_mode" in finding.remedy


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
    [finding] = check_statements(Revisions.read())
    assert finding.message.startswith("ban-drop-table")
