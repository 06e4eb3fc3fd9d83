"""SQL that wants more than a schema: it ends in a note, and nothing leaves the scratch server."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from guardrails.engine.tree import walk
from guardrails.guards.database import look
from guardrails.guards.database import replay as replay_module
from guardrails.guards.database import watchdog as watchdog_module
from guardrails.guards.database.chain import Chains, sql_text
from guardrails.guards.database.model import Outcome, Replay, Statement
from guardrails.guards.database.replay import replayed
from guardrails.guards.database.scratch import Scratch, scratch_server
from guardrails.postgres import PostgresError

AFTER = "create table public.after_all (id integer primary key);"


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with scratch_server() as server:
        yield server


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "FILE_SECONDS", 1.0)
    monkeypatch.setattr(replay_module, "STATEMENT_SECONDS", 1.0)


Run = Callable[..., Replay]


@pytest.fixture
def run(scratch: Scratch, tmp_path: Path) -> Run:
    """Replay files as a chain of Supabase; each later one proves that the replay went on."""
    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)

    def replay(*files: str) -> Replay:
        for number, text in enumerate([*files, AFTER], 1):
            (folder / f"2026010{number}000000_step.sql").write_text(text)
        tree = walk(tmp_path)
        (chain,) = Chains(tree).chains
        texts = {file.path: sql_text(tree, file.path) or "" for file in chain.files}
        with replayed(scratch, chain, texts, None) as found:
            return found

    return replay


def last(replay: Replay) -> Statement:
    return replay.statements[-1]


@pytest.mark.parametrize(
    "bomb",
    [
        "select pg_sleep(3600)",
        "do $$ begin loop end loop; end $$",
        "set statement_timeout = 0; select pg_sleep(3600)",
        (
            "do $$ begin perform pg_sleep(99); exception when query_canceled then"
            " perform pg_sleep(99); end $$"
        ),
        "with recursive r (n) as (select 1 union all select n + 1 from r) select count(*) from r",
    ],
)
def test_what_never_ends_is_ended(run: Run, bomb: str) -> None:
    begun = time.monotonic()
    replay = run(bomb)
    assert time.monotonic() - begun < 20
    assert Outcome.STOPPED in {statement.outcome for statement in replay.statements}
    assert last(replay).outcome is Outcome.APPLIED


@pytest.mark.parametrize(
    "rows",
    [
        "insert into public.big select repeat(md5(n::text), 99) from generate_series(1, 9999999) n",
        "do $$ begin loop insert into public.big values (repeat('x', 5000000)); end loop; end $$",
    ],
)
def test_rows_without_end_are_ended_and_the_rest_goes_on(run: Run, rows: str) -> None:
    replay = run(f"create table public.big (body text); {rows}")
    assert replay.statements[1].outcome is Outcome.STOPPED
    assert last(replay).outcome is Outcome.APPLIED


@pytest.mark.parametrize(
    "reach",
    [
        "copy (select 1) to program 'touch {mark}'",
        "copy (select 1) to '{mark}'",
        "create table public.t (l text); copy public.t from '/etc/passwd'",
        "select pg_read_file('/etc/passwd')",
        "select lo_import('/etc/passwd')",
        "create function public.f() returns int language c as '/lib/libc.so.6', 'system'",
        "alter system set archive_command = 'touch {mark}'",
        "alter role postgres superuser",
        "create role other superuser",
        "set role scratch_superuser",
        "set session authorization scratch_superuser",
        "create extension file_fdw; create server s foreign data wrapper file_fdw",
        "grant pg_execute_server_program to postgres",
        "create subscription s connection 'host=192.0.2.1' publication p",
        r"\! touch {mark}",
    ],
)
def test_nothing_reaches_the_host(run: Run, reach: str, tmp_path: Path) -> None:
    mark = tmp_path / "reached"
    replay = run(reach.replace("{mark}", os.fspath(mark)))
    assert not mark.exists()
    refused = [s for s in replay.statements if s.outcome in (Outcome.FAILED, Outcome.CASCADE)]
    assert refused, "it was allowed"
    assert last(replay).outcome is Outcome.APPLIED


@pytest.mark.parametrize(
    "then",
    [
        "",
        "alter function scratch_events.f0() security invoker;",
        (
            "grant scratch_event_trigger to postgres; set role scratch_event_trigger;"
            " alter function scratch_events.f0() security invoker; reset role;"
        ),
        (
            "create or replace function scratch_events.f0() returns event_trigger language"
            " plpgsql as $$ begin execute 'alter role postgres superuser'; end $$;"
        ),
        "update pg_catalog.pg_proc set prosecdef = false where proname = 'f0';",
    ],
)
def test_an_event_trigger_never_runs_as_the_superuser(run: Run, then: str) -> None:
    replay = run(
        "create table public.seen (id int);"
        "create function public.up() returns event_trigger language plpgsql as $$"
        " begin insert into public.seen values (1); execute 'alter role postgres superuser';"
        " exception when insufficient_privilege then insert into public.seen values (2); end $$;"
        "create event trigger up on ddl_command_end execute function public.up();",
        then,
        'create extension if not exists "http" with schema extensions;'
        "do $$ begin if (select rolsuper from pg_roles where rolname = 'postgres') then"
        " raise exception 'superuser'; end if; end $$;"
        "do $$ begin if not exists (select 1 from public.seen where id = 2) then"
        " raise exception 'it did not run at all'; end if; end $$",
    )
    told = {s.error for s in replay.statements}
    assert not told & {"superuser", "it did not run at all"}
    assert last(replay).outcome is Outcome.APPLIED


@pytest.mark.parametrize(
    "control",
    [
        "commit and chain; rollback and chain",
        "rollback to savepoint s; release savepoint s",
        "begin isolation level serializable; select 1/0; end work and no chain",
        "prepare transaction 'x'; commit prepared 'x'",
        # Where a backslash escapes, the scanner and the server see other statements.
        "set standard_conforming_strings = off; select '\\''; commit; select '; select 1/0;'",
    ],
)
def test_a_file_that_ends_its_transaction_does_not_end_the_replay(run: Run, control: str) -> None:
    replay = run(f"create table public.first (id bigint primary key); {control}")
    assert last(replay).outcome is Outcome.APPLIED


def test_one_file_does_not_leak_into_the_next(run: Run) -> None:
    replay = run(
        "set search_path = storage; set row_security = off; create role helper nologin;",
        "create table landed (id integer);",
        "select 'public.landed'::regclass;",
    )
    assert {s.outcome for s in replay.statements} == {Outcome.APPLIED}


def test_roles_of_one_replay_are_gone_in_the_next(run: Run) -> None:
    for _ in range(2):
        replay = run("create role reporting nologin; grant usage on schema public to reporting;")
        assert {s.outcome for s in replay.statements} == {Outcome.APPLIED}


def test_transactions_in_a_file_are_the_files_own(run: Run) -> None:
    replay = run("begin; create table public.a (id int); commit; select 1/0; select 'go on'")
    assert [s.outcome for s in replay.statements][-3:] == [
        Outcome.FAILED,
        Outcome.APPLIED,
        Outcome.APPLIED,
    ]


def test_the_guard_survives_what_is_no_sql(tmp_path: Path) -> None:
    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    (folder / "20260101000000_a.sql").write_bytes(b"\xff\xfe\x00c\x00r" + os.urandom(2000))
    (folder / "20260102000000_b.sql").write_text(
        "create function f() returns int as $x$ ; ((( /* '"
    )
    (folder / "20260103000000_c.sql").write_text("")
    (folder / "20260104000000_d.sql").symlink_to("/etc/passwd")
    looked = look(walk(tmp_path))
    assert "migrations.not-replayable" in {finding.rule for finding in looked.findings}


def test_a_database_that_grew_too_big_is_begun_anew_without_what_filled_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "FILE_SECONDS", 30.0)
    monkeypatch.setattr(replay_module, "STATEMENT_SECONDS", 30.0)
    monkeypatch.setattr(watchdog_module, "MOST_BYTES", 300_000_000)
    replay = run(
        "create table public.big (body text);",
        "do $$ begin loop insert into public.big select md5(random()::text)"
        " from generate_series(1, 100000); end loop; end $$",
    )
    assert [statement.outcome for statement in replay.statements] == [
        Outcome.APPLIED,
        Outcome.STOPPED,
        Outcome.APPLIED,
    ]


def test_a_policy_that_never_ends_ends_in_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["guardrails.guards.database.look"], "EXAMINE_SECONDS", 3.0)
    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    (folder / "20260101000000_notes.sql").write_text(
        "create table public.notes (id uuid primary key, body text);"
        "create function public.slow() returns boolean language plpgsql as $$ begin loop begin"
        " perform pg_sleep(999); exception when query_canceled then null; end; end loop; end $$;"
        "alter table public.notes enable row level security;"
        "create policy slow on public.notes using (public.slow());"
    )
    begun = time.monotonic()
    found = look(walk(tmp_path))
    assert time.monotonic() - begun < 30
    assert "the session was ended" in " ".join(note.why for note in found.not_looked)


OPEN = "create table public.notes (id uuid primary key, email text); {then}"


@pytest.mark.parametrize(
    "then",
    [
        "alter database postgres connection limit 0",
        "alter role authenticator nologin connection limit 0; alter role postgres nologin",
    ],
)
def test_a_chain_that_lets_nobody_in_is_tried_all_the_same(tmp_path: Path, then: str) -> None:
    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    (folder / "20260101000000_notes.sql").write_text(OPEN.format(then=then))
    assert "rls.disabled" in {finding.rule for finding in look(walk(tmp_path)).findings}


def test_what_could_not_be_tried_is_not_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> None:
        raise psycopg.OperationalError("the server closed the connection unexpectedly")

    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    (folder / "20260101000000_notes.sql").write_text(OPEN.format(then=""))
    monkeypatch.setattr(sys.modules["guardrails.guards.database.examine"], "_examine", nothing)
    (note,) = look(walk(tmp_path)).not_looked
    assert {"rls.disabled", "storage.open-policy", "db.definer-no-authz"} <= set(note.rules)


def test_without_a_server_nothing_is_answered_and_no_check_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise PostgresError("there is no PostgreSQL here")

    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    (folder / "20260101000000-notes.sql").write_text(OPEN.format(then=""))
    monkeypatch.setattr(sys.modules["guardrails.guards.database.look"], "scratch_server", none)
    looked = look(walk(tmp_path))
    assert looked.facts["broken"] == "there is no PostgreSQL here"
    assert {"rls.disabled", "migrations.not-replayable"} <= {
        rule for note in looked.not_looked for rule in note.rules
    }
    assert "migrations.skipped-by-cli" in {finding.rule for finding in looked.findings}
