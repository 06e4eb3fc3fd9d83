"""Rows of one's own that hang on somebody else's: whose the row above is, no policy looks."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding, Severity
from .contents import purpose_of
from .ownership import compared
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
    r"view|click|like|answer|submission|attempt|response"
    r"|complain|dispute|feedback|history|log|report|review|rating|comment|bid|proposal|offer|applic|request|invit|rsvp|vote"
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
                _severity(table, above[0]),
                scene.evidence(table),
                also=places[1:],
            )


def _severity(table: Table, parent: Table) -> Severity:
    """What is part of a private thing; of what nobody knows whose affair it is, less."""
    private = purpose_of(parent) is not Purpose.UNKNOWN
    part = _BELONGS_TO_IT.search(table.name) is not None
    return Severity.HIGH if part and private else Severity.MEDIUM


_SOMEBODYS = {Purpose.PERSONAL, Purpose.PRIVILEGE}


def _is_private(scene: Scene, parent: Table) -> bool:
    """Whether it is some people's affair: its owner's, or theirs who take part in it. Of what
    nobody knows the purpose only its owner's own policy says so."""
    kind = purpose_of(parent)
    reading = [one for one in parent.policies if one.applies("SELECT", USER.role)]
    if kind is Purpose.UNKNOWN:
        return any(compared(policy, parent) for policy in reading)
    asked = any("uid()" in policy.using or "(" in policy.using for policy in reading)
    return kind in _SOMEBODYS and (scene.ownership.owned(parent) or asked)


def _private(scene: Scene, table: Table, column: str) -> Table | None:
    """What the column refers to, where that is a person's own affair and hidden from others."""
    key = table.reference(column)
    parent = scene.relations.tables.get(key.target) if key else None
    if key is None or parent is None or not parent.row_security or parent is table:
        return None
    if scene.ownership.identifies(parent, key.target_columns[0]):
        return None
    if not _is_private(scene, parent):
        return None
    seen = scene.matrix.attempt(parent, USER, "SELECT")
    return None if seen.allowed else parent
