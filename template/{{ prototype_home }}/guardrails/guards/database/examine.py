"""One replayed database, looked at as a stranger and by its catalogue."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from ...engine.finding import Finding, NotLooked
from ...engine.guard import Looked
from ...engine.tree import Tree
from . import (
    below,
    calls,
    catalogue,
    counting,
    escalation,
    functions,
    joined,
    metadata,
    newcomers,
    policies,
    principals,
    said,
    selfsame,
    signups,
    storage,
    twice,
)
from .accounts import add_account
from .attempts import Outcome
from .contents import held, purpose_of
from .model import Dialect, Replay
from .ownership import recognise
from .reach import as_reached
from .relations import Relations, Table, read
from .resting import resting_on
from .scene import Scene
from .seeding import MEMBER, SPARE, STRANGER, VICTIM, Person, Seeder
from .stranger import ANON, OTHER, OWNER, USER, Attacker, Stage, Visitor, facts

SECONDS = 20.0
"""For all attempts together; what is not reached is said to be unchecked."""
PREPARE_MILLISECONDS = 5000
GATE = "authenticator"


Watched = Callable[[int], AbstractContextManager[None]]


def examine(tree: Tree, replay: Replay, watched: Watched | None = None) -> Looked:
    """Findings, notes and the access matrix of one chain.

    `watched` is told the session's process: a function of the prototype may catch its
    cancellation and go on, and then only somebody else can end it.
    """
    try:
        with opened(replay, watched) as connection:
            return _examine(tree, replay, connection)
    except psycopg.Error as error:
        why = str(error).partition("\n")[0]
        if isinstance(error, psycopg.OperationalError):
            why = f"the session was ended, as what the migrations made ran too long ({why})"
        what = f"the database of {replay.chain.folder}"
        return Looked((), [NotLooked(what, why, resting_on(replay.chain.dialect))])


@contextmanager
def opened(replay: Replay, watched: Watched | None = None) -> Iterator[Connection[Any]]:
    """A transaction of the owner's, of which nothing stays."""
    with (
        _session(replay) as connection,
        watched(connection.info.backend_pid) if watched else nullcontext(),
        connection.transaction(force_rollback=True),
    ):
        connection.execute(SQL("set local role {}").format(Identifier(OWNER)))
        connection.execute("set local search_path = pg_catalog, public")
        connection.execute(f"set local statement_timeout = {PREPARE_MILLISECONDS}")
        yield connection


@contextmanager
def _session(replay: Replay) -> Iterator[Connection[Any]]:
    """A session that began as PostgREST's do: code that asks for session_user must not believe
    that the owner is at work. It may become the owner to put rows in, and nothing more."""
    if replay.chain.dialect is not Dialect.SUPABASE:
        with psycopg.connect(replay.owner_url) as connection:
            yield connection
        return
    names = {"owner": Identifier(OWNER), "gate": Identifier(GATE)}
    with psycopg.connect(replay.admin_url, autocommit=True) as admin:
        # What a chain shut is not what keeps a stranger out: Supabase's own servers still get in.
        admin.execute("alter database postgres connection limit -1")
        admin.execute(SQL("alter role {owner} login connection limit -1").format(**names))
        admin.execute(SQL("alter role {gate} login connection limit -1").format(**names))
        admin.execute(SQL("revoke {gate} from {owner} cascade").format(**names))
        admin.execute(SQL("grant {owner} to {gate} with inherit false").format(**names))
        try:
            with psycopg.connect(replay.owner_url, user=GATE) as connection:
                yield connection
        finally:
            admin.execute(SQL("revoke {owner} from {gate} cascade").format(**names))
            admin.execute(SQL("grant {gate} to {owner} with admin option").format(**names))


def _turn_on(replay: Replay, connection: Connection[Any]) -> None:
    """Row-level security of tables that the chain gives policies and never makes: whoever wrote
    the policies had turned it on. What a known policy lets through, no unknown one takes back."""
    found = connection.execute(
        "select distinct p.schemaname, p.tablename from pg_policies p"
        " join pg_class c on c.oid = format('%I.%I', p.schemaname, p.tablename)::regclass"
        " where not c.relrowsecurity"
    ).fetchall()
    for schema, table in found:
        if (schema, table) in replay.rebuilt:
            on = SQL("alter table {} enable row level security")
            connection.execute(on.format(Identifier(schema, table)))


def _examine(tree: Tree, replay: Replay, connection: Connection[Any]) -> Looked:
    _turn_on(replay, connection)
    relations = read(connection, schemas_of(tree, replay))
    findings = list(catalogue.find(replay, relations))
    if replay.chain.dialect is not Dialect.SUPABASE:
        return Looked(findings)
    acted = act(tree, replay, connection, relations)
    findings += as_reached(tree, _by_trying(acted))
    scene = acted.scene
    return Looked(findings, [*scene.not_looked, *_unchecked(scene)], _facts(scene, acted.visitors))


@dataclass(frozen=True)
class Acted:
    """A database with everybody in it, and what the strangers among them could do."""

    scene: Scene
    stage: Stage
    seeder: Seeder
    visitors: tuple[Visitor, ...]


def act(
    tree: Tree,
    replay: Replay,
    connection: Connection[Any],
    relations: Relations,
    seconds: float = SECONDS,
) -> Acted:
    """Open accounts, put rows in, and try every table as every stranger."""
    ownership = recognise(relations)
    seeder = Seeder(connection, relations, ownership)
    for person in (VICTIM, SPARE, MEMBER):
        add_account(connection, person, triggers=False)
    seeder.seed_all(VICTIM, SPARE)
    # Afterwards, because in many projects the first who signs up becomes the administrator.
    notes = _sign_up(connection, STRANGER)
    visitors: tuple[Visitor, ...] = (ANON, USER)
    if ownership.tenants:
        _join(seeder, relations, MEMBER)
        visitors = (*visitors, OTHER)
    stage = Stage(connection)
    matrix = Attacker(stage, relations, ownership, seeder).attack(visitors, seconds)
    scene = Scene(
        replay, relations, ownership, seeder.seeded, matrix, sign_up=_sign_up_open(tree, replay)
    )
    scene.not_looked.extend(notes)
    return Acted(scene, stage, seeder, visitors)


def _by_trying(acted: Acted) -> Iterator[Finding]:
    scene, stage = acted.scene, acted.stage
    chosen = list(escalation.find(scene, stage, acted.seeder))
    said_there = {one.place for one in chosen}
    let_in = [one for one in joined.find(scene, stage, acted.seeder) if one.place not in said_there]
    entered = {one.place for one in let_in}
    yield from joined.told_once(list(policies.find(scene)), let_in)
    yield from (one for one in below.find(scene) if one.place not in entered)
    yield from chosen
    yield from metadata.find(scene)
    yield from said.find(scene, stage, acted.seeder)
    yield from functions.find(scene, stage)
    yield from calls.find(scene, stage, acted.seeder)
    yield from counting.find(scene)
    yield from principals.find(scene)
    yield from signups.find(scene, stage)
    yield from newcomers.find(scene)
    yield from storage.find(scene, stage)
    yield from selfsame.find(scene)
    yield from twice.find(scene, stage, acted.seeder)


def _sign_up(connection: Connection[Any], person: Person) -> list[NotLooked]:
    """An account made as a real one is, triggers and all."""
    try:
        add_account(connection, person, triggers=True)
    except psycopg.Error as error:
        why = str(error).partition("\n")[0]
        add_account(connection, person, triggers=False)
        return [NotLooked("what signing up sets off", f"a trigger on auth.users: {why}")]
    return []


def _join(seeder: Seeder, relations: Relations, person: Person) -> None:
    """Another organisation, and what makes the person its member."""
    ownership = seeder.ownership
    tenants = [relations.tables[key] for key in ownership.tenants if key in relations.tables]
    for tenant in tenants:
        seeder.seed(tenant, person)
    for table in relations.tables.values():
        if ownership.owned(table) and ownership.tenant_columns(table):
            own_key = any(ownership.identifies(table, name) for name in table.key)
            if own_key or re.search(r"member|_users?$|user_|staff|team", table.name):
                _own_parents(seeder, relations, table, person)
                seeder.seed(table, person)


def _own_parents(seeder: Seeder, relations: Relations, table: Table, person: Person) -> None:
    """What the membership is of besides the organisation: the victim's clinic or school would make
    a colleague of them."""
    for key in table.references:
        parent = relations.tables.get(key.target)
        absent = parent and seeder.seeded.row(parent.relation, person) is None
        if parent and absent and parent is not table and not seeder.ownership.owned(parent):
            seeder.seed(parent, person)


def _setting(tree: Tree, replay: Replay, section: str, name: str) -> str:
    """A line of the project's config.toml; read leniently, for a broken file is no reason."""
    folder = replay.chain.folder.rpartition("/")[0]
    text = tree.text(f"{folder}/config.toml".lstrip("/")) or ""
    body = re.search(rf"(?ms)^\[{section}\]\s*$(.*?)(?=^\[|\Z)", text)
    line = re.search(rf"(?ms)^\s*{name}\s*=\s*(\[.*?\]|[^\n]*)", body[1]) if body else None
    return line[1] if line else ""


def _sign_up_open(tree: Tree, replay: Replay) -> bool:
    return not _setting(tree, replay, "auth", "enable_signup").startswith("false")


def schemas_of(tree: Tree, replay: Replay) -> list[str]:
    """What the API shows: `public`, and whatever the project adds."""
    names = re.findall(r"[\"']([\w-]+)[\"']", _setting(tree, replay, "api", "schemas"))
    further = [
        name for name in names if name not in {"public", "storage", "graphql_public", "auth"}
    ]
    return ["public", *further]


def _unchecked(scene: Scene) -> Iterator[NotLooked]:
    rules = ("rls.permissive-write", "rls.permissive-read", "rls.disabled")
    for (_, name), why in sorted(scene.seeded.unseeded.items()):
        yield NotLooked(f"access to the table {name}", f"no row could be put there: {why}", rules)
    for relation, cells in sorted(scene.matrix.cells.items()):
        tried = [attempt for visitor in cells.values() for attempt in visitor.values()]
        why = next((a.why for a in tried if a.outcome is Outcome.UNCHECKED and a.why), "")
        if why and relation not in scene.seeded.unseeded:
            what = f"access to the table {relation[1]}"
            yield NotLooked(what, f"an attempt broke off: {why}", rules)
    if scene.matrix.spent:
        yield NotLooked("some tables", f"the attempts took longer than {SECONDS:.0f} s", rules)


def _facts(scene: Scene, visitors: tuple[Visitor, ...]) -> dict[str, Any]:
    return {
        "matrix": [
            {
                "schema": table.schema,
                "table": table.name,
                "purpose": purpose_of(table).value,
                "sensitivity": {
                    name: kind.value
                    for name, kind in held(table, (c.name for c in table.columns)).items()
                },
                "row_security": table.row_security,
                "known": scene.known(table),
                "rebuilt": table.relation in scene.replay.rebuilt,
                **facts(scene.matrix, table),
            }
            for table in scene.relations.tables.values()
            if not table.partition
        ],
        "visitors": [visitor.name for visitor in visitors],
    }
