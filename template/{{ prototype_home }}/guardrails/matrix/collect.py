"""Look at every chain of a tree: replay it, try it as strangers, and ask squawk about locks."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

import psycopg
from psycopg import sql

from ..engine.finding import Place
from ..engine.tree import Tree
from ..gate import NotChecked
from ..guards.database import locks, storage, types_ts
from ..guards.database.attempts import Attempt, Outcome
from ..guards.database.chain import Chains, sql_text
from ..guards.database.examine import Acted, act, opened, schemas_of
from ..guards.database.model import Chain, Dialect, Replay
from ..guards.database.model import Outcome as Ran
from ..guards.database.policies import admitting
from ..guards.database.relations import Function, Table, View, read
from ..guards.database.replay import replayed
from ..guards.database.scratch import Scratch, TooOld, scratch_server
from ..guards.database.stranger import COMMANDS, Stage, Visitor
from ..guards.database.watchdog import Watchdog
from ..postgres import PostgresError
from .model import Access, Cell, Door, Fault, Seen

SECONDS = 240.0
"""For the attempts on one chain: a cell that is not reached would be unknown."""
_ACCESS = {
    Outcome.ALLOWED: Access.ALLOWED,
    Outcome.OWN: Access.OWN,
    Outcome.NO_GRANT: Access.REFUSED,
    Outcome.POLICY: Access.REFUSED,
    Outcome.GUARDED: Access.REFUSED,
    Outcome.ERROR: Access.UNKNOWN,
    Outcome.UNCHECKED: Access.UNKNOWN,
}
_DECIDES = re.compile(
    r"\b(?:grant|revoke|policy|row\s+level\s+security|create|security_invoker|storage\.buckets)\b",
    re.IGNORECASE,
)


def look(tree: Tree) -> dict[str, Seen]:
    """What is there now, by the folder of the chain.

    Raises:
        NotChecked: there is no PostgreSQL, or a replay broke off.
    """
    chains = Chains(tree).chains
    try:
        if not chains:
            return {}
        with scratch_server() as scratch:
            return {chain.folder: seen_in(tree, scratch, chain) for chain in chains}
    except TooOld as error:
        raise NotChecked("PostgreSQL 18 or newer is needed for the replay") from error
    except (PostgresError, psycopg.Error, OSError, subprocess.SubprocessError) as error:
        why = str(error).partition("\n")[0]
        raise NotChecked(f"the replay broke off: {why}") from error


def seen_in(tree: Tree, scratch: Scratch, chain: Chain) -> Seen:
    """What there is now in one chain."""
    texts = {file.path: sql_text(tree, file.path) or "" for file in chain.files}
    types_text = sql_text(tree, chain.types) if chain.types else None
    types = types_ts.parse(chain.types or "", types_text) if types_text else None
    locking: dict[tuple[str, str], list[Fault]] = defaultdict(list)
    for rule, place, what in locks.places(chain, texts.__getitem__):
        locking[place.path, rule].append(Fault(place, what))
    with replayed(scratch, chain, texts, types) as replay:
        cells, unseen = _tried(tree, scratch, replay)
    return Seen(
        cells,
        _failing(replay),
        {key: tuple(faults) for key, faults in locking.items()},
        (*unseen, *replay.notes),
    )


def _failing(replay: Replay) -> dict[str, tuple[Fault, ...]]:
    failing: dict[str, list[Fault]] = defaultdict(list)
    for statement in replay.statements:
        if statement.outcome in (Ran.FAILED, Ran.STOPPED):
            why = statement.reason or statement.error
            failing[statement.path].append(Fault(statement.place, why[:300]))
    return {path: tuple(faults) for path, faults in failing.items()}


def _tried(
    tree: Tree, scratch: Scratch, replay: Replay
) -> tuple[dict[Door, dict[str, Cell]], list[str]]:
    if replay.chain.dialect is not Dialect.SUPABASE:
        return {}, []
    with (
        Watchdog(scratch) as watchdog,
        opened(replay, lambda pid: watchdog.watching(pid, SECONDS * 2)) as connection,
    ):
        relations = read(connection, schemas_of(tree, replay))
        acted = act(tree, replay, connection, relations, SECONDS)
        unseen = ["the attempts took too long"] if acted.scene.matrix.spent else []
        return cells_of(acted), unseen


def cells_of(acted: Acted, *, buckets: bool = True) -> dict[Door, dict[str, Cell]]:
    """Everything that strangers can try in a database, and what came of it."""
    decided = _Decided(acted.scene.replay)
    cells: dict[Door, dict[str, Cell]] = {}
    for door, visitor, access, place, why in _attempts(acted, buckets=buckets):
        name = door.name.rpartition(".")[2].partition("(")[0]
        where = decided.last(name, place) if access is Access.ALLOWED else None
        # The file has a line for each.
        written = replace(door, name="\\n".join(door.name.splitlines()))
        cells.setdefault(written, {})[visitor.name] = Cell(access, where, why)
    return cells


Attempted = tuple[Door, Visitor, Access, Place, str]


def _attempts(acted: Acted, *, buckets: bool) -> Iterator[Attempted]:
    relations = acted.scene.relations
    yield from tables_of(acted, relations.tables.values())
    yield from views_of(acted, relations.views)
    for function in relations.functions:
        if function.definer and function.returns not in {"trigger", "event_trigger"}:
            yield from _function(acted, function)
    reached = storage.reach(acted.stage, acted.visitors) if buckets else ()
    for bucket, command, visitor, got in reached:
        place = acted.scene.replay.place("bucket", "storage", bucket)
        access = Access.ALLOWED if got else Access.REFUSED
        yield Door("bucket", bucket, command.lower()), visitor, access, place, ""


def tables_of(acted: Acted, tables: Iterable[Table]) -> Iterator[Attempted]:
    """What strangers got at in these, with where that was decided."""
    for table in tables:
        if not table.partition:
            yield from _table(acted, table)


def views_of(acted: Acted, views: Iterable[View]) -> Iterator[Attempted]:
    """The same for views, tried now."""
    for view in views:
        yield from _view(acted, view)


def _table(acted: Acted, table: Table) -> Iterator[Attempted]:
    scene = acted.scene
    for command in COMMANDS:
        door = Door("table", f"{table.schema}.{table.name}", command.lower())
        for visitor in acted.visitors:
            attempt = scene.matrix.attempt(table, visitor, command)
            if not scene.known(table):
                attempt = Attempt(Outcome.UNCHECKED, why="no migration makes the table")
            guilty = admitting(table, [command], visitor) if table.row_security else ()
            place = scene.policy_places(table, guilty)[0]
            yield door, visitor, _ACCESS[attempt.outcome], place, attempt.why


def _view(acted: Acted, view: View) -> Iterator[Attempted]:
    """A view has no rows of its own: a stranger gets at it when they see any."""
    door = Door("view", f"{view.schema}.{view.name}", "select")
    place = acted.scene.replay.place("view", view.schema, view.name)
    there = _rows(acted.stage, view, None)
    for visitor in acted.visitors:
        found = _rows(acted.stage, view, visitor)
        access = Access.ALLOWED if found else Access.REFUSED
        if not there and found is not None:
            access = Access.UNKNOWN
        yield door, visitor, access, place, "" if there else "it shows no row of those put there"


def _rows(stage: Stage, view: View, visitor: Visitor | None) -> int | None:
    """How many rows show; None where it was refused."""
    counted = sql.SQL("select count(*) from (select from {} limit 5) shown").format(view.sql)
    try:
        if visitor is None:
            _, row = stage.run(counted, {})
        else:
            with stage.visited(visitor):
                _, row = stage.run(counted, {})
    except psycopg.Error:
        return None
    return int(row[0]) if row else 0


def _function(acted: Acted, function: Function) -> Iterator[Attempted]:
    """With its owner's rights: who may call it is past every policy."""
    types = ", ".join(kind for _, kind in function.arguments)
    door = Door("function", f"{function.schema}.{function.name}({types})", "execute")
    place = acted.scene.replay.place("function", function.schema, f"{function.name}({types})")
    for visitor in acted.visitors:
        may = visitor.role in function.callers
        yield door, visitor, Access.ALLOWED if may else Access.REFUSED, place, ""


class _Decided:
    """The statement that last said who may do what with an object."""

    def __init__(self, replay: Replay) -> None:
        applied = [one for one in replay.statements if one.outcome is Ran.APPLIED]
        self._telling = [one for one in reversed(applied) if _DECIDES.search(one.sql)]
        self._order = {path: n for n, path in enumerate(_paths(replay))}

    def last(self, name: str, known: Place) -> Place:
        """The known place, unless a later statement names the object, as a grant does."""
        word = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])", re.IGNORECASE)
        named = next((one.place for one in self._telling if word.search(one.sql)), None)
        if named is None or self._at(named) <= self._at(known):
            return known
        return named

    def _at(self, place: Place) -> tuple[int, int]:
        return (self._order.get(place.path, -1), place.line)


def _paths(replay: Replay) -> Iterable[str]:
    return (file.path for file in replay.chain.files)
