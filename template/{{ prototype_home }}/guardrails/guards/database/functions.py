"""What strangers reach past the policies: functions and views with their owner's rights."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.sql import SQL

from ...engine.finding import Evidence, Finding, Place, Severity
from . import once
from .arguments import argument, invocation
from .counters import decides_nothing, only_counts, only_tallies
from .relations import Function, Table, View
from .scene import Scene
from .seeding import VICTIM, Row, text
from .sensitivity import STRONG, Purpose, purpose, sensitive, words
from .stranger import ANON, ATTEMPT_MILLISECONDS, USER, Stage, Visitor

CHECKED = re.compile(
    r"auth\.(uid|jwt|role|email)\s*\(|request\.jwt|current_setting|current_user|session_user"
    r"|\b(is|has|can|check|assert|require|verify|get|current|my|user)_\w*"
    r"(admin|role|permission|access|owner|member|auth|staff|token|tenant|company|user_id|uid)\w*\s*\("
    r"|crypt\s*\(|\bhmac\s*\(|\b(?!\w*_id\b)\w*(token|secret|code|otp|hash|password|api_key)\w*\s*\)?\s*="
    # A helper that looks up who holds the token, whatever the project calls it.
    r"|\b\w*(token|secret|api_?key|signature|authoriz|authentic|permission)\w*\s*\(\s*\w*"
    r"(token|secret|key|signature|auth|uid)",
    re.IGNORECASE,
)
ROLES = re.compile(r"role|admin|permission|member|owner", re.IGNORECASE)
_INTO = re.compile(r"\bINSERT\s+INTO\s+[\w.\"]+\s*\(", re.IGNORECASE)
"""`INSERT INTO user_tokens (...)` calls nothing."""
_TELLS = re.compile(r"\braise\s+(?:log|notice|warning|info|debug)\b[^;]*;", re.IGNORECASE)
WRITES = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from)\s+(?:only\s+)?(?:\"?public\"?\.)?\"?(\w+)\"?(?=\s*(?:\(|set\b|where\b|as\b|\w+\s+set\b|using\b|values\b|select\b|;))",
    re.IGNORECASE,
)
OVERWRITES = re.compile(
    r"\bupdate\s+(?!set\b)\w|\bdelete\s+from\b|\bdo\s+update\s+set\s+(\w+)\s*=(?!\s*(?:\w+\.)*\1\b)",
    re.IGNORECASE,
)
HARMLESS = re.compile(
    r"view|click|visit|counter|_count|download|impression|like|analytics|log|track|sequence|number"
    r"|clean|purge|expire|refresh|sync|slug|health|ping|rate_limit|heartbeat|archive|calc|seed"
    r"|cache|compute|leaderboard|ranking|stats|statistic|initiali[sz]|achievement|badge|streak"
)
COUNTS = re.compile(r"(allocate|next|generate|get|assign|increment)_\w*(number|no|code|view|count)")
MONEY = re.compile(
    r"fund|credit|balance|wallet|payment|escrow|payout|refund|coin|saldo|point|role|admin|plan"
    r"|premium|subscription|transfer|invoice|donation|stock|enroll|withdraw|earning|spend|purchase"
)
BENIGN = re.compile(
    r"^_?(get|fetch|list|search|select|find|process|check|evaluate|generate|ensure|handle|detect"
    r"|bump|maybe|try|run|trigger)_|(^|_)(form|contact|lead|rsvp|waitlist|newsletter|feedback|inquiry"
    r"|survey)(_|$)"
)
RECOUNTS = re.compile(r"^_?((re)?calc|(re)?compute|recount|aggregate|refresh_|sync_|rebuild_)")
DESTROYS = re.compile(r"delete|truncate|reset|wipe|drop|remove")


@dataclass
class Effect:
    """What a call did: the victim's rows that changed, and what of theirs came back."""

    changed: list[str] = field(default_factory=list)
    told: bool = False
    added: list[str] = field(default_factory=list)


def find(scene: Scene, stage: Stage) -> Iterator[Finding]:
    yield from _search_paths(scene)
    for view in scene.relations.views:
        yield from _view(scene, stage, view)


def place(scene: Scene, function: Function) -> Place:
    """Where it was made; its arguments' types single it out."""
    types = ", ".join(kind for _, kind in function.arguments)
    return scene.replay.place("function", function.schema, f"{function.name}({types})")


def _search_paths(scene: Scene) -> Iterator[Finding]:
    for function in scene.relations.functions:
        if function.definer and not function.fixed_path:
            yield Finding(
                "db.definer-search-path",
                place(scene, function),
                f"`{function.name}` runs with its owner's rights on the caller's search_path.",
                evidence=Evidence.EXECUTED,
            )


def callable_by_strangers(scene: Scene) -> list[Function]:
    """With their owner's rights."""
    return [
        function
        for function in scene.relations.functions
        if function.definer
        and function.callers
        and function.returns not in {"trigger", "event_trigger"}
    ]


def judged(scene: Scene, stage: Stage, function: Function) -> Finding | None:
    """Call it as the least of those who may, and say what it gave or changed."""
    visitor = ANON if "anon" in function.callers else USER
    effect = _call(scene, stage, function, visitor)
    if visitor is ANON and not effect.changed and not effect.told:
        visitor, effect = _as_user(scene, stage, function)
    found = place(scene, function)
    if effect.changed:
        tables = ", ".join(f"`{name}`" for name in sorted(effect.changed))
        return Finding(
            "db.definer-no-authz",
            found,
            f"{scene.who(visitor)} can call `{function.name}`, and it changed somebody else's row "
            f"of {tables}: {_check(function, visitor)}.",
            _severity(function, effect),
            _evidence(scene, effect.changed),
        )
    if effect.told:
        return Finding(
            "db.definer-no-authz",
            found,
            f"{scene.who(visitor)} can call `{function.name}`, and it told what is somebody "
            f"else's: {_check(function, visitor)}.",
            Severity.HIGH,
            Evidence.EXECUTED,
        )
    return _read(scene, function, ANON if "anon" in function.callers else USER, found)


def _as_user(scene: Scene, stage: Stage, function: Function) -> tuple[Visitor, Effect]:
    """What whoever signs up gets done where only who has no account is turned away: in rows that
    are somebody's, and not in what is there for all to add to or to take on."""
    nothing = Effect()
    if "authenticated" not in function.callers or "uid()" not in function.body:
        return ANON, nothing
    if not function.arguments or only_counts(function.body):
        return ANON, nothing
    effect = _call(scene, stage, function, USER)
    kept = [
        table.name
        for table in scene.relations.tables.values()
        if table.name in effect.changed
        and scene.ownership.owned(table)
        and purpose(table.name) not in _SHOWN
        and not scene.matrix.attempt(table, USER, "SELECT").allowed
        and not _TAKES_ON.search(function.body)
    ]
    return USER, Effect(kept, effect.told)


_TAKES_ON = re.compile(
    r"\bset\b[^;]*?=\s*(?:\(\s*select\s+)?(?:auth\.uid\(\)|v?_?(?:user_?id|uid|caller|me)\b)",
    re.IGNORECASE,
)
"""What waits for somebody becomes the caller's."""


def _check(function: Function, visitor: Visitor) -> str:
    if not CHECKED.search(function.body):
        return "it asks nobody who is calling"
    if visitor is ANON and "uid()" in function.body:
        return (
            "without an account auth.uid() is null, so its check is neither true nor false "
            "and lets the caller through"
        )
    if visitor is USER and not ROLES.search(function.body):
        return "it asks whether somebody is signed in, and not whose that is"
    return "its check did not stop the call"


def _severity(function: Function, effect: Effect) -> Severity:
    if COUNTS.search(words(function.name)) or RECOUNTS.search(words(function.name)):
        return Severity.LOW
    if HARMLESS.search(words(function.name)) and not MONEY.search(words(function.name)):
        return Severity.LOW
    if decides_nothing(function) and not MONEY.search(words(function.name)):
        return Severity.MEDIUM  # a number that anybody raises by one tells and takes nothing
    if not function.arguments and not DESTROYS.search(words(function.name)):
        # A job whose caller decides nothing does no more than it does by itself.
        return Severity.MEDIUM
    if not OVERWRITES.search(function.body):
        return Severity.HIGH  # what changed, a trigger did on account of a row more
    serious = MONEY.search(words(f"{function.name} {' '.join(effect.changed)}"))
    somebodys = {purpose(name) for name in effect.changed} & _SOMEBODYS
    return Severity.CRITICAL if serious or somebodys else Severity.HIGH


_SOMEBODYS = {Purpose.PERSONAL, Purpose.PRIVILEGE}


def _evidence(scene: Scene, tables: list[str]) -> Evidence:
    rebuilt = any(name in tables for _, name in scene.replay.rebuilt)
    return Evidence.REBUILT if rebuilt else Evidence.EXECUTED


def _read(scene: Scene, function: Function, visitor: Visitor, found: Place) -> Finding | None:
    """The body, where no call with made-up arguments got far enough."""
    body = re.sub(r"--[^\n]*|/\*.*?\*/", "", function.body, flags=re.DOTALL)
    written = sorted({name.lower() for name in WRITES.findall(body)})
    if not written or _checked(scene, body) or not function.arguments:
        return None
    if _open_anyway(scene, visitor, written):
        return None  # it gives nothing away that is not given away already, and told there
    name = words(function.name)
    if (
        COUNTS.search(name)
        or RECOUNTS.search(name)
        or (HARMLESS.search(name) and not MONEY.search(name))
    ):
        return None
    tables = ", ".join(f"`{table}`" for table in written[:4])
    return Finding(
        "db.definer-no-authz",
        found,
        f"{scene.who(visitor)} can call `{function.name}`, which writes {tables} with its owner's "
        "rights; nothing in it looks at who is calling.",
        _unread(function, body, written),
        Evidence.READ,
    )


def _open_anyway(scene: Scene, visitor: Visitor, written: list[str]) -> bool:
    tables = [one for one in scene.relations.tables.values() if one.name in written]
    return len(tables) == len(written) and all(
        scene.matrix.attempt(table, visitor, command).allowed
        for table in tables
        for command in ("INSERT", "UPDATE")
    )


def _unread(function: Function, body: str, written: list[str]) -> Severity:
    """Of a function whose effect nobody saw: a row more, of nobody's, is a nuisance, and so is
    what it works out by itself."""
    if all("notif" in table for table in written):
        return Severity.MEDIUM if BENIGN.search(words(function.name)) else Severity.HIGH
    if MONEY.search(words(f"{function.name} {' '.join(written)}")) and not only_tallies(written):
        return Severity.CRITICAL
    if BENIGN.search(words(function.name)) or only_counts(body) or only_tallies(written):
        return Severity.MEDIUM
    overwrites = OVERWRITES.search(body) is not None
    somebodys = {purpose(name) for name in written} & _SOMEBODYS
    return Severity.HIGH if overwrites or somebodys else Severity.MEDIUM


def _checked(scene: Scene, body: str) -> bool:
    """Whether it asks who is calling, by itself or by a function that it calls."""
    if CHECKED.search(_INTO.sub("", _TELLS.sub("", body))):
        return True
    called = set(re.findall(r"\b(\w+)\s*\(", body))
    return any(
        function.name in called and re.search(r"auth\.(uid|jwt|role)\s*\(", function.body)
        for function in scene.relations.functions
    )


def _call(scene: Scene, stage: Stage, function: Function, visitor: Visitor) -> Effect:
    """Call it with the victim's ids and see what became of the victim's rows."""
    values = [argument(scene, name, kind, function) for name, kind in function.arguments]
    effect = Effect()
    try:
        with stage.undone():
            before = _written_so_far(stage)
            with stage.staying(visitor):
                given = stage.connection.execute(
                    once.beside_values(invocation(function)),
                    {f"a{n}": value for n, value in enumerate(values)},
                ).fetchmany(50)
            after = _written_so_far(stage)
            effect.told = _tells(scene, visitor, given, values)
            for oid, count in after.items():
                if count != before.get(oid):
                    _compare(scene, stage, oid, effect)
    except psycopg.Error:
        return effect
    return effect


def _written_so_far(stage: Stage) -> dict[int, int]:
    found = stage.connection.execute(
        "select relid::int8, (n_tup_ins + n_tup_upd + n_tup_del)::int8"
        " from pg_catalog.pg_stat_xact_user_tables where n_tup_ins + n_tup_upd + n_tup_del > 0"
    )
    return dict(found.fetchall())


def _compare(scene: Scene, stage: Stage, oid: int, effect: Effect) -> None:
    table = next((t for t in scene.relations.tables.values() if t.oid == oid), None)
    row = scene.seeded.row(table.relation, VICTIM) if table else None
    if table is None or row is None:
        return
    query = SQL("select to_jsonb(t.*) from {} t where {}").format(table.sql, row.condition)
    found = stage.connection.execute(once.beside_values(query), row.parameters).fetchone()
    (effect.added if found and _same(row, found[0]) else effect.changed).append(table.name)


def _same(row: Row, now: dict[str, Any]) -> bool:
    touched = re.compile(r"updated|modified|last_|_at$")
    return all(
        now.get(name) == value for name, value in row.values.items() if not touched.search(name)
    )


def _tells(scene: Scene, visitor: Visitor, given: list[Any], asked: list[str | None]) -> bool:
    """Whether what came back holds something personal of the victim that was not sent along."""
    answer = str(given)
    if VICTIM.mark not in answer:
        return False
    for (relation, person), row in scene.seeded.rows.items():
        if person is not VICTIM or purpose(relation[1]) in _SHOWN:
            continue
        readable = scene.matrix.attempt(scene.relations.tables[relation], visitor, "SELECT")
        for column, kind in sensitive(row.values).items():
            value = text(row.values[column])
            if kind not in STRONG or not value or VICTIM.mark not in value or value in asked:
                continue
            if value in answer and column not in (readable.columns if readable.allowed else ()):
                return True
    return False


_SHOWN = {Purpose.CATALOGUE, Purpose.BUSINESS}


def _view(scene: Scene, stage: Stage, view: View) -> Iterator[Finding]:
    """A view that gives a stranger more than its tables do."""
    if view.invoker and not view.materialized:
        return
    guarded = [
        table
        for base in view.bases
        if (table := scene.relations.tables.get(base)) is not None and table.row_security
    ]
    for visitor in (ANON, USER):
        closed = [table for table in guarded if not _reads(scene, table, visitor)]
        columns = _seen(stage, view, visitor)
        if not columns or not closed:
            continue
        severity = _view_severity(columns, visitor)
        tables = ", ".join(f"`{table.name}`" for table in closed)
        yield Finding(
            "db.view-bypasses-rls",
            scene.replay.place("view", view.schema, view.name),
            f"{scene.who(visitor)} can read through the view `{view.name}` what row-level security "
            f"keeps from them in {tables}.",
            severity,
            _evidence(scene, [table.name for table in closed]),
        )
        return


def _reads(scene: Scene, table: Table, visitor: Visitor) -> bool:
    return scene.matrix.attempt(table, visitor, "SELECT").allowed


def _seen(stage: Stage, view: View, visitor: Visitor) -> list[str]:
    """The columns of a row that the visitor sees in the view."""
    asked = SQL("select to_jsonb(v.*) from {} v limit 20").format(view.sql)
    try:
        with stage.undone():
            stage.connection.execute(f"set local statement_timeout = {ATTEMPT_MILLISECONDS}")
            if view.materialized:  # it holds what there was when the chain made it
                stage.become_owner()
                stage.connection.execute(SQL("refresh materialized view {}").format(view.sql))
            with stage.visited(visitor):
                found = stage.connection.execute(asked).fetchall()
    except psycopg.Error:
        return []
    theirs = [row for (row,) in found if VICTIM.mark in str(row) or VICTIM.uid in str(row)]
    if theirs:
        return [name for name, value in theirs[0].items() if value is not None]
    return []


def _view_severity(columns: list[str], visitor: Visitor) -> Severity:
    held = set(sensitive(columns).values())
    if held & STRONG:
        return Severity.CRITICAL if visitor is ANON else Severity.HIGH
    return Severity.MEDIUM if visitor is ANON else Severity.LOW
