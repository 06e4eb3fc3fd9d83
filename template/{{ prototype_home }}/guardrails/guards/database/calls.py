"""Functions with their owner's rights, each called as the least of those who may."""

from collections.abc import Iterator
from time import monotonic

from ...engine.finding import Finding, NotLooked
from . import runs_sql
from .favours import self_served
from .functions import callable_by_strangers, judged
from .scene import Scene
from .seeding import Seeder
from .stranger import Stage

MOST_CALLS = 300
SECONDS = 15.0


def find(scene: Scene, stage: Stage, seeder: Seeder) -> Iterator[Finding]:
    until = monotonic() + SECONDS
    for number, function in enumerate(callable_by_strangers(scene)):
        if number >= MOST_CALLS or monotonic() > until:
            why = f"calling them all would take more than {MOST_CALLS} calls or {SECONDS:.0f} s"
            scene.not_looked.append(NotLooked("some functions", why, ("db.definer-no-authz",)))
            break
        finding = (
            runs_sql.judged(scene, stage, function)
            or judged(scene, stage, function)
            or self_served(scene, stage, seeder, function)
        )
        if finding is not None:
            yield finding
