"""Scripts beside a chain that somebody ran by hand: what the chain builds on and never makes.

That the chain can't be rebuilt alone is said of it as it is. Who may do what is asked of the
database that there really was, with these scripts before it.
"""

import re
from collections import Counter
from dataclasses import replace

from .causes import Cause
from .chain import Chains, by_hand
from .model import Chain, Dialect, Migration, Outcome, Replay

_CREATES = re.compile(
    r"\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?(?:\"?public\"?\.)?\"?(\w+)\"?", re.IGNORECASE
)
_MENDS = re.compile(r"(?:^|[/_.-])(?:fix|debug|diagnos|check|verify|quick|temp)\w*", re.IGNORECASE)


def with_what_lies_beside(chains: Chains, replay: Replay) -> Chain | None:
    """The same chain behind the scripts that make the tables it did not find; of a table that
    several scripts make, nobody knows which of them was run."""
    if replay.chain.dialect is not Dialect.SUPABASE:
        return None
    made = {path: set(_CREATES.findall(chains.text(path))) for path in chains.outside}
    times = Counter(name for names in made.values() for name in names)
    wanted = {name for name in _missing(replay) if times[name] == 1}
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
