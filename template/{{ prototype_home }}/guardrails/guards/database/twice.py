"""Bookings of one thing for one time: tried, a second one beside the one that is there.

A page that looks first and adds then finds the time free for two who look at once, and whoever
asks the API looks at nothing.
"""

import re
from collections.abc import Iterator

import psycopg

from ...engine.finding import Finding
from . import once
from .policies import admitting
from .relations import Table
from .scene import Scene
from .seeding import STRANGER, VICTIM, Draft, Seeder, insertion, text
from .sensitivity import words
from .stranger import USER, Stage

_BOOKINGS = re.compile(
    r"(^|_)(bookings?|reservations?|appointments?|agendamentos?|reservas?|citas?|rendez_?vous)$"
)
_ONE_AT_A_TIME = re.compile(
    r"(^|_)(room|bed|seat|table|desk|slot|doctor|provider|professional|profissional|barber|barbeiro"
    r"|stylist|staff|trainer|instructor|mentor|coach|therapist|tutor|court|quadra|pitch"
    r"|field|property|apartment|flat|villa|venue|hall|vehicle|car|bike|boat|spot|space|parking|nanny"
    r"|sitter)_?(uu)?id$"
)
_WHEN = re.compile(
    r"start|begin|check_?in|(^|_)(date|time|slot|hour|data|hora|fecha|from)(_|$)|_at$"
)
_RECORDED = re.compile(r"creat|updat|cancel|confirm|paid|delet|complet|approv|sent")
_LOOKS = re.compile(
    r"overlap|conflict|available|capacity|already|taken|&&|tstzrange", re.IGNORECASE
)


def find(scene: Scene, stage: Stage, seeder: Seeder) -> Iterator[Finding]:
    for table in scene.relations.tables.values():
        what = _what(table)
        when = [column.name for column in table.columns if _is_time(column.name)]
        attempt = scene.matrix.attempt(table, USER, "INSERT")
        if what is None or not when or not (attempt.own or attempt.allowed):
            continue
        if not _is_looked_at(scene, table) and _taken_twice(
            scene, stage, seeder, table, what, when
        ):
            places = scene.policy_places(table, admitting(table, ["INSERT"], USER))
            yield Finding(
                "data.double-booking",
                places[0],
                f"The same `{what}` can be booked twice for the same time: a second row of "
                f"`{table.name}` was taken beside the first, and no constraint refused it.",
                evidence=scene.evidence(table),
                also=places[1:],
            )


def _what(table: Table) -> str | None:
    """The column that says what is booked, where there is one of it at a time."""
    if table.partition or not table.row_security or not _BOOKINGS.search(words(table.name)):
        return None
    named = (column.name for column in table.columns if _ONE_AT_A_TIME.search(words(column.name)))
    return next(named, None)


def _is_time(name: str) -> bool:
    plain = words(name)
    return _WHEN.search(plain) is not None and _RECORDED.search(plain) is None


def _is_looked_at(scene: Scene, table: Table) -> bool:
    """Whether a trigger looks over the bookings there are; which of them count, it says itself."""
    return any(
        function.returns == "trigger"
        and table.name in function.body
        and _LOOKS.search(function.body)
        for function in scene.relations.functions
    )


def _taken_twice(
    scene: Scene, stage: Stage, seeder: Seeder, table: Table, what: str, when: list[str]
) -> bool:
    there = scene.seeded.row(table.relation, VICTIM)
    if there is None or any(there.values.get(name) is None for name in (what, when[0])):
        return False
    draft = Draft(seeder, table, STRANGER)
    draft.take_form(there)
    draft.values |= {name: text(there.values.get(name)) for name in (what, *when)}
    try:
        with stage.undone(), stage.staying(USER):
            statement = once.beside_values(insertion(table, draft.values))
            return stage.connection.execute(statement, draft.parameters).rowcount > 0
    except psycopg.Error:
        return False
