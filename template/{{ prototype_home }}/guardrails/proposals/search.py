"""From a tree to proposals that were tried: alone, milder where they take too much, together."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import psycopg

from ..engine.tree import Tree
from ..gate import NotChecked
from ..guards.database import types_ts
from ..guards.database.chain import Chains, sql_text
from ..guards.database.examine import Acted, act, opened, schemas_of
from ..guards.database.model import Chain, Dialect, Migration, Outcome, Replay
from ..guards.database.relations import read
from ..guards.database.replay import replayed
from ..guards.database.scratch import Scratch, TooOld, scratch_server
from ..guards.database.watchdog import Watchdog
from ..matrix.collect import cells_of
from ..matrix.model import WIDTH, Access
from ..postgres import PostgresError
from . import others, tables
from .intent import Intent
from .model import Kind, Picture, Proposal, Tried
from .people import recognise
from .queries import Queries, Query, collect
from .rightful import Answer, Rightful
from .trial import Trial

SECONDS = 60.0
WATCHED = 900.0
_ROUNDS = 4
_WIDE = frozenset({Kind.EXECUTE, Kind.SEARCH_PATH, Kind.VIEWS})
_LATEST = "99999999999999"
Answers = Mapping[Query, Mapping[str, Answer]]


@dataclass
class Proposed:
    """What is proposed for one chain."""

    chain: Chain
    queries: Queries
    ready: list[Tried] = field(default_factory=list)
    undecided: list[Tried] = field(default_factory=list)
    ran: int = 0
    """How many of the prototype's queries were run with all ready proposals together."""
    proven: bool = False
    """Whether those were replayed together, after the chain, and nothing was lost."""


def search(tree: Tree) -> list[Proposed]:
    """Proposals for each Supabase chain of a tree.

    Raises:
        NotChecked: there is no PostgreSQL, or a replay broke off.
    """
    known = Chains(tree)
    chains = [chain for chain in known.chains if chain.dialect is Dialect.SUPABASE]
    if not chains and known.loose and known.loose.dialect is Dialect.SUPABASE:
        chains = [known.loose]
    if not chains:
        return []
    queries = collect(tree)
    try:
        with scratch_server() as scratch:
            return [propose_for(tree, scratch, chain, queries) for chain in chains]
    except TooOld as error:
        raise NotChecked("PostgreSQL 18 or newer is needed for the replay") from error
    except (PostgresError, psycopg.Error, OSError) as error:
        why = str(error).partition("\n")[0]
        raise NotChecked(f"the replay broke off: {why}") from error


def propose_for(tree: Tree, scratch: Scratch, chain: Chain, queries: Queries) -> Proposed:
    """Proposals for one chain."""
    return _Search(tree, scratch, chain, queries).run()


@dataclass(frozen=True)
class _World:
    """A replayed database with everybody in it."""

    replay: Replay
    acted: Acted
    intent: Intent
    rightful: Rightful

    def picture(self) -> Picture:
        # No proposal is about files.
        cells = cells_of(self.acted, buckets=False)
        return {
            (door, who): cell.access for door, row in cells.items() for who, cell in row.items()
        }

    def answers(self, queries: Iterable[Query]) -> Answers:
        return {
            query: {v.name: self.rightful.run(query, v) for v in self.rightful.visitors(query)}
            for query in queries
            if self.rightful.known(query)
        }


class _Search:
    def __init__(self, tree: Tree, scratch: Scratch, chain: Chain, queries: Queries) -> None:
        self.tree = tree
        self.scratch = scratch
        self.chain = chain
        self.queries = queries
        self.texts = {file.path: sql_text(tree, file.path) or "" for file in chain.files}
        types = sql_text(tree, chain.types) if chain.types else None
        self.types = types_ts.parse(chain.types or "", types) if types else None
        self.found = Proposed(chain, queries)

    def run(self) -> Proposed:
        with self._world(()) as world:
            trial = Trial(world.acted, world.rightful)
            for proposal in _numbered(_all(world)):
                self._alone(trial, proposal)
            picture = world.picture()
            answers = {
                query: {visitor.name: answer for visitor, answer in trial.before(query)}
                for query in trial.forms
            }
        for _ in range(_ROUNDS):
            if not self.found.ready or self._together(picture, answers):
                break
        return self.found

    @contextmanager
    def _world(self, added: Iterable[Tried]) -> Iterator[_World]:
        """The chain with proposals as its last migrations."""
        files = {
            f"{self.chain.folder}/{_LATEST}_{number:04}_{tried.proposal.file}": "\n\n".join(
                tried.proposal.statements
            )
            for number, tried in enumerate(added)
        }
        more = tuple(Migration(path, _LATEST) for path in files)
        chain = replace(self.chain, files=(*self.chain.files, *more))
        with (
            replayed(self.scratch, chain, {**self.texts, **files}, self.types) as replay,
            Watchdog(self.scratch) as watchdog,
            opened(replay, lambda pid: watchdog.watching(pid, WATCHED)) as connection,
        ):
            relations = read(connection, schemas_of(self.tree, replay))
            acted = act(self.tree, replay, connection, relations, SECONDS)
            admin = recognise(acted)
            intent = Intent(acted, self.queries, admin)
            yield _World(replay, acted, intent, Rightful(acted, self.queries, admin))

    def _alone(self, trial: Trial, proposal: Proposal) -> None:
        tried = trial.run(proposal)
        if tried.ready:
            self.found.ready.append(tried)
            return
        if tried.lost or tried.proposal.decide:
            self.found.undecided.append(tried)
        for _ in range(_ROUNDS):
            softer = tried.proposal.softer
            milder = softer(list(tried.lost)) if softer and tried.lost else None
            if milder is None:
                return
            tried = trial.run(milder)
            if tried.ready:
                self.found.ready.append(tried)
                return

    def _together(self, picture: Picture, answers: Answers) -> bool:
        """Whether all that are ready go together; those that don't are taken out."""
        with self._world(self.found.ready) as world:
            refused = {
                statement.path.rpartition("/")[2][len(_LATEST) + 6 :]: statement.error
                for statement in world.replay.statements
                if f"/{_LATEST}_" in statement.path and statement.outcome is not Outcome.APPLIED
            }
            blamed = {name: f"it does not apply: {why}" for name, why in refused.items()}
            blamed |= self._wider(picture, world.picture())
            now = world.answers(answers)
            for query, told in answers.items():
                for who, answer in told.items():
                    if not now.get(query, {}).get(who, Answer()).keeps(answer):
                        blamed |= self._blame(query.table, f"with the others, {query} loses rows")
        self.found.ran = sum(map(len, answers.values()))
        self.found.proven = not blamed
        for tried in list(self.found.ready):
            if why := blamed.get(tried.proposal.file):
                self.found.ready.remove(tried)
                self.found.undecided.append(replace(tried, why_not=why))
        return self.found.proven

    def _wider(self, before: Picture, after: Picture) -> dict[str, str]:
        blamed: dict[str, str] = {}
        for (door, who), now in after.items():
            was = before.get((door, who), Access.REFUSED)
            lost_sight = now is Access.UNKNOWN and was is not Access.UNKNOWN
            if lost_sight or (WIDTH[now] > WIDTH[was] and was is not Access.UNKNOWN):
                name = door.name.rpartition(".")[2].partition("(")[0]
                why = f"with the others, {who} {door.operation} {door.name} is {now}, was {was}"
                blamed |= self._blame(name, why)
        return blamed

    def _blame(self, name: str, why: str) -> dict[str, str]:
        """The proposals about an object; else those whose reach is the widest, or all."""
        ready = [tried.proposal for tried in self.found.ready]
        about = [proposal for proposal in ready if name in _names(proposal)]
        wide = [proposal for proposal in ready if proposal.kind in _WIDE]
        return {proposal.file: why for proposal in about or wide or ready}


def _all(world: _World) -> Iterator[Proposal]:
    yield from tables.proposals(world.acted, world.intent)
    yield from others.columns(world.acted, world.intent)
    yield from others.views(world.acted)
    yield from others.execute(world.acted, world.intent)
    yield from others.search_paths(world.acted)
    yield from others.indexes(world.acted)


def _numbered(proposals: Iterable[Proposal]) -> Iterator[Proposal]:
    """Functions may share a name, and names a file's."""
    taken: dict[str, int] = {}
    for proposal in proposals:
        number = taken[proposal.file] = taken.get(proposal.file, 0) + 1
        yield proposal if number == 1 else replace(proposal, name=f"{number}_{proposal.name}")


def _names(proposal: Proposal) -> set[str]:
    names = {name for _, name in (*proposal.tables, *proposal.views)}
    return names | {proposal.subject.rpartition(".")[2]}
