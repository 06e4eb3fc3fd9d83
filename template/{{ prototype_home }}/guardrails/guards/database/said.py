"""What somebody has written to somebody else: whether the other side can rewrite it, tried.

“Mark as read” needs a policy by which the receiver changes the row, and a policy knows no columns.
"""

import re
from collections.abc import Iterator

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from ...engine.finding import Finding, Severity
from . import once
from .relations import Column, Table
from .scene import Scene
from .seeding import STRANGER, VICTIM, Draft, Row, Seeder, text
from .sensitivity import words
from .stranger import USER, Stage

_AUTHOR = re.compile(r"(sender|author|from|from_user|writer|remetente|emisor|expediteur)(_id)?")
_WORDS = re.compile(
    r"(message|content|body|text|mensagem|mensaje|contenu|conteudo|contenido)(_(text|body|content))?"
)
_BY_ROLE = re.compile(r"has_\w*role|admin|service_role|staff", re.IGNORECASE)
_TAKES_PART = re.compile(r"particip|member|recipient")


def find(scene: Scene, stage: Stage, seeder: Seeder) -> Iterator[Finding]:
    for table in scene.relations.tables.values():
        row = scene.seeded.row(table.relation, VICTIM)
        author, said = _author(scene, table), _said(table)
        if row is None or author is None or said is None or not table.row_security:
            continue
        policies = [p for p in table.policies if p.permissive and p.applies("UPDATE", USER.role)]
        open_ = scene.matrix.attempt(table, USER, "UPDATE").allowed
        if not policies or open_ or not _rewritten(scene, stage, seeder, row, author, said):
            continue
        policies = [p for p in policies if not _BY_ROLE.search(p.using)] or policies
        places = scene.policy_places(table, policies)
        yield Finding(
            "rls.permissive-write",
            places[0],
            f"Who is written to can change `{table.name}.{said.name}`: what somebody else has "
            f"said is then no longer what they said (“{policies[0].name}”).",
            Severity.MEDIUM,
            scene.evidence(table),
            also=places[1:],
        )


def _author(scene: Scene, table: Table) -> str | None:
    owners = scene.ownership.owners.get(table.relation, frozenset())
    return next((name for name in sorted(owners) if _AUTHOR.fullmatch(words(name))), None)


def _said(table: Table) -> Column | None:
    return next(
        (one for one in table.columns if one.category == "S" and _WORDS.fullmatch(words(one.name))),
        None,
    )


def _rewritten(
    scene: Scene, stage: Stage, seeder: Seeder, row: Row, author: str, said: Column
) -> bool:
    change = SQL("update {} set {} = 'changed' where {}").format(
        row.table.sql, Identifier(said.name), row.condition
    )
    try:
        with stage.undone():
            stage.become_owner()
            _let_in(scene, stage, seeder, row, author)
            with stage.visited(USER):
                return stage.run(change, row.parameters)[0] > 0
    except psycopg.Error:
        return False


def _let_in(scene: Scene, stage: Stage, seeder: Seeder, row: Row, author: str) -> None:
    """The stranger becomes the other side: of the row, or of what it hangs on."""
    _give(stage, row, sorted(_persons(scene, row.table) - {author}))
    for key in row.table.references:
        parent = scene.seeded.row(key.target, VICTIM)
        if parent is None or len(key.columns) > 1 or _persons(scene, row.table) & {key.columns[0]}:
            continue
        if text(row.values.get(key.columns[0])) != text(parent.values.get(key.target_columns[0])):
            continue
        _give(stage, parent, sorted(_persons(scene, parent.table))[-1:])
        for table in scene.relations.tables.values():
            if _TAKES_PART.search(table.name) and any(
                one.target == key.target for one in table.references
            ):
                seeder.put(Draft(seeder, table, STRANGER))


def _persons(scene: Scene, table: Table) -> frozenset[str]:
    return scene.ownership.owners.get(table.relation, frozenset())


def _give(stage: Stage, row: Row, columns: list[str]) -> None:
    """These columns name the stranger from now on; nothing is set off by that."""
    if not columns or set(columns) & set(row.key):
        return
    given = SQL(", ").join(
        SQL("{} = {}").format(Identifier(name), Literal(STRANGER.uid)) for name in columns
    )
    statement = SQL("update {} set {} where {}").format(row.table.sql, given, row.condition)
    stage.connection.execute("set local session_replication_role = replica")
    stage.connection.execute(once.beside_values(statement), row.parameters)
    stage.connection.execute("set local session_replication_role = origin")
