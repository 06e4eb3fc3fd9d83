"""Policies that compare a column with itself: `m.club_id = club_id`, where the subquery's own table
has a `club_id`, so that the name never leads out to the row that the policy is about."""

import re
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Severity
from .relations import Policy, Table
from .scene import Scene

_ITSELF = re.compile(r"\b(\w+)\.(\w+) = \1\.\2(?!\w)")


def find(scene: Scene) -> Iterator[Finding]:
    for table in scene.relations.tables.values():
        for policy in table.policies:
            same = _ITSELF.search(f"{policy.using} {policy.check}")
            if same and policy.permissive and table.row_security:
                yield _finding(scene, table, policy, f"{same[1]}.{same[2]}")


def _finding(scene: Scene, table: Table, policy: Policy, column: str) -> Finding:
    reads = policy.command == "SELECT"
    places = scene.policy_places(table, [policy])
    return Finding(
        "rls.permissive-read" if reads else "rls.permissive-write",
        places[0],
        f"The policy “{policy.name}” of `{table.name}` compares `{column}` with itself, which is "
        f"always true: whoever has any such row passes, whichever of `{table.name}` it is about.",
        Severity.HIGH,
        Evidence.EXECUTED,
        also=places[1:],
    )
