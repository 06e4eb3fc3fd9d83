"""The order of the work: chains, their names, the replay of each, then the stranger."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from ...engine.finding import Evidence, Finding, NotLooked
from ...engine.guard import Looked
from ...engine.tree import Tree
from ...postgres import PostgresError
from . import faults, firebase, known_accounts, locks, passed_by, practice, prisma, types_ts
from .beside import with_what_lies_beside
from .bodies import absent_tables
from .chain import Chains, sql_text, would_run
from .drift import drift
from .examine import examine
from .model import Chain, Outcome, Replay
from .replay import first_stop, replayed
from .resting import resting_on
from .scratch import Scratch, TooOld, scratch_server
from .types_ts import Types
from .watchdog import Watchdog

MOST_CHAINS = 6
EXAMINE_SECONDS = 120.0


@dataclass
class _Sum:
    findings: list[Finding] = field(default_factory=list)
    not_looked: list[NotLooked] = field(default_factory=list)
    chains: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, looked: Looked) -> None:
        self.findings += looked.findings
        self.not_looked += looked.not_looked

    def add_once(self, looked: Looked) -> None:
        """Add what a chain holds; what another one says in the same words is one fault."""
        known = {(one.rule, one.severity, one.message): at for at, one in enumerate(self.findings)}
        self.not_looked += looked.not_looked
        for one in looked.findings:
            at = known.get((one.rule, one.severity, one.message))
            if at is None:
                self.findings.append(one)
            else:
                first = self.findings[at]
                also = dict.fromkeys((*first.also, one.place, *one.also))
                self.findings[at] = replace(first, also=tuple(also))


def look(tree: Tree) -> Looked:
    """Each chain's replay is alive while `examine(tree, replay)` looks at it."""
    chains = Chains(tree)
    found = _Sum()
    found.add(practice.look(tree, chains))
    found.findings += prisma.look(tree, chains)
    found.findings += firebase.look(tree)
    found.findings += known_accounts.look(tree)
    for chain in chains.chains:
        found.findings += faults.names_of(chain)
        found.findings += passed_by.look(tree, chain)
        found.findings += faults.destructive(chain, lambda path: sql_text(tree, path) or "")
        found.add(locks.look(chain, lambda path: sql_text(tree, path) or ""))
    todo = chains.chains or ([chains.loose] if chains.loose else [])
    for folder in chains.not_postgres:
        found.not_looked.append(NotLooked(folder, "its SQL is not PostgreSQL's", resting_on(None)))
    for chain in todo[MOST_CHAINS:]:
        why = f"only the first {MOST_CHAINS} chains are replayed"
        found.not_looked.append(NotLooked(chain.folder, why, resting_on(chain.dialect)))
    if todo:
        _replay_all(tree, todo[:MOST_CHAINS], found, chains)
    return Looked(found.findings, found.not_looked, {**found.facts, "chains": found.chains})


def _replay_all(tree: Tree, todo: list[Chain], found: _Sum, chains: Chains) -> None:
    try:
        with scratch_server() as scratch:
            for chain in todo:
                try:
                    _replay_one(tree, scratch, chain, found, chains)
                except (psycopg.Error, OSError) as error:
                    gone = isinstance(error, psycopg.OperationalError)
                    told = "the scratch server ended: " if gone else ""
                    why = f"its replay broke off: {told}{_first_line(error)}"
                    found.not_looked.append(NotLooked(chain.folder, why, resting_on(chain.dialect)))
    except TooOld:
        _no_server(todo, found, "PostgreSQL 18 or newer is needed for the replay")
    except (PostgresError, psycopg.Error, OSError) as error:
        _no_server(todo, found, _first_line(error))


def _no_server(todo: list[Chain], found: _Sum, why: str) -> None:
    """A check must not pass for want of its tool; what was seen without it is told all the same."""
    rules = {rule for chain in todo for rule in resting_on(chain.dialect)}
    found.not_looked.append(NotLooked("the database", why, tuple(sorted(rules))))
    found.facts["broken"] = why


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:300]


def _replay_one(tree: Tree, scratch: Scratch, chain: Chain, found: _Sum, chains: Chains) -> None:
    texts = {file.path: sql_text(tree, file.path) or "" for file in chain.files}
    for file in chain.files:
        if not texts[file.path].strip() and tree.sizes.get(file.path, 0) > 0:
            why = "it could not be read as SQL"
            found.not_looked.append(NotLooked(file.path, why, resting_on(chain.dialect)))
    types = _types(tree, chain)
    stop = first_stop(scratch, chain, texts) if chain.skipped and would_run(chain) else None
    with replayed(scratch, chain, texts, types) as replay:
        with psycopg.connect(replay.admin_url, autocommit=True) as connection:
            bodies = absent_tables(replay, connection)
            tables = _tables(connection)
            missing = list(drift(replay, connection, types)) if types else []
        found.findings += faults.not_replayable(replay, bodies, chain is chains.loose)
        found.findings += missing
        rules = resting_on(chain.dialect)
        found.not_looked += [NotLooked(chain.folder, note, rules) for note in replay.notes]
        behind = with_what_lies_beside(chains, replay, types)
        if behind is None:
            _examine(tree, scratch, replay, found)
        found.chains.append(_facts(replay, tables, stop))
    if behind is not None:
        texts = {file.path: chains.text(file.path) for file in behind.files}
        with replayed(scratch, behind, texts, types) as replay:
            _examine(tree, scratch, replay, found)


def _examine(tree: Tree, scratch: Scratch, replay: Replay, found: _Sum) -> None:
    with Watchdog(scratch) as watchdog:
        looked = examine(tree, replay, lambda pid: watchdog.watching(pid, EXAMINE_SECONDS))
    found.add_once(looked)
    found.facts |= _merged(found.facts, looked.facts)


def _merged(known: dict[str, Any], more: Any) -> dict[str, Any]:
    """Facts of several chains under one name become lists of both."""
    merged = dict(more)
    for key, value in merged.items():
        if isinstance(value, list) and isinstance(known.get(key), list):
            merged[key] = [*known[key], *value]
    return merged


def _types(tree: Tree, chain: Chain) -> Types | None:
    text = sql_text(tree, chain.types) if chain.types else None
    return types_ts.parse(chain.types or "", text) if text else None


def _tables(connection: "psycopg.Connection[tuple[object, ...]]") -> int:
    row = connection.execute(
        "select count(*) from pg_class where relkind in ('r', 'p') "
        "and relnamespace = 'public'::regnamespace"
    ).fetchone()
    return int(str(row[0])) if row else 0


def _facts(replay: Replay, tables: int, stop: tuple[str, int] | None) -> dict[str, Any]:
    chain = replay.chain
    outcomes = Counter(str(statement.outcome) for statement in replay.statements)
    failed = [
        {
            "path": statement.path,
            "line": statement.line,
            "cause": statement.cause,
            "reason": statement.reason[:300],
        }
        for statement in replay.statements
        if statement.outcome in (Outcome.FAILED, Outcome.STOPPED)
    ]
    if stop is None and failed and not chain.skipped:
        stop = (str(failed[0]["path"]), int(str(failed[0]["line"])))
    return {
        "dialect": str(chain.dialect),
        "folder": chain.folder,
        "files": len(chain.files),
        "would_run": len(would_run(chain)),
        "skipped": [file.path for file in chain.skipped],
        "stops_at": f"{stop[0]}:{stop[1]}" if stop else None,
        "statements": len(replay.statements),
        "outcomes": dict(outcomes),
        "failed": failed[:200],
        "tables": tables,
        "rebuilt": sorted(name for _, name in replay.rebuilt),
        "types": chain.types,
        "evidence": str(Evidence.REBUILT if replay.rebuilt else Evidence.EXECUTED),
    }
