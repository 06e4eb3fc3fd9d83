"""The stranger: what could be tried, what came of it, and how bad it is said to be."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from guardrails.engine.finding import Finding, Severity
from guardrails.engine.guard import Looked
from guardrails.engine.tree import walk
from guardrails.guards.database.chain import Chains, sql_text
from guardrails.guards.database.examine import examine
from guardrails.guards.database.replay import replayed
from guardrails.guards.database.scratch import Scratch, scratch_server
from guardrails.guards.database.sensitivity import Holds, Purpose, holds, purpose

Act = Callable[..., Looked]


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with scratch_server() as server:
        yield server


@pytest.fixture
def act(scratch: Scratch, tmp_path: Path) -> Act:
    """Replay the SQL as one migration and act as a stranger in it."""

    def run(sql: str, **more: str) -> Looked:
        files = {"supabase/migrations/20260101000000_all.sql": sql, **more}
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        tree = walk(tmp_path)
        chain = Chains(tree).chains[0]
        texts = {file.path: sql_text(tree, file.path) or "" for file in chain.files}
        with replayed(scratch, chain, texts, None) as replay:
            looked = examine(tree, replay)
        return Looked(list(looked.findings), list(looked.not_looked), looked.facts)

    return run


def cells(looked: Looked, table: str, visitor: str) -> dict[str, str]:
    row = next(row for row in looked.facts["matrix"] if row["table"] == table)
    return {command: cell["outcome"] for command, cell in row[visitor].items()}


def severities(looked: Looked, rule: str) -> set[Severity | None]:
    findings: list[Finding] = [f for f in looked.findings if f.rule == rule]
    return {finding.severity for finding in findings}


def unseeded(looked: Looked) -> list[Any]:
    return [note for note in looked.not_looked if "no row could be put" in note.why]


OWN = """
create table public.notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id), body text
);
alter table public.notes enable row level security;
create policy "Own" on public.notes for all to authenticated
    using (user_id = (select auth.uid()));
"""


def test_the_matrix_says_who_gets_how_far(act: Act) -> None:
    looked = act(OWN)
    denied = "denied by policy"
    expected = {"select": denied, "insert": denied, "update": denied, "delete": denied}
    assert cells(looked, "notes", "anon") == expected
    assert cells(looked, "notes", "user") == expected | {"insert": "own rows only"}
    assert [finding for finding in looked.findings if finding.rule.startswith("rls")] == []


def test_without_a_grant_a_policy_is_not_asked(act: Act) -> None:
    looked = act(
        "create table public.flags (id integer primary key, label text);"
        "revoke all on public.flags from anon;"
    )
    assert set(cells(looked, "flags", "anon").values()) == {"denied by grant"}
    assert set(cells(looked, "flags", "user").values()) == {"allowed"}


def test_a_trigger_that_refuses_is_believed(act: Act) -> None:
    looked = act(
        """
        create table public.entries (id integer primary key, cents integer not null);
        create function public.stay() returns trigger language plpgsql as
            $$ begin raise exception 'the ledger is append-only'; end $$;
        create trigger stay before update or delete on public.entries
            for each row execute function public.stay();
        """
    )
    assert cells(looked, "entries", "anon")["update"] == "denied by trigger"
    assert cells(looked, "entries", "anon")["delete"] == "denied by trigger"


def test_every_table_gets_a_row_whatever_it_asks_for(act: Act) -> None:
    looked = act(
        """
        create type public.mood as enum ('calm', 'wild');
        create domain public.percent as integer check (value between 1 and 100);
        create table public.parents (
            id bigint generated always as identity primary key,
            slug text not null unique check (slug ~ '^[a-z0-9-]+$'),
            code char(4) not null check (length(code) = 4),
            color text not null check (color ~* '^#[0-9a-f]{6}$'),
            share public.percent not null, mood public.mood not null,
            moods public.mood[] not null, extra jsonb not null,
            full_name text generated always as (slug || code) stored
        );
        create table public.left_hand (id integer primary key, other integer not null);
        create table public.right_hand (
            id integer primary key, other integer not null references public.left_hand (id)
        );
        alter table public.left_hand
            add foreign key (other) references public.right_hand (id);
        create table public.children (
            parent bigint not null references public.parents (id), nth smallint not null,
            span tstzrange not null, at time not null, done_at time not null,
            kind text not null check (kind in ('first', 'second')),
            check (done_at > at), check (nth >= 3 and nth < 9), primary key (parent, nth)
        );
        """
    )
    assert unseeded(looked) == []
    allowed = {"select": "allowed", "insert": "allowed", "update": "allowed", "delete": "allowed"}
    assert cells(looked, "children", "anon") == allowed


def test_a_table_that_takes_no_row_is_said_to_be_unchecked(act: Act) -> None:
    looked = act(
        "create table public.riddles (id integer primary key,"
        " answer text not null check (md5(answer) = 'nothing has this sum'));"
    )
    assert [note.what for note in unseeded(looked)] == ["access to the table riddles"]
    unknown = "not checked"
    tried = {"select": "allowed", "insert": unknown, "update": unknown, "delete": unknown}
    assert cells(looked, "riddles", "anon") == tried, "without row-level security all is shown"
    assert severities(looked, "rls.disabled") == {Severity.LOW}


@pytest.mark.parametrize("odd", ["create table public.a ()", "create table public.a (body jsonb)"])
def test_a_table_of_which_no_row_can_be_named_hides_no_other(act: Act, odd: str) -> None:
    looked = act(f"{odd}; create table public.people (id integer primary key, email text);")
    assert set(cells(looked, "people", "anon").values()) == {"allowed"}
    assert cells(looked, "a", "anon")["delete"] == "allowed"


def test_an_attempt_that_broke_off_is_said(act: Act) -> None:
    looked = act(
        """
        create table public.notes (id integer primary key, body text);
        alter table public.notes enable row level security;
        create function public.slow() returns boolean language sql as
            $$ select pg_sleep(60) is null $$;
        create policy slow on public.notes for select using (public.slow());
        """
    )
    assert cells(looked, "notes", "anon")["select"] == "not checked"
    (note,) = looked.not_looked
    assert note.what == "access to the table notes"
    assert "rls.permissive-read" in note.rules


def test_a_trigger_that_stores_nothing_is_believed(act: Act) -> None:
    looked = act(
        """
        create table public.entries (id integer primary key, body text);
        create function public.nothing() returns trigger language plpgsql as
            $$ begin return null; end $$;
        create trigger nothing before insert on public.entries
            for each row execute function public.nothing();
        """
    )
    assert cells(looked, "entries", "anon")["insert"] == "denied by trigger"


def test_a_table_without_a_key_can_be_changed_too(act: Act) -> None:
    looked = act("create table public.slots (room integer not null, email text);")
    assert cells(looked, "slots", "anon")["update"] == "allowed"


def test_a_tree_whose_every_row_has_a_parent_begins_with_its_own(act: Act) -> None:
    looked = act(
        "create table public.tree (id uuid primary key default gen_random_uuid(),"
        " parent uuid not null references public.tree (id), phone text);"
    )
    assert set(cells(looked, "tree", "anon").values()) == {"allowed"}


def test_partitions_take_rows_and_have_names_of_their_own(act: Act) -> None:
    looked = act(
        """
        create table public.readings (id integer, day date, email text) partition by range (day);
        create table public.readings_old partition of public.readings
            for values from ('2025-01-01') to ('2026-01-01');
        create table public.readings_more partition of public.readings
            for values from ('2026-01-01') to ('2027-01-01');
        alter table public.readings enable row level security;
        alter table public.readings_more enable row level security;
        create table public.kinds (kind text, email text) partition by list (kind);
        create table public.kinds_x partition of public.kinds for values in ('x');
        """
    )
    assert unseeded(looked) == []
    assert set(cells(looked, "kinds", "anon").values()) == {"allowed"}
    told = [finding.message for finding in looked.findings if finding.rule == "rls.disabled"]
    assert any("`readings_old`" in message and "`readings`" in message for message in told)
    assert not any("kinds_x" in message or "readings_more" in message for message in told)


def test_what_a_restrictive_policy_keeps_is_kept(act: Act) -> None:
    looked = act(
        OWN
        + """
        create policy every on public.notes for update using (true);
        create policy mine on public.notes as restrictive using (user_id = auth.uid());
        """
    )
    assert severities(looked, "rls.permissive-write") == set()


@pytest.mark.parametrize(
    "body",
    [
        "declare r json; begin execute sql into r; return r; end",
        "begin execute sql; return null; end",
        (
            "declare r json; begin execute 'select jsonb_agg(t) from (' || sql || ') t' into r;"
            " return r; end"
        ),
        (
            "begin execute 'update public.notes set body = null where body = ''' || sql || '''';"
            " return null; end"
        ),
    ],
)
def test_a_function_that_runs_whatever_it_is_given(act: Act, body: str) -> None:
    run = f"create function public.run(sql text) returns json language plpgsql as $$ {body} $$;"
    looked = act(f"{OWN} {run} alter function public.run(text) security definer;")
    (found,) = [f for f in looked.findings if f.rule == "db.definer-no-authz"]
    assert found.severity is Severity.CRITICAL
    assert "SQL of their own" in found.message
    assert severities(act(f"{OWN} {run}"), "db.definer-no-authz") == set()


@pytest.mark.parametrize(
    "asks",
    [
        (
            "if auth.uid() is null or not exists (select from auth.users where is_super_admin) then"
            " raise exception 'no'; end if; execute sql;"
        ),
        "execute format('select %L', sql);",
    ],
)
def test_a_function_that_asks_or_quotes_runs_nothing(act: Act, asks: str) -> None:
    looked = act(
        "create function public.run(sql text) returns void language plpgsql security definer"
        f" set search_path = '' as $$ begin {asks} end $$;"
    )
    assert severities(looked, "db.definer-no-authz") == set()


@pytest.mark.parametrize(
    "made",
    [
        (
            "function public.one(p_id uuid) returns setof public.people security definer"
            " language sql as 'select * from public.people where id = p_id'"
        ),
        (
            "function public.some(ids uuid[]) returns setof public.people security definer"
            " language sql as 'select * from public.people where id = any (ids)'"
        ),
        (
            "function public.every(variadic tags text[]) returns setof public.people language sql"
            " security definer as 'select * from public.people'"
        ),
        "materialized view public.seen as select email from public.people",
    ],
)
def test_what_tells_past_the_policies(act: Act, made: str) -> None:
    looked = act(
        "create table public.people (id uuid primary key default gen_random_uuid(), email text);"
        f"alter table public.people enable row level security; create {made};"
    )
    found = {f.rule for f in looked.findings} & {"db.definer-no-authz", "db.view-bypasses-rls"}
    assert found


def test_a_function_that_never_ends_does_not_hold_the_others_up(act: Act) -> None:
    looked = act(
        OWN
        + """
        create function public.wait() returns integer language plpgsql security definer
        set search_path = '' as $$ begin loop perform pg_sleep(1); end loop; end $$;
        """
    )
    assert cells(looked, "notes", "anon")["select"] == "denied by policy"


def test_members_of_another_organisation_are_strangers_too(act: Act) -> None:
    looked = act(
        """
        create table public.companies (id uuid primary key default gen_random_uuid(), name text);
        create table public.company_members (
            company_id uuid references public.companies (id),
            user_id uuid references auth.users (id), primary key (company_id, user_id)
        );
        create table public.payslips (
            id uuid primary key default gen_random_uuid(),
            company_id uuid not null references public.companies (id), salary numeric
        );
        alter table public.payslips enable row level security;
        create policy "Members" on public.payslips for select using (
            exists (select from public.company_members m where m.user_id = auth.uid()));
        """
    )
    assert cells(looked, "payslips", "user")["select"] == "denied by policy"
    assert cells(looked, "payslips", "member")["select"] == "allowed"
    assert severities(looked, "rls.any-signed-in") == {Severity.HIGH}


@pytest.mark.parametrize(
    ("table", "severity"),
    [
        ("widgets (id integer primary key, name text, price numeric)", Severity.LOW),
        ("products (id integer primary key, name text, price numeric)", Severity.INFO),
        ("branches (id integer primary key, city text, phone text)", Severity.LOW),
        ("customers (id integer primary key, name text, phone text)", Severity.CRITICAL),
        ("settings (id integer primary key, smtp_password text)", Severity.CRITICAL),
    ],
)
def test_an_open_price_list_is_no_leak(act: Act, table: str, severity: Severity) -> None:
    name = table.partition(" ")[0]
    looked = act(
        f"create table public.{table}; alter table public.{name} enable row level security;"
        f'create policy "All read" on public.{name} for select using (true);'
    )
    assert severities(looked, "rls.permissive-read") == {severity}


def test_a_closed_sign_up_is_believed(act: Act) -> None:
    looked = act(
        OWN.replace("user_id = (select auth.uid())", "true"),
        **{"supabase/config.toml": "[auth]\nenable_signup = false\n"},
    )
    assert {f.message.split(" can ")[0] for f in looked.findings if f.rule.startswith("rls")} == {
        "Any user"
    }


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("email", Holds.CONTACT),
        ("telefone_cliente", Holds.CONTACT),
        ("customerPhone", Holds.CONTACT),
        ("fecha_nacimiento", Holds.IDENTITY),
        ("reset_token", Holds.SECRET),
        ("rekening", Holds.MONEY),
        ("max_tokens", None),
        ("email_verified", None),
        ("medical_center_id", None),
        ("wallet_address", None),
        ("error_message", None),
    ],
)
def test_columns_are_known_by_their_names(column: str, kind: Holds | None) -> None:
    assert holds(column) is kind


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("users", Purpose.PERSONAL),
        ("Pedidos", Purpose.PERSONAL),
        ("user_roles", Purpose.PRIVILEGE),
        ("contact_messages", Purpose.INTAKE),
        ("blog_categories", Purpose.CATALOGUE),
        ("stores", Purpose.BUSINESS),
        ("frobnications", Purpose.UNKNOWN),
    ],
)
def test_tables_are_known_by_their_names(table: str, kind: Purpose) -> None:
    assert purpose(table) is kind


def test_names_with_signs_in_them_hide_nothing(act: Act) -> None:
    looked = act(
        """
        create table public."100% {sure}" (id uuid primary key, "50%s" text not null);
        create table public."50%s" (id uuid primary key, note text not null);
        alter table public."50%s" enable row level security;
        create function public."f%n"("50%s_id" uuid) returns void language sql security definer
            as $$ delete from public."50%s" where note <> '' $$;
        """
    )
    assert cells(looked, "100% {sure}", "anon")["select"] == "allowed"
    assert severities(looked, "db.definer-no-authz")


@pytest.mark.parametrize(("more", "told"), [("", True), (", name text, bank text", False)])
def test_a_wallet_that_is_called_nothing_is_the_one_that_they_have(
    act: Act, *, more: str, told: bool
) -> None:
    looked = act(
        "create table public.wallets (id uuid primary key default gen_random_uuid(), user_id uuid"
        f" not null references auth.users, balance numeric default 0, currency text {more});"
        "alter table public.wallets enable row level security;"
        "create policy own on public.wallets using (user_id = auth.uid());"
    )
    expected = {Severity.CRITICAL} if told else set()
    assert severities(looked, "rls.self-escalation") == expected


def test_a_policy_that_lets_nobody_through_is_not_blamed(act: Act) -> None:
    looked = act(
        OWN
        + """
        create policy "Block strangers" on public.notes using (false);
        create policy every on public.notes for select to anon using (user_id is not null);
        """
    )
    (found,) = [f.message for f in looked.findings if f.rule == "rls.permissive-read"]
    assert "Block strangers" not in found
