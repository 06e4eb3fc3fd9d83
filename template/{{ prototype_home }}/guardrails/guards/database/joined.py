"""Rows by which somebody lets themselves in: a member of somebody else's chat, a colleague in
somebody else's firm.

A policy says that the new row has to be one's own, and not who may be let in. It is tried: the
row is made, and then what its members read is read.
"""

from collections.abc import Iterator

import psycopg
from psycopg.sql import SQL

from ...engine.finding import Finding, Severity
from . import once
from .contents import held, purpose_of
from .policies import admitting
from .relations import Table
from .scene import Scene
from .seeding import STRANGER, VICTIM, Draft, Seeder, insertion
from .sensitivity import STRONG, Holds, Purpose
from .stranger import USER, Stage

_PRIVATE = {Purpose.PERSONAL, Purpose.PRIVILEGE}


def find(scene: Scene, stage: Stage, seeder: Seeder) -> Iterator[Finding]:
    for table in scene.relations.tables.values():
        parent = _joined(scene, table)
        if parent is None:
            continue
        opened = list(_opened(scene, stage, seeder, table))
        if opened:
            places = scene.policy_places(table, admitting(table, ["INSERT"], USER))
            names = ", ".join(f"`{one.name}`" for one in opened[:4])
            yield Finding(
                "rls.any-signed-in",
                places[0],
                f"{scene.who(USER)} can add themselves to somebody else's `{parent.name}` with a "
                f"row of `{table.name}`, and then reads what is kept from them in {names}.",
                _severity(scene, parent, opened),
                scene.evidence(table),
                also=places[1:],
            )


def told_once(open_: list[Finding], let_in: list[Finding]) -> Iterator[Finding]:
    """Of one policy the graver of the two: that all may add a row, and what the row opens."""
    worst = {one.place: one.severity or Severity.HIGH for one in open_}
    kept = [one for one in let_in if (one.severity or 0) >= worst.get(one.place, 0)]
    opening = {one.place for one in kept}
    yield from (one for one in open_ if one.place not in opening)
    yield from kept


def _joined(scene: Scene, table: Table) -> Table | None:
    """What a row of one's own makes one a part of, where anybody may add that row."""
    attempt = scene.matrix.attempt(table, USER, "INSERT")
    open_ = attempt.allowed or attempt.own
    if table.partition or not table.row_security or not open_ or not scene.ownership.owned(table):
        return None
    for key in table.references:
        parent = scene.relations.tables.get(key.target)
        if parent is None or parent is table or len(key.columns) > 1:
            continue
        if not scene.ownership.identifies(table, key.columns[0]):
            return parent
    return None


def _opened(scene: Scene, stage: Stage, seeder: Seeder, table: Table) -> Iterator[Table]:
    """The tables whose policies ask for such a row, and of which the victim's is read with it."""
    asking = [
        one
        for one in scene.relations.tables.values()
        if one is not table and _asks(scene, one, table) and _closed(scene, one)
    ]
    if not asking:
        return
    draft = _draft(scene, seeder, table)
    try:
        with stage.undone():
            with stage.staying(USER):
                stage.connection.execute(
                    once.beside_values(insertion(table, draft.values)), draft.parameters
                )
            with stage.visited(USER):
                yield from [one for one in asking if _reads(scene, stage, one)]
    except psycopg.Error:
        return


def _draft(scene: Scene, seeder: Seeder, table: Table) -> Draft:
    """The stranger's own row below what is the victim's."""
    draft = Draft(seeder, table, STRANGER)
    seeded = scene.seeded.row(table.relation, VICTIM)
    if seeded is not None:
        draft.take_form(seeded)
    return draft


def _asks(scene: Scene, table: Table, members: Table) -> bool:
    """Whether a policy by which rows are read names the table, by itself or by a function."""
    policies = [one for one in table.policies if one.applies("SELECT", USER.role)]
    texts = [one.using for one in policies]
    texts += [
        function.body
        for function in scene.relations.functions
        if any(f"{function.name}(" in one.using for one in policies)
    ]
    return any(members.name in text for text in texts)


def _closed(scene: Scene, table: Table) -> bool:
    return (
        scene.seeded.row(table.relation, VICTIM) is not None
        and not scene.matrix.attempt(table, USER, "SELECT").allowed
    )


def _reads(scene: Scene, stage: Stage, table: Table) -> bool:
    row = scene.seeded.row(table.relation, VICTIM)
    if row is None:
        return False
    statement = SQL("select 1 from {} where {}").format(table.sql, row.condition)
    try:
        return stage.run(statement, row.parameters)[0] > 0
    except psycopg.Error:
        return False


def _severity(scene: Scene, parent: Table, opened: list[Table]) -> Severity:
    """What all may look up they may be meant to join; what is closed lets nobody in on purpose."""
    kept = {
        kind
        for one in opened
        for kind in held(one, (column.name for column in one.columns)).values()
    }
    grave = bool(kept & (STRONG | {Holds.MESSAGE})) or any(
        purpose_of(one) in _PRIVATE for one in opened
    )
    listed = scene.matrix.attempt(parent, USER, "SELECT").allowed
    if listed:
        return Severity.MEDIUM if grave else Severity.LOW
    return Severity.HIGH if grave else Severity.MEDIUM
