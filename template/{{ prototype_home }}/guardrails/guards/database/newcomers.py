"""What signing up was to set off, and no migration ties to it.

The trigger on auth.users lies outside the schema that a dump copies, so it is the first thing that
a rebuilt database lacks: people sign up, and nobody makes the row that the program reads.
"""

import re
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding
from .functions import WRITES, place
from .relations import Function
from .scene import Scene

_TIED = re.compile(
    r"\bexecute\s+(?:function|procedure)\s+(?:\"?\w+\"?\s*\.\s*)?\"?(\w+)", re.IGNORECASE
)


def find(scene: Scene) -> Iterator[Finding]:
    meant = [one for one in scene.relations.functions if _of_accounts(one)]
    tied = {name.lower() for one in scene.replay.statements for name in _TIED.findall(one.sql)}
    # One that is tied does the work, and the others are what was tried before it.
    if any(function.name.lower() in tied for function in meant):
        return
    for function in meant:
        if table := WRITES.search(function.body):
            yield Finding(
                "migrations.drift",
                place(scene, function),
                f"No migration makes the trigger that calls `{function.name}` when somebody signs "
                f"up: in a database made from them, new accounts get no row in `{table[1]}`.",
                evidence=Evidence.EXECUTED,
            )
            return


def _of_accounts(function: Function) -> bool:
    """No table but auth.users has such a column."""
    return function.returns == "trigger" and "raw_user_meta_data" in function.body
