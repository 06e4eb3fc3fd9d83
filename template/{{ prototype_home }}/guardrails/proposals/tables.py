"""Row-level security, and policies for those whose rows they are, table by table."""

from collections.abc import Iterator

from ..engine.finding import Severity
from ..guards.database import policies as judged
from ..guards.database.examine import Acted
from ..guards.database.policies import SERVICE, VERBS, admitting, is_open
from ..guards.database.relations import Policy, Table
from ..guards.database.scene import Scene
from ..guards.database.sensitivity import sensitive
from ..guards.database.stranger import ANON, COMMANDS, OTHER, USER, Visitor
from .intent import EVERYBODY, Intent, Wanted, policies
from .model import Kind, Proposal
from .people import table_name
from .rightful import Lost

_VISITORS = (ANON, USER, OTHER)


def proposals(acted: Acted, intent: Intent) -> Iterator[Proposal]:
    scene = acted.scene
    for table in scene.relations.tables.values():
        if table.partition or not scene.known(table):
            continue
        if not table.row_security:
            if any(_allowed(scene, table, command) for command in COMMANDS):
                yield _proposal(scene, intent.wanted(table), ())
        elif commands := _too_open(scene, table, intent):
            guilty = _guilty(scene, table, commands)
            covered = _covered(guilty, commands)
            yield _proposal(scene, intent.wanted(table, covered), guilty)


def _allowed(scene: Scene, table: Table, command: str) -> list[Visitor]:
    return [v for v in _VISITORS if scene.matrix.attempt(table, v, command).allowed]


def _too_open(scene: Scene, table: Table, intent: Intent) -> tuple[str, ...]:
    """What strangers can do past the policies though nobody can mean it."""
    found = []
    for command in COMMANDS:
        if not _allowed(scene, table, command):
            continue
        if command == "SELECT":
            kept = intent.public_reading(table) is not None
        else:
            kept = command == "INSERT" and _harmless(scene, table)
        if not kept and any(_loose(p, command) for p in table.policies):
            found.append(command)
    return tuple(found)


def _harmless(scene: Scene, table: Table) -> bool:
    severity = judged.insert_loss(scene, table)
    return severity is None or severity <= Severity.LOW


def _loose(policy: Policy, command: str) -> bool:
    applies = policy.command in {command, "ALL"} and policy.permissive
    return applies and (is_open(policy, command) or "uid()" not in policy.using + policy.check)


def _guilty(scene: Scene, table: Table, commands: tuple[str, ...]) -> tuple[Policy, ...]:
    found: dict[str, Policy] = {}
    for command in commands:
        for visitor in _allowed(scene, table, command):
            for policy in admitting(table, [command], visitor):
                if _loose(policy, command):
                    found.setdefault(policy.name, policy)
    return tuple(found.values())


def _covered(guilty: tuple[Policy, ...], commands: tuple[str, ...]) -> tuple[str, ...]:
    """What nobody may do any more without them: those commands need policies anew."""
    done = {*commands, *(policy.command for policy in guilty)}
    return tuple(command for command in COMMANDS if command in done or "ALL" in done)


def _proposal(scene: Scene, wanted: Wanted, guilty: tuple[Policy, ...]) -> Proposal:
    table = wanted.table
    kind = Kind.POLICIES if table.row_security else Kind.ROW_SECURITY
    written = list(policies(wanted))
    statements = [] if table.row_security else [_enable(table)]
    statements += [_drop(table, policy) for policy in guilty]
    suffix = "" if wanted.strict else "_signed_in"
    return Proposal(
        kind=kind,
        name=f"{kind.replace('-', '_')}_{table.name}{suffix}",
        subject=f"{table.schema}.{table.name}",
        why=(*_why(scene, table, guilty), *_meant(wanted, bool(written))),
        statements=(*statements, *written),
        tables=frozenset({table.relation}),
        softer=lambda lost: _softer(scene, wanted, guilty, lost),
    )


def _enable(table: Table) -> str:
    return f"alter table {table_name(table)} enable row level security;"


def _drop(table: Table, policy: Policy) -> str:
    quoted = policy.name.replace('"', '""')
    return f'drop policy "{quoted}" on {table_name(table)};'


def _softer(
    scene: Scene, wanted: Wanted, guilty: tuple[Policy, ...], lost: list[Lost]
) -> Proposal | None:
    """One rung down for what the prototype does; on everything where it is somebody else's table
    that its queries then miss."""
    commands: set[str] = set()
    for one in lost:
        mine = one.query.table == wanted.table.name
        operation = one.query.operation.upper() if mine else "SELECT"
        commands |= {"INSERT", "UPDATE"} if operation == "UPSERT" else {operation}
        if one.query.returning:
            commands.add("SELECT")
    milder = wanted.relaxed(commands & set(COMMANDS))
    return _proposal(scene, milder, guilty) if milder else None


def _why(scene: Scene, table: Table, guilty: tuple[Policy, ...]) -> Iterator[str]:
    for visitor in _VISITORS:
        done = [c for c in COMMANDS if scene.matrix.attempt(table, visitor, c).allowed]
        if done:
            verbs = ", ".join(VERBS[command] for command in done)
            yield f"{scene.who(visitor)} can {verbs} rows of {table.name}{_through(guilty)}."
            break
    held = list(sensitive(column.name for column in table.columns))
    if held:
        yield f"They hold {', '.join(held[:6])}."
    if any(SERVICE.search(policy.name) for policy in guilty):
        yield "The server's own key passes every policy and needs none."


def _through(guilty: tuple[Policy, ...]) -> str:
    if not guilty:
        return ": row-level security is off"
    named = ", ".join(f"“{policy.name}”" for policy in guilty[:4])
    return f", as {'policy' if len(guilty) == 1 else 'policies'} {named} let them"


def _meant(wanted: Wanted, any_policy: bool) -> Iterator[str]:
    if not any_policy:
        yield "No page of the prototype uses the table, so only the server keeps its access."
    if wanted.open and not wanted.strict:
        verbs = ", ".join(VERBS[command] for command in COMMANDS if command in wanted.open)
        rules = [wanted.rule(command) for command in wanted.open]
        who = "anybody" if any(rule and rule.roles == EVERYBODY for rule in rules) else "every user"
        yield (
            f"This is the mild form: {who} can still {verbs} all rows, because pages of the "
            "prototype do. The strict form is among the undecided."
        )
