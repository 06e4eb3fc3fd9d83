"""Rows of one's own that hang on somebody else's: whose the row above is, no policy looks."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding, Severity
from .contents import purpose_of
from .policies import admitting
from .relations import Table
from .scene import Scene
from .sensitivity import Purpose
from .stranger import USER

_BELONGS_TO_IT = re.compile(
    r"item|line|message|member|participant|access|share|document|file|attachment|payment|refund"
    r"|adjust|ticket|passenger|entry|entries"
)
_FOR_OTHERS = re.compile(
    r"view|click|like|report|review|rating|comment|bid|proposal|offer|applic|request|invit|rsvp|vote"
)
"""What people are asked to add to what others have put up."""


def find(scene: Scene) -> Iterator[Finding]:
    for table in scene.relations.tables.values():
        attempt = scene.matrix.attempt(table, USER, "INSERT")
        if not attempt.own or not table.row_security or _FOR_OTHERS.search(table.name):
            continue
        above = [parent for name in attempt.below if (parent := _private(scene, table, name))]
        if above:
            guilty = admitting(table, ["INSERT"], USER)
            places = scene.policy_places(table, guilty)
            yield Finding(
                "rls.any-signed-in",
                places[0],
                f"{scene.who(USER)} can add rows of `{table.name}` to somebody else's "
                f"`{above[0].name}`: the policy looks whose the new row is, and not whose "
                "it is added to.",
                Severity.HIGH if _BELONGS_TO_IT.search(table.name) else Severity.MEDIUM,
                scene.evidence(table),
                also=places[1:],
            )


def _private(scene: Scene, table: Table, column: str) -> Table | None:
    """What the column refers to, where that is a person's own affair and hidden from others."""
    key = table.reference(column)
    parent = scene.relations.tables.get(key.target) if key else None
    if key is None or parent is None or not parent.row_security or parent is table:
        return None
    person = scene.ownership.identifies(parent, key.target_columns[0])
    kinds = {Purpose.PERSONAL, Purpose.PRIVILEGE}
    if person or not scene.ownership.owned(parent) or purpose_of(parent) not in kinds:
        return None
    seen = scene.matrix.attempt(parent, USER, "SELECT")
    return None if seen.allowed else parent
