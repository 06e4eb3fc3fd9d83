"""Scripts beside a chain that somebody ran by hand: what the chain builds on and never makes, and
what the application works with all the same.

That the chain can't be rebuilt alone is said of it as it is. Who may do what is asked of the
database that there really was, with these scripts before it.
"""

import re
from collections import Counter
from dataclasses import replace

from .causes import Cause
from .chain import Chains, by_hand
from .model import Chain, Dialect, Migration, Outcome, Replay
from .types_ts import Types

_CREATES = re.compile(
    r"\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?(?:\"?public\"?\.)?\"?(\w+)\"?", re.IGNORECASE
)
_MENDS = re.compile(r"(?:^|[/_.-])(?:fix|debug|diagnos|check|verify|quick|temp)\w*", re.IGNORECASE)


_USED = re.compile(r"\.from\(\s*['\"`](\w+)['\"`]")
_CODE = (".ts", ".tsx", ".js", ".jsx")
_SOME = 3
"""So many tables that are nowhere else: one may have been tried out, and thrown away."""


def with_what_lies_beside(chains: Chains, replay: Replay, types: Types | None) -> Chain | None:
    """The same chain behind the scripts that make the tables it did not find; of a table that
    several scripts make, nobody knows which of them was run."""
    inside = {file.path for file in replay.chain.files}
    outside = [path for path in chains.outside if path not in inside]
    if replay.chain.dialect is not Dialect.SUPABASE or not outside:
        return None
    made = {path: set(_CREATES.findall(chains.text(path))) for path in outside}
    times = Counter(name for names in made.values() for name in names)
    once = {name for name, times_made in times.items() if times_made == 1}
    worked_with = once & _worked_with(chains, types) - _made_in(chains)
    wanted = once & _missing(replay) | (worked_with if len(worked_with) >= _SOME else set())
    chosen = [path for path, names in made.items() if names & wanted and not _MENDS.search(path)]
    if not chosen:
        return None
    before = tuple(Migration(path, "") for path in sorted(chosen, key=by_hand))
    return replace(replay.chain, files=(*before, *replay.chain.files))


def _missing(replay: Replay) -> set[str]:
    return {
        name
        for statement in replay.statements
        if statement.outcome is Outcome.FAILED and statement.cause == Cause.NOWHERE
        for name in statement.names
    }


def _made_in(chains: Chains) -> set[str]:
    files = (file.path for chain in chains.chains for file in chain.files)
    return {name for path in files for name in _CREATES.findall(chains.text(path))}


def _worked_with(chains: Chains, types: Types | None) -> set[str]:
    """The tables of the live database, as its types tell them; else those that the code names."""
    if types is not None and types.tables:
        return set(types.tables)
    texts = (chains.tree.text(path) or "" for path in chains.tree.ending(*_CODE))
    return {name for text in texts for name in _USED.findall(text)}
