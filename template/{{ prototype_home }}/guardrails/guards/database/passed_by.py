"""Migrations that are there and that their tool never runs, as its own notes have it."""

from collections.abc import Iterator
from functools import partial

from ...engine.finding import Evidence, Finding, Place, Severity
from ...engine.tree import Tree
from .ledger import Journal, is_turned_off
from .model import Chain, Dialect

_MOST_ALSO = 25
_MOST_NAMES = 6
_EXACT = partial(Finding, evidence=Evidence.EXACT)
_RUN = "`drizzle-kit migrate`"


def look(tree: Tree, chain: Chain) -> Iterator[Finding]:
    if settings := is_turned_off(tree, chain.folder):
        yield _EXACT(
            "migrations.skipped-by-cli",
            _line(tree, settings, "enabled"),
            "`enabled = false` below `[db.migrations]`: `supabase db reset` and `db push` run "
            f"nothing of {chain.folder}.",
        )
    journal = Journal(tree, chain.folder)
    if chain.dialect is Dialect.DRIZZLE and journal.path in tree.present:
        yield from _of_drizzle(tree, chain, journal)


def _of_drizzle(tree: Tree, chain: Chain, journal: Journal) -> Iterator[Finding]:
    if not journal.readable:
        yield _EXACT(
            "migrations.not-replayable",
            Place(journal.path, 1),
            f"Drizzle's journal can't be read as JSON, so {_RUN} stops before the first migration.",
            severity=Severity.HIGH,
        )
        return
    if gone := [path for path in journal.files if path not in tree.present]:
        yield _EXACT(
            "migrations.not-replayable",
            _line(tree, journal.path, _tag(gone[0])),
            f"Drizzle's journal names {_listed(gone)}, of which there is no file: {_RUN} stops "
            "there, and no database can be made from this repository.",
            severity=Severity.HIGH,
        )
    if chain.beside:
        why = f"not in the journal of {chain.folder}, so {_RUN} never runs it"
        yield _never_run(list(chain.beside), why)
    if late := journal.late():
        why = (
            "of an earlier `when` in the journal than one before it: a database on which that one "
            f"ran never gets it, and {_RUN} says nothing"
        )
        yield _never_run(late, why)


def _never_run(paths: list[str], why: str) -> Finding:
    first, *rest = paths
    return _EXACT(
        "migrations.skipped-by-cli",
        Place(first),
        f"Migrations that Drizzle passes over: {_listed(paths)}. Each is {why}.",
        also=tuple(map(Place, rest[:_MOST_ALSO])),
    )


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - _MOST_NAMES} more" if len(paths) > _MOST_NAMES else ""
    return ", ".join(f"`{path.rpartition('/')[2]}`" for path in paths[:_MOST_NAMES]) + more


def _tag(path: str) -> str:
    return f'"{path.rpartition("/")[2].removesuffix(".sql")}"'


def _line(tree: Tree, path: str, word: str) -> Place:
    lines = (tree.text(path) or "").splitlines()
    at = next((number for number, line in enumerate(lines, 1) if word in line), 1)
    return Place(path, at, at, lines[at - 1].strip()[:200] if lines else "")
