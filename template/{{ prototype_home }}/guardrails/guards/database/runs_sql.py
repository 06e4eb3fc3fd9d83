"""Functions that run whatever SQL they are given, with their owner's rights: given some."""

import re
from collections.abc import Iterator

import psycopg

from ...engine.finding import Evidence, Finding, Severity
from . import once
from .arguments import argument, invocation
from .functions import place
from .relations import Function
from .scene import Scene
from .stranger import ANON, USER, Stage, Visitor

_RUNS = re.compile(r"\bexecute\b", re.IGNORECASE)
_TEXTS = {"text", "character varying"}
_MOST_ARGUMENTS = 4
_SAID = "scratch.said"
_TELL = f"to_json(set_config('{_SAID}', current_user, true))"
# A whole statement; what ends a quoted word of one, and a bare one.
_TRIED = (f"select {_TELL}", f"x' or {_TELL} is not null or 'a' = 'b", f"1 or {_TELL} is not null")


def judged(scene: Scene, stage: Stage, function: Function) -> Finding | None:
    """Call it with SQL that only says who runs it."""
    if not _RUNS.search(function.body):
        return None
    visitor = ANON if "anon" in function.callers else USER
    for values in _tries(scene, function):
        if runs_as := _told(stage, function, visitor, values):
            return Finding(
                "db.definer-no-authz",
                place(scene, function),
                f"{scene.who(visitor)} can call `{function.name}` with SQL of their own, and it "
                f"ran with the rights of `{runs_as}`, whom no policy holds back.",
                Severity.CRITICAL,
                Evidence.EXECUTED,
            )
    return None


def _tries(scene: Scene, function: Function) -> Iterator[list[str | None]]:
    plain = [argument(scene, name, kind, function) for name, kind in function.arguments]
    texts = [n for n, (_, kind) in enumerate(function.arguments) if kind in _TEXTS]
    for at in texts[:_MOST_ARGUMENTS]:
        for tried in _TRIED:
            yield [*plain[:at], tried, *plain[at + 1 :]]


def _told(
    stage: Stage, function: Function, visitor: Visitor, values: list[str | None]
) -> str | None:
    given = {f"a{n}": value for n, value in enumerate(values)}
    try:
        with stage.undone():
            with stage.staying(visitor):
                stage.connection.execute(once.beside_values(invocation(function)), given)
            row = stage.connection.execute(
                f"select nullif(current_setting('{_SAID}', true), '')"
            ).fetchone()
    except psycopg.Error:
        return None
    told = str(row[0]) if row and row[0] else None
    return None if told == visitor.role else told
