"""What the access matrix means: which open door is a price list, and which is somebody's data."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...engine.finding import Evidence, Finding, NotLooked, Severity
from .attempts import Outcome
from .contents import held, purpose_of, settles
from .relations import Policy, Table
from .scene import Scene
from .sensitivity import STRONG, Holds, Purpose
from .stranger import ANON, COMMANDS, OTHER, USER, Visitor

WRITES = ("UPDATE", "DELETE", "INSERT")
VERBS = {"UPDATE": "change", "DELETE": "delete", "INSERT": "add", "SELECT": "read"}
SERVICE = re.compile(r"service[ _-]*role", re.IGNORECASE)
DENY = re.compile(
    r"^(block|deny|prevent|disallow|forbid|no (public|anonymous|direct|client)"
    r"|bloque|negar|impedir)",
    re.IGNORECASE,
)
OPEN = re.compile(
    r"true|auth\.role\(\) ?= ?'(authenticated|anon)'|auth\.uid\(\) is not null"
    r"|auth\.role\(\) (is not null|= any .*'authenticated'.*)|auth\.jwt\(\) is not null"
    r"|select auth\.(uid\(\)|role\(\)).{0,12}(is not null|= 'authenticated')",
    re.IGNORECASE,
)
_CACHED = re.compile(r"(^|_)caches?$", re.IGNORECASE)
_WATCHED = re.compile(r"(^|_)(live|stream|public|community|global|lobby)")
_PROVIDERS = re.compile(r"stripe_(customer|account)_id$")  # nothing without Stripe's key
_ADDRESSED = re.compile(r"recipient|receiver|to_user|conversation|thread|direct|private|contact")


def find(scene: Scene) -> Iterator[Finding]:
    for table in scene.relations.tables.values():
        if table.partition:
            yield from _beside_its_parent(scene, table)
        elif not scene.known(table):
            scene.not_looked.append(
                NotLooked(
                    f"who may do what with the table {table.name}",
                    "the chain of migrations never creates it; only the generated types know it",
                    ("rls.disabled", "rls.permissive-write", "rls.permissive-read"),
                )
            )
        elif table.row_security:
            yield from _guarded(scene, table)
        else:
            yield from _unguarded(scene, table)


def _unguarded(scene: Scene, table: Table) -> Iterator[Finding]:
    for visitor in (ANON, USER):
        done = [
            command for command in COMMANDS if scene.matrix.attempt(table, visitor, command).allowed
        ]
        if not done:
            continue
        severity = _loss(scene, table) if set(done) - {"SELECT"} else None
        columns = scene.matrix.attempt(table, visitor, "SELECT").columns
        severity = severity or read_severity(scene, table, columns, visitor)
        yield Finding(
            "rls.disabled",
            scene.replay.place("table", table.schema, table.name),
            f"{scene.who(visitor)} can {_verbs(done)} rows of `{table.name}`: "
            "row-level security is off.",
            severity,
            scene.evidence(table),
            detail=_detail(table, done),
        )
        return


def _beside_its_parent(scene: Scene, table: Table) -> Iterator[Finding]:
    """A partition by its own name, where what guards the table it is part of does not count."""
    parent = scene.relations.tables.get(table.within or table.relation)
    if table.row_security or parent is None or not parent.row_security:
        return
    for found in _unguarded(scene, table):
        why = (
            f"row-level security is off, and that of `{parent.name}` does not reach its partitions."
        )
        yield replace(found, message=found.message.replace("row-level security is off.", why))


def _guarded(scene: Scene, table: Table) -> Iterator[Finding]:
    if not table.policies and table.relation not in scene.replay.rebuilt:
        yield Finding(
            "rls.enabled-no-policy",
            scene.replay.place("table", table.schema, table.name),
            f"`{table.name}` has row-level security and no policy: only the server can use it.",
            evidence=Evidence.EXECUTED,
        )
    yield from _let_through(scene, table)
    yield from _recursive(scene, table)
    yield from _unseen_only(scene, table)
    yield from _ineffective(scene, table)


@dataclass(frozen=True)
class _Door:
    """What a visitor could do through some policies, and what that costs."""

    visitor: Visitor
    done: tuple[str, ...]
    guilty: tuple[Policy, ...]
    severity: Severity


def _let_through(scene: Scene, table: Table) -> Iterator[Finding]:
    """One finding for what the same policies open; reading apart where others allow it."""
    visitors = (ANON, USER, OTHER)
    write = next((door for v in visitors if (door := _written(scene, table, v))), None)
    read = next((door for v in visitors if (door := _seen(scene, table, v))), None)
    if write and read and write.visitor is read.visitor and set(read.guilty) <= set(write.guilty):
        severity = max(write.severity, read.severity)
        done = ("SELECT", *write.done)
        write, read = _Door(write.visitor, done, write.guilty, severity), None
    for door in (write, read):
        if door is not None:
            yield _finding(scene, table, door)


def _written(scene: Scene, table: Table, visitor: Visitor) -> _Door | None:
    done = tuple(c for c in WRITES if scene.matrix.attempt(table, visitor, c).allowed)
    if not done:
        return None
    severity = _loss(scene, table) if done != ("INSERT",) else insert_loss(scene, table)
    if severity is None:
        return None
    return _Door(visitor, done, admitting(table, done, visitor), severity)


def _seen(scene: Scene, table: Table, visitor: Visitor) -> _Door | None:
    attempt = scene.matrix.attempt(table, visitor, "SELECT")
    if not attempt.allowed:
        return None
    severity = read_severity(scene, table, attempt.columns, visitor)
    return _Door(visitor, ("SELECT",), admitting(table, ["SELECT"], visitor), severity)


def _rule(door: _Door) -> str:
    if any(SERVICE.search(policy.name) for policy in door.guilty):
        return "rls.service-role-policy"
    writes = door.done != ("SELECT",)
    if writes and any(DENY.search(policy.name) for policy in door.guilty):
        return "rls.permissive-deny"
    if door.visitor is not ANON:
        return "rls.any-signed-in"
    return "rls.permissive-write" if writes else "rls.permissive-read"


def _finding(scene: Scene, table: Table, door: _Door) -> Finding:
    places = scene.policy_places(table, door.guilty)
    return Finding(
        _rule(door),
        places[0],
        f"{scene.who(door.visitor)} can {_verbs(door.done)} {_whose(scene, table)}"
        f"{_telling(scene, table, door)}{_through(door.guilty)}.",
        door.severity,
        scene.evidence(table),
        also=places[1:],
        detail=_detail(table, door.done),
    )


def _whose(scene: Scene, table: Table) -> str:
    if scene.ownership.owned(table):
        return f"somebody else's rows of `{table.name}`"
    return f"rows of `{table.name}`"


def _telling(scene: Scene, table: Table, door: _Door) -> str:
    if "SELECT" not in door.done:
        return ""
    found = held(table, scene.matrix.attempt(table, door.visitor, "SELECT").columns)
    return f" ({', '.join(list(found)[:5])})" if found else ""


def _through(guilty: Sequence[Policy]) -> str:
    if not guilty:
        return ""
    named = ", ".join(f"“{policy.name}”" for policy in guilty[:3])
    return f": {'policy' if len(guilty) == 1 else 'policies'} {named}"


def _unseen_only(scene: Scene, table: Table) -> Iterator[Finding]:
    """Who may change everything, and can't, as they see none of it: the policy stops nobody."""
    for policy in table.policies:
        role = next((v for v in (ANON, USER) if policy.applies("UPDATE", v.role)), None)
        if role is None or not policy.permissive or not is_open(policy, "UPDATE"):
            continue
        tried = [scene.matrix.attempt(table, v, "UPDATE").outcome for v in (ANON, USER)]
        if Outcome.POLICY in tried and Outcome.ALLOWED not in tried and not _kept(table, role):
            grave = purpose_of(table) is Purpose.PRIVILEGE or settles(table)
            places = scene.policy_places(table, [policy])
            yield Finding(
                "rls.permissive-write",
                places[0],
                f"Policy “{policy.name}” admits everybody to change rows of `{table.name}`: other "
                "people's are safe only as nobody else can read them, and their own users change "
                "as they like.",
                Severity.HIGH if grave else Severity.MEDIUM,
                scene.evidence(table),
                also=places[1:],
            )
            return


def _kept(table: Table, visitor: Visitor) -> bool:
    """Whether a restrictive policy says whose rows may be changed."""
    return any(
        policy.applies("UPDATE", visitor.role) and not is_open(policy, "UPDATE")
        for policy in table.policies
        if not policy.permissive
    )


def _recursive(scene: Scene, table: Table) -> Iterator[Finding]:
    attempt = scene.matrix.attempt(table, USER, "SELECT")
    if "infinite recursion" in attempt.why and table.policies:
        yield Finding(
            "rls.recursive-policy",
            scene.policy_places(table, [table.policies[0]])[0],
            f"No user can read `{table.name}`: its policies end in {attempt.why}.",
            evidence=scene.evidence(table),
        )


def _ineffective(scene: Scene, table: Table) -> Iterator[Finding]:
    """Policies that should block and, being permissive, only fail to allow."""
    for policy in table.policies:
        if not (policy.permissive and DENY.search(policy.name)):
            continue
        if "false" not in {policy.using, policy.check}:
            continue
        commands = COMMANDS if policy.command == "ALL" else (policy.command,)
        for visitor in (ANON, USER):
            passed = [c for c in commands if scene.matrix.attempt(table, visitor, c).allowed]
            if passed and policy.applies(passed[0], visitor.role):
                yield Finding(
                    "rls.permissive-deny",
                    scene.policy_places(table, [policy])[0],
                    f"Policy “{policy.name}” blocks nothing: {scene.who(visitor).lower()} can "
                    f"{_verbs(passed)} rows of `{table.name}` all the same.",
                    Severity.MEDIUM,
                    scene.evidence(table),
                )
                break


def admitting(table: Table, done: Sequence[str], visitor: Visitor) -> tuple[Policy, ...]:
    """The policies that let it happen, those that admit everybody first."""
    found: dict[str, Policy] = {}
    for command in done:
        able = [
            policy
            for policy in table.policies
            if policy.permissive and policy.applies(command, visitor.role)
            if "false" not in {policy.using, policy.check}
        ]
        opened = [p for p in able if is_open(p, command)]
        for policy in opened or [p for p in able if "uid()" not in p.using + p.check] or able:
            found.setdefault(policy.name, policy)
    return tuple(found.values())


def is_open(policy: Policy, command: str) -> bool:
    expression = (policy.check or policy.using) if command == "INSERT" else policy.using
    bare = re.sub(r"::text|\s+AS \w+", "", expression).strip("() \n")
    return OPEN.fullmatch(re.sub(r"\s+", " ", bare).strip("() ")) is not None


def is_sensitive(scene: Scene, table: Table) -> bool:
    """Whether its rows are somebody's: a person's data, or what decides who may do what."""
    kind = purpose_of(table)
    if kind in {Purpose.PERSONAL, Purpose.PRIVILEGE}:
        return True
    kept = set(held(table, (column.name for column in table.columns)).values())
    if kind in {Purpose.BUSINESS, Purpose.CATALOGUE}:
        return Holds.SECRET in kept
    return _belongs(scene, table) or bool(kept & STRONG)


def _belongs(scene: Scene, table: Table) -> bool:
    """Whether a row says whose it is: a person's or an organisation's."""
    return scene.ownership.owned(table) or bool(scene.ownership.tenant_columns(table))


def _loss(scene: Scene, table: Table) -> Severity:
    """What it costs when rows are changed or deleted."""
    if _CACHED.search(table.name) and not is_sensitive(scene, table):
        return Severity.MEDIUM
    return Severity.CRITICAL if is_sensitive(scene, table) else Severity.HIGH


def insert_loss(scene: Scene, table: Table) -> Severity | None:
    """What it costs when rows can only be added: a contact form is meant to be."""
    kind = purpose_of(table)
    owned = scene.ownership.owned(table)
    if kind is Purpose.INTAKE:
        return None
    if kind is Purpose.PRIVILEGE:
        return Severity.CRITICAL if owned else Severity.HIGH
    if settles(table):
        return Severity.HIGH
    return Severity.MEDIUM if owned else Severity.LOW


def read_severity(scene: Scene, table: Table, columns: Sequence[str], visitor: Visitor) -> Severity:
    severity = _exposure(scene, table, columns)
    if visitor is ANON or severity is Severity.INFO:
        return severity
    return Severity(severity - 1)


def _exposure(scene: Scene, table: Table, columns: Sequence[str]) -> Severity:
    """What it costs when everybody can read these columns."""
    kind = purpose_of(table)
    kept = {holds for name, holds in held(table, columns).items() if not _PROVIDERS.match(name)}
    owned = _belongs(scene, table)
    if kind in {Purpose.BUSINESS, Purpose.CATALOGUE}:
        return _shop_window(kept)
    if Holds.SECRET in kept:
        return Severity.CRITICAL
    if kept & STRONG:
        personal = kind is not Purpose.UNKNOWN or owned
        somebody = kept & {Holds.NAME, Holds.IDENTITY, Holds.HEALTH}
        return Severity.CRITICAL if personal or somebody else Severity.MEDIUM
    if kind is Purpose.PERSONAL or (kind is Purpose.INTAKE and (kept or owned)):
        profile = Holds.NAME in kept or {"username", "avatar_url"} & set(columns)
        plain = profile or not kept
        if Holds.MESSAGE in kept:
            plain = _is_broadcast(table.name, columns)
        return Severity.MEDIUM if plain else Severity.HIGH
    if kind is Purpose.PRIVILEGE or owned:
        return Severity.MEDIUM
    return Severity.LOW


def _is_broadcast(name: str, columns: Sequence[str]) -> bool:
    """Whether what is said there is said to everybody who watches."""
    text = " ".join([name, *columns])
    return bool(_WATCHED.search(name)) and not _ADDRESSED.search(text)


def _shop_window(held: set[Holds]) -> Severity:
    """Of what is meant to be shown."""
    if Holds.SECRET in held:
        return Severity.HIGH
    if held & {Holds.IDENTITY, Holds.HEALTH, Holds.MONEY}:
        return Severity.MEDIUM
    return Severity.LOW if Holds.CONTACT in held else Severity.INFO


def _verbs(done: Sequence[str]) -> str:
    words = [VERBS[command] for command in done]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _detail(table: Table, done: Sequence[str]) -> dict[str, object]:
    return {
        "table": f"{table.schema}.{table.name}",
        "commands": list(done),
        "purpose": purpose_of(table).value,
        "sensitive": sorted(held(table, (column.name for column in table.columns))),
    }
