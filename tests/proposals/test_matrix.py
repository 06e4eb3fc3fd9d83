"""The access matrix as a reviewed file: what a pull request may not do to it, planted."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from guardrails.engine.tree import walk
from guardrails.guards.database.chain import Chains
from guardrails.guards.database.scratch import Scratch, TooOld, scratch_server
from guardrails.matrix.__main__ import main
from guardrails.matrix.collect import seen_in
from guardrails.matrix.compare import Verdict, compare
from guardrails.matrix.lockfile import NAME, Unreadable, parse, render
from guardrails.matrix.model import Access, Door, Seen, recorded

FOLDER = "supabase/migrations"
FIRST = """
create table public.parcels (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id), "weight kg" integer
);
alter table public.parcels enable row level security;
create policy "Own parcels" on public.parcels for all to authenticated
    using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create table public.tariffs (id integer primary key, cents integer not null);
alter table public.tariffs enable row level security;
create policy "Tariffs are public" on public.tariffs for select using (true);
create view public.labels with (security_invoker = true) as select id, user_id from public.parcels;
"""
BROKEN = "alter table public.never_made add column colour text;\n"


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with scratch_server() as server:
        yield server


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / "20260101000000_first.sql").write_text(FIRST)
    (folder / "20260102000000_broken.sql").write_text(BROKEN)
    return tmp_path


Look = Callable[[Path], Seen]


@pytest.fixture
def look(scratch: Scratch) -> Look:
    def run(root: Path) -> Seen:
        found = walk(root)
        return seen_in(found, scratch, Chains(found).chains[0])

    return run


def changed(root: Path, look: Look, sql: str) -> Verdict:
    """What is said of a pull request that adds one migration."""
    before = recorded(look(root))
    (root / FOLDER / "20260301000000_new.sql").write_text(sql)
    # Through the file, as it is in a repository.
    known = parse(render({FOLDER: before}))[FOLDER]
    return compare(known, look(root))


def test_the_file_says_who_may_do_what_and_reads_back(tree: Path, look: Look) -> None:
    seen = look(tree)
    text = render({FOLDER: recorded(seen)})
    assert "\ntable public.parcels insert anon=refused user=own\n" in text
    assert "\ntable public.parcels select anon=refused user=refused\n" in text
    assert "\ntable public.tariffs select anon=allowed user=allowed\n" in text
    assert "\nview public.labels select anon=refused user=refused\n" in text
    assert f"\ndoes-not-replay {FOLDER}/20260102000000_broken.sql 1\n" in text
    assert parse(text) == {FOLDER: recorded(seen)}
    assert render(parse(text)) == text


def test_nothing_is_red_on_the_day_of_adoption(tree: Path, look: Look) -> None:
    verdict = changed(tree, look, "create index on public.tariffs (cents);")
    assert not [line for line in verdict.worse if "locks a table" not in line]
    same = compare(recorded(look(tree)), look(tree))
    assert (same.worse, same.unseen, same.better) == ([], [], [])


def test_a_first_look_that_was_none_is_said_where_the_plan_of_an_adoption_reads_it(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise TooOld

    monkeypatch.setattr("guardrails.matrix.collect.scratch_server", missing)
    assert main(["--write", "--root", str(tree), "--lock", str(tree / NAME)]) == 2
    assert capsys.readouterr().out.startswith("matrix: NOT CHECKED: PostgreSQL 18")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        pytest.param(
            'create policy "Staff" on public.parcels for select to authenticated using (true);',
            "select on table public.parcels: now allowed to user (whoever signs up); was refused",
            id="policy",
        ),
        pytest.param(
            "alter table public.parcels disable row level security;",
            "delete on table public.parcels: now allowed to anon (without an account)",
            id="disabled",
        ),
        pytest.param(
            "alter view public.labels set (security_invoker = false);",
            "select on view public.labels: now allowed to anon (without an account)",
            id="view",
        ),
        pytest.param(
            "create table public.wallets (id integer primary key, cents integer);",
            "update on table public.wallets: now allowed to anon (without an account); it is new",
            id="table",
        ),
        pytest.param(
            "create function public.empty() returns void language sql security definer"
            " set search_path = public as $$ delete from public.parcels $$;",
            "execute on function public.empty(): now allowed to anon (without an account)",
            id="function",
        ),
        pytest.param(
            "insert into storage.buckets (id, name) values ('papers', 'papers');"
            "create policy p on storage.objects for select using (bucket_id = 'papers');",
            "select on bucket papers: now allowed to anon (without an account)",
            id="bucket",
        ),
        pytest.param(
            "alter table public.parcels add column colour text not null;",
            "locks a table (adding-required-field): adds a column without default that must be "
            "filled to `parcels`",
            id="lock",
        ),
        pytest.param(
            "select 1;\ncreate table public.tariffs (id integer);", "does not replay", id="replay"
        ),
    ],
)
def test_a_pull_request_that_makes_it_worse_is_told_what_who_and_where(
    tree: Path, look: Look, sql: str, told: str
) -> None:
    verdict = changed(tree, look, sql)
    lines = [line for line in verdict.worse if told in line]
    assert lines, verdict.worse
    assert lines[0].startswith(f"{FOLDER}/20260301000000_new.sql:")


def test_a_known_hole_is_not_held_against_what_rests_on_it(tree: Path, look: Look) -> None:
    verdict = changed(tree, look, BROKEN)
    assert (verdict.worse, verdict.unseen) == ([], [])


def test_a_known_file_may_not_fail_in_more_places(tree: Path, look: Look) -> None:
    before = recorded(look(tree))
    (tree / FOLDER / "20260102000000_broken.sql").write_text(BROKEN + "select gone();\n")
    (line, *_) = compare(before, look(tree)).worse
    assert "20260102000000_broken.sql:" in line
    assert "1 such in this file were known, now 2" in line


def test_less_access_fails_nothing_and_asks_to_be_recorded(tree: Path, look: Look) -> None:
    verdict = changed(tree, look, 'drop policy "Tariffs are public" on public.tariffs;')
    assert (verdict.worse, verdict.unseen) == ([], [])
    assert "select on table public.tariffs: allowed → refused for anon (without an account)." in (
        verdict.better
    )


def test_what_can_no_longer_be_seen_is_not_a_pass(tree: Path, look: Look) -> None:
    verdict = changed(
        tree,
        look,
        "alter table public.parcels add constraint never check (false) not valid;",
    )
    assert any("select on table public.parcels" in line for line in verdict.unseen)


def test_a_grant_alone_names_its_migration(tree: Path, look: Look) -> None:
    (tree / FOLDER / "20260103000000_shut.sql").write_text(
        "revoke all on public.tariffs from anon;"
    )
    verdict = changed(tree, look, "grant select on public.tariffs to anon;")
    (line,) = verdict.worse
    assert line.startswith(f"{FOLDER}/20260301000000_new.sql:1: select on table public.tariffs")


def test_a_broken_merge_of_the_file_is_said() -> None:
    with pytest.raises(Unreadable, match="line 2"):
        parse("[a]\n<<<<<<< HEAD\n")
    assert parse("[a]\ntable t select anon=own\n")["a"].cells == {
        Door("table", "t", "select"): {"anon": Access.OWN}
    }


def test_the_command_writes_once_and_then_checks(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tree / NAME
    options = ["--root", str(tree), "--lock", str(lock)]
    assert main(options) == 2
    assert "there is no" in capsys.readouterr().err
    assert main(["--write", *options]) == 0
    (tree / FOLDER / "20260301000000_new.sql").write_text(
        "alter table public.parcels disable row level security;"
    )
    assert main(["--check", *options]) == 1
    told = capsys.readouterr().out
    assert "20260301000000_new.sql:1: update on table public.parcels" in told
    assert "matrix: 10 to mend" in told


def test_a_name_may_hold_what_the_file_is_made_of(tree: Path, look: Look) -> None:
    name = "it's\n[x] a=b # c"
    (tree / FOLDER / "20260103000000_odd.sql").write_text(
        f'create table public."{name}" (id integer primary key);'
    )
    seen = recorded(look(tree))
    assert parse(render({FOLDER: seen})) == {FOLDER: seen}
