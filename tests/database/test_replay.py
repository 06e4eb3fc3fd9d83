"""The replay of chains: whose fault a failure is, what is completed, and who made what."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from guardrails.engine.tree import walk
from guardrails.guards.database import look, types_ts
from guardrails.guards.database import replay as replay_module
from guardrails.guards.database import scripts as scripts_module
from guardrails.guards.database.chain import Chains, sql_text
from guardrails.guards.database.lexer import split
from guardrails.guards.database.model import Outcome, Replay
from guardrails.guards.database.replay import replayed
from guardrails.guards.database.scratch import Scratch, scratch_server

TYPES = """
export type Database = {
  public: {
    Tables: {
      clubs: {
        Row: { id: string; name: string; kind: Database["public"]["Enums"]["club_kind"] }
        Insert: { id?: string; name: string; kind?: Database["public"]["Enums"]["club_kind"] }
        Update: { id?: string }
        Relationships: []
      }
      members: {
        Row: {
          club_id: string
          id: string
          joined_at: string | null
          score: number
          user_id: string
        }
        Insert: {
          club_id: string
          id?: string
          joined_at?: string | null
          score?: number
          user_id: string
        }
        Update: {
          club_id?: string
        }
        Relationships: [
          {
            foreignKeyName: "members_club_id_fkey"
            columns: ["club_id"]
            isOneToOne: false
            referencedRelation: "clubs"
            referencedColumns: ["id"]
          },
        ]
      }
    }
    Functions: {
      is_member: { Args: { club: string }; Returns: boolean }
    }
    Enums: {
      club_kind: "open" | "closed"
    }
  }
}
"""


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with scratch_server() as server:
        yield server


def replay_of(scratch: Scratch, root: Path, files: Mapping[str, str], types: str = "") -> Replay:
    folder = root / "supabase" / "migrations"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    tree = walk(root)
    (chain,) = Chains(tree).chains
    texts = {file.path: sql_text(tree, file.path) or "" for file in chain.files}
    known = types_ts.parse("types.ts", types) if types else None
    with replayed(scratch, chain, texts, known) as found:
        return found


def outcomes(replay: Replay) -> list[str]:
    return [str(statement.outcome) for statement in replay.statements]


def test_the_lexer_knows_what_ends_a_statement() -> None:
    pieces = split(
        "/* a /* b; */ ; */ create table a (b text default ';');\n"
        "create function f() returns int begin atomic select case when true then 1 end; end;\n"
        "select $q$ ; $q$, e'\\';', \"x;y\" -- ;\n;\n"
        "copy a from stdin;\n1;2\n\\.\nselect 2"
    )
    assert [piece.text.split()[0] for piece in pieces] == [
        "create",
        "create",
        "select",
        "copy",
        "select",
    ]
    assert [piece.line for piece in pieces] == [1, 2, 3, 5, 8]
    assert pieces[3].data == "1;2\n"


@pytest.mark.parametrize(
    "text",
    [
        'create extension if not exists "uuid-ossp" with schema extensions',
        "create extension if not exists pg_cron; select cron.schedule('x', '1 * * * *', 'select')",
        "create extension pg_net with schema extensions; select net.http_post(url := 'https://x')",
        (
            "create extension vector; create table e (v vector(3)); create index on e using hnsw"
            " (v vector_cosine_ops)"
        ),
        "create extension postgis; create table p (at geography(point, 4326))",
        "select crypt('a', gen_salt('bf')), encode(digest('a', 'sha256'), 'hex')",
        (
            "insert into storage.buckets (id, name, public) values ('a', 'a', true);"
            " create policy p on storage.objects using (bucket_id = 'a' and"
            " auth.uid()::text = (storage.foldername(name))[1])"
        ),
        (
            "create function f() returns trigger language plpgsql security definer"
            " as $$ begin return new; end $$; create trigger t after insert on auth.users"
            " for each row execute function f()"
        ),
        (
            "create table t (id int); alter publication supabase_realtime add table t;"
            " alter table t replica identity full"
        ),
        "select vault.create_secret('a', 'b')",
        "alter default privileges in schema public revoke all on functions from anon",
        "alter database postgres set timezone = 'UTC'; set session_replication_role = replica",
        (
            "create policy p on realtime.messages for select to authenticated using"
            " (realtime.topic() = 'a')"
        ),
        "create table t (id int); vacuum t",
        "create extension vector; alter extension vector set schema extensions",
        'alter extension pgcrypto set schema public; drop extension "uuid-ossp"',
        (
            "create extension postgis; create table p (id int, at geography(point, 4326));"
            " create index on p using gist (at); insert into p values (1, st_point(1, 2));"
            " select st_dwithin(at, st_makepoint(1, 2)::geography, 9), at <-> at from p"
        ),
        (
            "create extension pgmq; select pgmq.create('jobs'); alter table pgmq.a_jobs enable"
            " row level security; select pgmq.send('jobs', '{}'), pgmq.delete('jobs', array[1])"
        ),
        (
            "create extension wrappers; create foreign data wrapper stripe_wrapper handler"
            " stripe_fdw_handler; create server s foreign data wrapper stripe_wrapper;"
            " create foreign table c (id text) server s options (object 'customers')"
        ),
        "drop publication supabase_realtime; create publication supabase_realtime for all tables",
        "alter role authenticator set pgrst.db_schemas = 'public, api'",
        "grant usage on schema public to supabase_admin",
        "alter publication supabase_realtime add tables in schema public",
        "create collation c (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    ],
)
def test_what_supabase_gives_is_there(scratch: Scratch, tmp_path: Path, text: str) -> None:
    replay = replay_of(scratch, tmp_path, {"20260101000000_a.sql": text})
    failed = [s.error for s in replay.statements if s.outcome is not Outcome.APPLIED]
    assert not [error for error in failed if "VACUUM" not in error]


ENABLES = """
create function public.rls_auto_enable() returns event_trigger language plpgsql security definer
set search_path = 'pg_catalog' as $$
declare made record;
begin
    for made in select * from pg_event_trigger_ddl_commands() where object_type = 'table' loop
        execute format('alter table %s enable row level security', made.object_identity);
    end loop;
end $$;
"""


@pytest.mark.parametrize(
    "maker",
    [
        (
            "create event trigger ensure_rls on ddl_command_end when tag in ('CREATE TABLE')"
            " execute function public.rls_auto_enable()"
        ),
        (
            "do $$ begin if not exists (select from pg_event_trigger where evtname = 'ensure_rls')"
            " then create event trigger ensure_rls on ddl_command_end when tag in ('CREATE TABLE')"
            " execute procedure rls_auto_enable(); end if; end $$"
        ),
        (
            "do $$ begin execute 'create event trigger ensure_rls on ddl_command_end when tag"
            " in (''CREATE TABLE'') execute function public.rls_auto_enable()'; end $$"
        ),
    ],
)
def test_an_event_trigger_does_what_it_does_there(
    scratch: Scratch, tmp_path: Path, maker: str
) -> None:
    after = "create table a (id int); alter event trigger ensure_rls disable; create table b ();"
    told = (
        "do $$ begin raise exception '%', (select string_agg(relname, '') from pg_class where"
        " relrowsecurity and relnamespace = 'public'::regnamespace); end $$"
    )
    replay = replay_of(
        scratch,
        tmp_path,
        {
            "20260101000000_a.sql": f"{ENABLES} {maker}; {after}",
            "20260102000000_b.sql": f"{told}; drop event trigger ensure_rls",
        },
    )
    assert [s.error for s in replay.statements if s.outcome is not Outcome.APPLIED] == ["a"]


def test_a_table_that_only_the_types_know_is_completed(scratch: Scratch, tmp_path: Path) -> None:
    replay = replay_of(
        scratch,
        tmp_path,
        {
            "20260101000000_a.sql": "alter table members enable row level security;\n"
            "create policy own on members using (user_id = auth.uid());\n"
            "create policy club on members using (is_member(club_id));",
            "20260102000000_b.sql": "alter table members add column score integer;",
        },
        TYPES,
    )
    assert outcomes(replay) == ["failed", "applied", "failed", "applied"]
    assert ("public", "members") in replay.rebuilt
    assert replay.provenance["policy", "public", "members.own"].line == 2


def test_what_fails_in_the_wake_of_a_failure_is_no_cause(scratch: Scratch, tmp_path: Path) -> None:
    replay = replay_of(
        scratch,
        tmp_path,
        {
            "20260101000000_a.sql": "create table orders (id uuid primary key, total numerik);\n"
            "alter table orders enable row level security;\n"
            "create policy own on orders using (auth.uid() = owner_id);"
        },
    )
    assert outcomes(replay) == ["failed", "cascade", "cascade"]


def test_what_cannot_be_read_takes_nothing_with_it(scratch: Scratch, tmp_path: Path) -> None:
    replay = replay_of(
        scratch,
        tmp_path,
        {
            "20260101000000_a.sql": "create table first (id uuid primary key);\n"
            "create policy if not exists p on first using (true);\n"
            "create table second (id uuid primary key);"
        },
    )
    assert outcomes(replay) == ["applied", "failed", "applied"]
    assert replay.statements[1].cause == "syntax"
    assert {("table", "public", "first"), ("table", "public", "second")} <= set(replay.provenance)


def test_what_stood_in_for_a_view_gives_way_to_it(scratch: Scratch, tmp_path: Path) -> None:
    replay = replay_of(
        scratch,
        tmp_path,
        {
            "20260101000000_a.sql": "grant select on public.totals to anon;",
            "20260102000000_b.sql": "create view public.totals as select 1 as total;",
        },
    )
    assert outcomes(replay)[1] == "applied"
    assert not replay.rebuilt


def test_what_the_types_hold_already_is_not_made_twice(scratch: Scratch, tmp_path: Path) -> None:
    replay = replay_of(
        scratch,
        tmp_path,
        {
            "20260101000000_a.sql": "alter table members enable row level security;",
            "20260102000000_b.sql": "do $$ begin alter table members add club_id uuid; end $$;",
        },
        TYPES,
    )
    assert "club_id" in TYPES
    assert outcomes(replay) == ["failed", "cascade"]


def test_a_string_that_is_compared_with_an_id_is_an_id(scratch: Scratch, tmp_path: Path) -> None:
    types = TYPES.replace("user_id: string", "approver: string")
    replay = replay_of(
        scratch,
        tmp_path,
        {
            "20260101000000_a.sql": "alter table members enable row level security;\n"
            "create policy p on members using (joined_at is null and approver = auth.uid());\n"
            "create policy q on members using (auth.uid() = approver);"
        },
        types,
    )
    assert {("policy", "public", f"members.{name}") for name in "pq"} <= set(replay.provenance)


def test_a_statement_that_came_too_early_is_tried_again(scratch: Scratch, tmp_path: Path) -> None:
    replay = replay_of(
        scratch,
        tmp_path,
        {
            "20260101000000_a.sql": "create policy p on later using (true);",
            "20260102000000_b.sql": "create table later (id uuid primary key);",
        },
    )
    assert replay.statements[0].cause == "later"
    assert ("policy", "public", "later.p") in replay.provenance


def test_provenance_names_the_line(scratch: Scratch, tmp_path: Path) -> None:
    text = (
        "create table t (\n  id uuid primary key,\n  owner uuid references auth.users (id)\n);\n"
        "do $$ begin execute 'alter table t enable row level security'; end $$;\n"
        "create or replace function f(a uuid, b text) returns int language sql as 'select 1';\n"
        "insert into storage.buckets (id, name) values ('pics', 'pics');"
    )
    places = replay_of(scratch, tmp_path, {"20260101000000_a.sql": text}).provenance
    assert places["table", "public", "t"].line == 1
    assert places["column", "public", "t.owner"].line == 3
    assert places["rls", "public", "t"].line == 5
    assert places["function", "public", "f(uuid, text)"].line == 6
    assert places["bucket", "storage", "pics"].line == 7


def test_only_what_the_cli_takes_is_said_to_run(tmp_path: Path) -> None:
    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    (folder / "20260101000000-base.sql").write_text("create table base (id uuid primary key);")
    (folder / "20260102000000_more.sql").write_text("\nalter table base add column note text;")
    (chain,) = look(walk(tmp_path)).facts["chains"]
    assert chain["would_run"] == 1
    assert chain["stops_at"] == "supabase/migrations/20260102000000_more.sql:2"
    assert chain["outcomes"] == {"applied": 2}


def test_a_chain_that_is_too_long_is_left_with_a_note(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "BUDGET_SECONDS", 0.0)
    replay = replay_of(scratch, tmp_path, {"20260101000000_a.sql": "select 1"})
    assert outcomes(replay) == ["left"]
    assert replay.notes


def test_what_is_past_the_last_statement_that_is_tried_is_said(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts_module, "MOST_STATEMENTS", 2)
    replay = replay_of(scratch, tmp_path, {"20260101000000_a.sql": "select 1; select 2; select 3;"})
    assert len(replay.statements) == 2
    assert "1 statements were not tried" in " ".join(replay.notes)
