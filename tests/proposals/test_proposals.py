"""Proposed mends: each kind lets in fewer strangers, and takes nothing from the prototype."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from guardrails.engine.tree import walk
from guardrails.guards.database.chain import Chains
from guardrails.guards.database.scratch import Scratch, scratch_server
from guardrails.matrix.collect import seen_in
from guardrails.matrix.model import Access, Door
from guardrails.proposals.__main__ import main
from guardrails.proposals.model import Kind, Tried
from guardrails.proposals.queries import collect
from guardrails.proposals.search import Proposed, propose_for
from guardrails.proposals.writing import files, write

CHAIN = "supabase/migrations/20260101000000_all.sql"
SQL = """
create type public.app_role as enum ('admin', 'user');
create table public.user_roles (
    user_id uuid not null references auth.users (id), role public.app_role not null,
    primary key (user_id, role)
);
alter table public.user_roles enable row level security;
create policy "Own roles" on public.user_roles for select using (user_id = auth.uid());
create function public.has_role(_user uuid, _role public.app_role) returns boolean
    language sql stable security definer as
    $$ select exists (select from public.user_roles where user_id = _user and role = _role) $$;

-- A price list, written by administrators.
create table public.products (id uuid primary key default gen_random_uuid(), name text not null,
    price numeric(10, 2) not null default 1);

-- Somebody's own.
create table public.notes (id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id), body text not null default '');

-- A table between two, one of which is somebody's.
create table public.labels (id uuid primary key default gen_random_uuid(), word text not null);
create table public.note_labels (
    note_id uuid not null references public.notes (id),
    label_id uuid not null references public.labels (id), primary key (note_id, label_id)
);

-- Of an organisation, open to whoever signs in.
create table public.companies (id uuid primary key default gen_random_uuid(), name text not null);
create table public.company_members (
    company_id uuid not null references public.companies (id),
    user_id uuid not null references auth.users (id), primary key (company_id, user_id)
);
create table public.deals (id uuid primary key default gen_random_uuid(),
    company_id uuid not null references public.companies (id), title text not null);
alter table public.company_members enable row level security;
create policy "Own membership" on public.company_members for select using (user_id = auth.uid());
alter table public.deals enable row level security;
create policy "Everybody works" on public.deals for all to authenticated using (true)
    with check (true);
alter table public.companies enable row level security;

-- A list that a page reads whole.
create table public.customers (id uuid primary key default gen_random_uuid(),
    created_by uuid references auth.users (id), full_name text, phone text);

-- A profile whose owner may write all of it.
create table public.profiles (id uuid primary key references auth.users (id), full_name text,
    role text not null default 'user', plan text not null default 'free');
alter table public.profiles enable row level security;
create policy "Own profile" on public.profiles for all using (auth.uid() = id)
    with check (auth.uid() = id);

create view public.everybody as select id, full_name from public.profiles;

create function public.give_plan(target uuid, wanted text) returns void language sql
    security definer set search_path = public as
    $$ update public.profiles set plan = wanted where id = target $$;
"""
PAGES = {
    "package.json": "{}",
    "src/Login.tsx": "await supabase.auth.signInWithPassword({ email, password })",
    "src/Prices.tsx": "const { data } = await supabase.from('products').select('name, price')",
    "src/admin/Products.tsx": """
        const { user } = useAuth()
        await supabase.from('products').insert({ name, price })
        await supabase.from('products').update({ price }).eq('id', product.id)
        """,
    "src/Notes.tsx": """
        const { user } = useAuth()
        supabase.from('notes').select('*, note_labels(label_id)').eq('user_id', user.id)
        await supabase.from('notes').insert({ user_id: user.id, body }).select().single()
        await supabase.from('notes').update({ body }).eq('id', id)
        await supabase.from('notes').delete().eq('id', id)
        await supabase.from('note_labels').insert({ note_id: id, label_id: label.id })
        await supabase.from('note_labels').delete().eq('note_id', id)
        """,
    "src/Deals.tsx": """
        const { user } = useAuth()
        supabase.from('deals').select('*').eq('company_id', company.id)
        await supabase.from('deals').insert({ company_id: company.id, title })
        """,
    "src/Customers.tsx": """
        const { user } = useAuth()
        const { data } = await supabase.from('customers').select('*')
        """,
    "src/Profile.tsx": """
        const { user } = useAuth()
        await supabase.from('profiles').update({ full_name }).eq('id', user.id)
        """,
}


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    with scratch_server() as server:
        yield server


def lay_out(root: Path, sql: str, pages: dict[str, str]) -> Path:
    for name, text in {CHAIN: sql, **pages}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def proposed_for(root: Path, scratch: Scratch) -> Proposed:
    tree = walk(root)
    return propose_for(tree, scratch, Chains(tree).chains[0], collect(tree))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("prototype"), SQL, PAGES)


@pytest.fixture(scope="module")
def proposed(root: Path, scratch: Scratch) -> Proposed:
    return proposed_for(root, scratch)


def ready(proposed: Proposed, name: str) -> Tried:
    found = [tried for tried in proposed.ready if tried.proposal.name == name]
    assert found, ([t.proposal.name for t in proposed.ready], proposed.undecided)
    return found[0]


def gone(tried: Tried, who: str) -> set[str]:
    """What the stranger could do before and can't after."""
    return {
        door.operation
        for (door, visitor), was in tried.before.items()
        if visitor == who and was is Access.ALLOWED and tried.after[door, visitor] is not was
    }


def sql_of(tried: Tried) -> str:
    return "\n".join(tried.proposal.statements)


ALL = {"select", "insert", "update", "delete"}


def test_a_table_without_row_security_is_left_to_its_owners(proposed: Proposed) -> None:
    notes = ready(proposed, "row_level_security_notes")
    # Whether a note can be deleted could not be seen before: labels hold it.
    assert gone(notes, "anon") == gone(notes, "user") == ALL - {"delete"}
    assert set(notes.after.values()) == {Access.REFUSED, Access.OWN}
    assert "notes.user_id = (select auth.uid())" in sql_of(notes)
    assert notes.ran == 4
    assert notes.lost == ()


def test_a_price_list_stays_readable_and_is_written_by_administrators(proposed: Proposed) -> None:
    products = ready(proposed, "row_level_security_products")
    assert gone(products, "anon") == gone(products, "user") == ALL - {"select"}
    assert "has_role((select auth.uid()), 'admin')" in sql_of(products)
    assert 'create policy "Anybody: read"' in sql_of(products)


def test_a_join_table_belongs_to_whom_its_parent_does(proposed: Proposed) -> None:
    between = ready(proposed, "row_level_security_note_labels")
    assert gone(between, "anon") == gone(between, "user") == ALL
    assert "from public.notes p where p.id = note_labels.note_id" in sql_of(between)


def test_open_policies_of_an_organisation_make_way_for_its_members(proposed: Proposed) -> None:
    deals = ready(proposed, "policies_deals")
    assert gone(deals, "member") == gone(deals, "user") == ALL
    assert 'drop policy "Everybody works"' in sql_of(deals)
    assert "select m.company_id from public.company_members m" in sql_of(deals)


def test_what_a_page_reads_whole_is_closed_to_strangers_and_the_rest_asked(
    proposed: Proposed,
) -> None:
    mild = ready(proposed, "row_level_security_customers_signed_in")
    assert gone(mild, "anon") == ALL
    assert "select" not in gone(mild, "user")
    (strict,) = [t for t in proposed.undecided if "customers" in t.proposal.name]
    (lost,) = strict.lost
    assert str(lost).startswith("src/Customers.tsx:3 select customers as owner: gets 1 of ")


def test_users_keep_their_profile_and_not_their_plan(proposed: Proposed) -> None:
    guard = ready(proposed, "own_columns_profiles")
    doors = {
        door.name: tried for (door, _), tried in guard.before.items() if tried is Access.ALLOWED
    }
    assert set(doors) == {"public.profiles.role", "public.profiles.plan"}
    assert set(guard.after.values()) == {Access.REFUSED}
    assert guard.ran == 1


def test_functions_views_and_keys(proposed: Proposed) -> None:
    assert gone(ready(proposed, "execute_give_plan"), "user") == {"execute"}
    assert gone(ready(proposed, "view_everybody"), "anon") == {"select"}
    assert "alter function public.has_role(" in sql_of(ready(proposed, "search_path"))
    indexes = ready(proposed, "indexes")
    assert "on public.deals (company_id);" in sql_of(indexes)
    assert "on public.company_members (company_id)" not in sql_of(indexes)


def test_they_are_replayed_together_and_narrow_the_matrix_as_migrations(
    proposed: Proposed, scratch: Scratch, tmp_path: Path
) -> None:
    """By another way than the one in which they were tried: as files of the chain."""
    assert proposed.proven
    copied = lay_out(tmp_path, SQL, {})
    for number, tried in enumerate(proposed.ready):
        name = f"supabase/migrations/20260201{number:06}_{tried.proposal.name}.sql"
        (copied / name).write_text(files(proposed, "guardrails/proposed")[
            f"{tried.proposal.name}.sql"
        ])  # fmt: skip
    tree = walk(copied)
    seen = seen_in(tree, scratch, Chains(tree).chains[0])
    assert seen.failing == {}
    assert seen.locking == {}
    opened = {
        (door.name, door.operation, who)
        for door, row in seen.cells.items()
        for who, cell in row.items()
        if cell.access is Access.ALLOWED and door.kind == "table"
    }
    shown = {("public.products", "select"), ("public.labels", "select")}
    assert {(name, what) for name, what, who in opened if who == "anon"} == shown
    assert ("public.customers", "select", "user") in opened
    door = Door("function", "public.give_plan(uuid, text)", "execute")
    assert seen.cells[door]["user"].access is Access.REFUSED


def test_what_a_page_sets_for_itself_needs_a_decision(scratch: Scratch, tmp_path: Path) -> None:
    sql = SQL[SQL.index("-- A profile") : SQL.index("create view")]
    page = """
        const { user } = useAuth()
        await supabase.from('profiles').update({ plan: 'premium' }).eq('id', user.id)
        """
    login = {"src/Login.tsx": PAGES["src/Login.tsx"]}
    found = proposed_for(lay_out(tmp_path, sql, {**login, "src/Upgrade.tsx": page}), scratch)
    (asked,) = [tried for tried in found.undecided if tried.proposal.kind is Kind.COLUMNS]
    assert asked.proposal.decide.startswith("src/Upgrade.tsx:3 sets plan")
    assert not [tried for tried in found.ready if tried.proposal.kind is Kind.COLUMNS]


def test_without_a_log_in_nobody_is_somebody(scratch: Scratch, tmp_path: Path) -> None:
    """A log-in that is only painted: whatever its pages do, they do as anybody."""
    sql = SQL[SQL.index("-- Somebody's own") : SQL.index("-- A table between")]
    page = "if (password === 'secret') supabase.from('notes').select('*').eq('user_id', id)"
    found = proposed_for(lay_out(tmp_path, sql, {"src/Notes.tsx": page}), scratch)
    (strict,) = [tried for tried in found.undecided if tried.proposal.kind is Kind.ROW_SECURITY]
    assert "src/Notes.tsx:1 select notes as anon" in str(strict.lost[0])


def test_a_well_built_database_gets_no_proposal(scratch: Scratch, tmp_path: Path) -> None:
    sql = """
    create table public.articles (id integer primary key, title text);
    alter table public.articles enable row level security;
    create policy "Readers" on public.articles for select using (true);
    create table public.letters (id integer primary key,
        user_id uuid not null references auth.users (id), body text);
    alter table public.letters enable row level security;
    create policy "Own" on public.letters for all using (user_id = (select auth.uid()));
    create index on public.letters (user_id);
    """
    found = proposed_for(lay_out(tmp_path, sql, {}), scratch)
    assert (found.ready, found.undecided) == ([], [])


def test_files_are_written_once_and_stay_the_users(proposed: Proposed, tmp_path: Path) -> None:
    content = files(proposed, "guardrails/proposed")
    written, kept = write(content, tmp_path)
    assert "row_level_security_notes.sql" in written
    assert "undecided/row_level_security_customers.sql" in written
    assert kept == []
    assert write(content, tmp_path) == ([], [])
    (tmp_path / "indexes.sql").write_text("-- mine now\n")
    assert write(content, tmp_path) == ([], ["indexes.sql"])
    notes = (tmp_path / "row_level_security_notes.sql").read_text()
    assert "-- select public.notes  anon    allowed   refused\n" in notes
    asked = (tmp_path / "undecided/row_level_security_customers.sql").read_text()
    assert "NEEDS A DECISION" in asked
    assert "src/Customers.tsx:3" in asked


def test_the_command_writes_beside_the_chain_and_never_into_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = SQL[SQL.index("-- Somebody's own") : SQL.index("-- A table between")]
    root = lay_out(tmp_path / "prototype", sql, {})
    out = tmp_path / "proposals"
    assert main(["--root", str(root), "--write", str(out), "--format", "json"]) == 0
    assert '"proven_together": true' in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md", "row_level_security_notes.sql",
    ]  # fmt: skip
    assert [path.name for path in (root / "supabase/migrations").iterdir()] == [Path(CHAIN).name]


def test_what_a_policy_calls_public_stays_public(scratch: Scratch, tmp_path: Path) -> None:
    sql = """
    create table public.spaces (id uuid primary key default gen_random_uuid(),
        owner_id uuid not null references auth.users (id), title text);
    create index on public.spaces (owner_id);
    alter table public.spaces enable row level security;
    create policy "Public can view spaces" on public.spaces for select using (true);
    create policy "Anyone can change" on public.spaces for update using (true);
    """
    found = proposed_for(lay_out(tmp_path, sql, {}), scratch)
    spaces = ready(found, "policies_spaces")
    assert gone(spaces, "anon") == {"update"}
    assert "Public can view spaces" not in sql_of(spaces)


def test_a_name_neither_leaves_the_folder_nor_ends_the_comment(
    scratch: Scratch, tmp_path: Path
) -> None:
    name = "../../x\ndrop table public.notes; --"
    sql = f'create table public."{name}" (id integer primary key, "a ""b%s" text);'
    found = proposed_for(lay_out(tmp_path, sql, {}), scratch)
    content = files(found, "guardrails/proposed")
    assert set(content) == {"row_level_security__x_drop_table_public_notes_--.sql", "README.md"}
    for text in content.values():
        assert "\ndrop table" not in text.partition("alter table")[0]
    assert f'alter table public."{name}" enable' in sql_of(found.ready[0])


def test_a_function_that_a_trigger_calls_for_the_user_is_not_taken_away(
    scratch: Scratch, tmp_path: Path
) -> None:
    sql = """
    create table public.balances (user_id uuid primary key references auth.users (id),
        credits integer not null default 0);
    alter table public.balances enable row level security;
    create table public.entries (id uuid primary key default gen_random_uuid(),
        user_id uuid not null references auth.users (id), body text);
    create index on public.entries (user_id);
    alter table public.entries enable row level security;
    create policy "Own" on public.entries for all to authenticated using (user_id = auth.uid());
    create function public.spend_credits(who uuid) returns void language sql security definer
        set search_path = public as
        $$ update public.balances set credits = credits - 1 where user_id = who $$;
    create function public.pay() returns trigger language plpgsql as
        $$ begin perform public.spend_credits(new.user_id); return new; end $$;
    create trigger pay before insert on public.entries
        for each row execute function public.pay();
    """
    page = """
        const { user } = useAuth()
        await supabase.from('entries').insert({ user_id: user.id, body })
        """
    login = {"src/Login.tsx": PAGES["src/Login.tsx"]}
    found = proposed_for(lay_out(tmp_path, sql, {**login, "src/Write.tsx": page}), scratch)
    assert found.ready == []
    (asked,) = found.undecided
    assert asked.proposal.name == "execute_spend_credits"
    assert str(asked.lost[0]).startswith("src/Write.tsx:3 insert entries as owner: permission")
