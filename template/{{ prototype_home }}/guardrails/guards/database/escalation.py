"""Whether users can give themselves a role, a plan, credit or another organisation: tried."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Identifier

from ...engine.finding import Finding, Severity
from . import once
from .contents import purpose_of
from .ownership import compared
from .policies import Scene
from .relations import Column, Policy, Table
from .requests import decided_by_others, granted, is_worth
from .seeding import STRANGER, VICTIM, Draft, Row, Seeder, insertion, text
from .sensitivity import Purpose, privileged, words
from .stranger import USER, Stage
from .values import MIGHTY, candidates

GAIN = {
    "control": "role",
    "tenant": "organisation",
    "money": "balance",
    "entitlement": "plan",
    "approval": "approval",
    "payment": "price or payment",
    "answer": "answer to what they ask for",
    "standing": "standing",
}
SEVERITY = {
    "control": Severity.CRITICAL,
    "tenant": Severity.CRITICAL,
    "money": Severity.CRITICAL,
    "entitlement": Severity.HIGH,
    "approval": Severity.MEDIUM,
    "payment": Severity.HIGH,
    "answer": Severity.MEDIUM,
    "standing": Severity.MEDIUM,
}
PAID = re.compile(
    r"subscri(ption|bers?$)|assinatura|suscripcion|membership|license|entitlement|abonnement"
)
SALE = re.compile(
    r"(^|_)(orders?|bookings?|reservations?|purchases?|pedidos?|reservas?|compras?|enrol{1,2}ments?)$"
)
OWED = re.compile(
    r"payment_status|(is_)?paid|(total|final|unit|grand)?_?(price|total|amount)|total_(price|amount)"
    r"|preco|valor(_total)?|monto"
)
PAYMENT = re.compile(
    r"(^|_)(payments?|pagamentos?|pagos?|paiements?|escrows?|payouts?|transactions?)$"
)
PROVIDER = re.compile(
    r"stripe|paypal|razorpay|paystack|mercado|flutterwave|payment_?intent|checkout_?session"
)
OUTCOME = re.compile(r"(payment_)?status|(is_)?paid|estado|amount|monto")
BUYER = re.compile(r"(customer|buyer|client|guest|passenger|student|patient|cliente)_?(id)?$")
SELLERS = re.compile(r"admin|staff|seller|vendor|owner|driver|provider|has_role", re.IGNORECASE)
ACTIVE = (
    "active",
    "paid",
    "approved",
    "verified",
    "accepted",
    "granted",
    "aprovado",
    "aprobado",
    "aceptada",
    "disetujui",
    "premium",
    "pro",
    "enterprise",
    "completed",
    "ativo",
    "activo",
)


@dataclass(frozen=True)
class Gain:
    column: Column
    kind: str
    value: str
    how: str
    """`UPDATE` or `INSERT`."""


def find(scene: Scene, stage: Stage, seeder: Seeder) -> Iterator[Finding]:
    for table in scene.relations.tables.values():
        if table.partition or not table.row_security or not scene.ownership.owned(table):
            continue
        gains = gains_in(scene, stage, seeder, table)
        if gains:
            yield _finding(scene, table, gains)


def gains_in(scene: Scene, stage: Stage, seeder: Seeder, table: Table) -> list[Gain]:
    """What users can give themselves in rows of their own; nothing where all rows are open."""
    tempting = _tempting(scene, table)
    if not tempting or _open_anyway(scene, table):
        return []
    return _gains(scene, stage, seeder, table, tempting)


def _tempting(scene: Scene, table: Table) -> list[tuple[Column, str]]:
    """The columns that decide what their row's owner may do."""
    owed = OWED if _is_sale(scene, table) else OUTCOME if _is_payment(table) else None
    if owed is not None:
        return [
            (column, "payment")
            for column in table.columns
            if owed.fullmatch(words(column.name)) and not column.generated
        ]
    if purpose_of(table) not in {Purpose.PERSONAL, Purpose.PRIVILEGE, Purpose.UNKNOWN}:
        return []
    paid = PAID.search(words(table.name)) is not None
    person = _is_person(scene, table)
    found = []
    for column in table.columns:
        kind = _decides(table, column, paid=paid, person=person)
        if kind is None or column.generated or column.name in table.key:
            continue
        if scene.ownership.identifies(table, column.name):
            continue
        # A plan or a balance decides something in the row of a person; in a list of their bank
        # accounts or budgets it is what they noted down.
        if person or paid or (kind == "control" and purpose_of(table) is Purpose.PRIVILEGE):
            found.append((column, kind))
    asked = [] if person else decided_by_others(scene.ownership, table)
    return [*found, *((column, "answer") for column in asked)]


def _decides(table: Table, column: Column, *, paid: bool, person: bool) -> str | None:
    if paid and column.name == "status":
        return "entitlement"
    return privileged(column.name) or ("approval" if person and granted(table, column) else None)


def _is_payment(table: Table) -> bool:
    """What a provider was paid: a list of one's own expenses knows no provider."""
    return PAYMENT.search(words(table.name)) is not None and any(
        PROVIDER.search(column.name) for column in table.columns
    )


def _is_person(scene: Scene, table: Table) -> bool:
    """One row a user: a profile, settings, a wallet."""
    owners = scene.ownership.owners.get(table.relation, frozenset())
    alone = [set(columns) for columns in (table.key, *table.unique) if len(columns) == 1]
    return any(columns <= owners for columns in alone)


def _is_sale(scene: Scene, table: Table) -> bool:
    """A row that a customer makes and somebody else is paid for: no list of one's own sales."""
    if not SALE.search(words(table.name)):
        return False
    owners = scene.ownership.owners.get(table.relation, frozenset())
    others = any(SELLERS.search(policy.using + policy.check) for policy in table.policies)
    return others or any(BUYER.search(words(name)) for name in owners)


def _open_anyway(scene: Scene, table: Table) -> bool:
    """Others' rows can be written, which is said already."""
    return any(
        scene.matrix.attempt(table, USER, command).allowed for command in ("UPDATE", "INSERT")
    )


def _gains(
    scene: Scene, stage: Stage, seeder: Seeder, table: Table, tempting: Sequence[tuple[Column, str]]
) -> list[Gain]:
    found: list[Gain] = []
    with stage.undone():
        row = _own_row(seeder, table)
        if row is not None:
            for column, kind in tempting:
                if kind == "answer" and len(scene.ownership.owners[table.relation]) > 1:
                    continue  # in this row the stranger is the one who answers, too
                for value in _wanted(scene, table, column, kind, row):
                    if _updated(stage, row, column, value):
                        found.append(Gain(column, kind, value, "UPDATE"))
                        break
    if found:
        return found
    return _inserted(scene, stage, seeder, table, tempting)


def _own_row(seeder: Seeder, table: Table) -> Row | None:
    """The stranger's row: made when they signed up, or put there in its most modest form."""
    owners = sorted(seeder.ownership.owners.get(table.relation, ()))
    for owner in owners:
        query = SQL("select to_jsonb(t.*) from {} t where {}::text = %s limit 1").format(
            table.sql, Identifier(owner)
        )
        found = seeder.connection.execute(once.beside_values(query), [STRANGER.uid]).fetchone()
        if found:
            key = table.key or (owner,)
            return Row(table, STRANGER, found[0], tuple(key))
    values, _ = seeder.insert(table, STRANGER)
    return None if not values else Row(table, STRANGER, values, table.key or tuple(owners[:1]))


def _wanted(scene: Scene, table: Table, column: Column, kind: str, row: Row | None) -> list[str]:
    """Values worth having that differ from the present one."""
    present = text(row.values.get(column.name)) if row else None
    if column.category == "B":
        wanted = ["false" if re.search(r"bann|block", column.name) else "true"]
    elif column.category == "N":
        wanted = ["100", "5", "1"]
    elif kind == "tenant" or table.reference(column.name):
        theirs = _victims(scene, table, column)
        wanted = [theirs] if theirs else []
    elif column.category == "D":
        wanted = ["2099-01-01"]
    else:
        wanted = _words(table, column, kind)
    return [value for value in wanted if value != present]


def _victims(scene: Scene, table: Table, column: Column) -> str | None:
    """The value that leads to the victim's organisation."""
    reference = table.reference(column.name)
    if reference is None:
        return VICTIM.uid if column.base == "uuid" else None
    parent = scene.seeded.row(reference.target, VICTIM)
    at = reference.columns.index(column.name)
    return text(parent.values.get(reference.target_columns[at])) if parent else None


def _words(table: Table, column: Column, kind: str) -> list[str]:
    known = [value for value in candidates(table, column, "", 0) if " " not in value]
    fixed = bool(column.labels) or any(column.name in check for _, check in table.checks)
    if kind == "control":
        mighty = [value for value in known if MIGHTY.search(value)]
        return mighty if fixed else ["admin"]
    if kind == "payment" and not fixed:
        return ["paid"]
    better = [value for value in ACTIVE if value in known]
    return better or known[::-1][:2] if fixed else ["premium"]


def _updated(stage: Stage, row: Row, column: Column, value: str) -> bool:
    """Whether the value was stored: a trigger may put the old one back without a word."""
    name = Identifier(column.name)
    statement = SQL("update {} set {} = %(value)s where {}").format(
        row.table.sql, name, row.condition
    )
    stored = SQL("select {} = %(value)s from {} where {}").format(
        name, row.table.sql, row.condition
    )
    values = {**row.parameters, "value": value}
    try:
        with stage.undone():
            with stage.staying(USER):
                stage.connection.execute(once.beside_values(statement), values)
            found = stage.connection.execute(once.beside_values(stored), values).fetchone()
            return bool(found and found[0])
    except psycopg.Error:
        return False


def _inserted(
    scene: Scene, stage: Stage, seeder: Seeder, table: Table, tempting: Sequence[tuple[Column, str]]
) -> list[Gain]:
    """A row of one's own that says so from the start."""
    cells = scene.matrix.cells.get(table.relation, {}).get(USER.name, {})
    if not (cells.get("INSERT") and cells["INSERT"].own):
        return []
    found = []
    for column, kind in tempting:
        if kind in {"approval", "payment"} or (kind == "tenant" and not _is_person(scene, table)):
            continue
        for value in _wanted(scene, table, column, kind, None):
            draft = Draft(seeder, table, STRANGER)
            seeded = scene.seeded.row(table.relation, VICTIM)
            if seeded is not None:
                draft.take_form(seeded)
            draft.values[column.name] = value
            if _accepted(stage, table, draft, column, value):
                found.append(Gain(column, kind, value, "INSERT"))
                break
    return found


def _accepted(stage: Stage, table: Table, draft: Draft, column: Column, value: str) -> bool:
    stored = (
        SQL("select from {} where {} = %s and {}::text = %s").format(
            table.sql,
            Identifier(column.name),
            Identifier(next(name for name, given in draft.values.items() if given == STRANGER.uid)),
        )
        if STRANGER.uid in draft.values.values()
        else None
    )
    if stored is None:
        return False
    try:
        with stage.undone():
            with stage.staying(USER):
                stage.connection.execute(
                    once.beside_values(insertion(table, draft.values)), draft.parameters
                )
            found = stage.connection.execute(once.beside_values(stored), [value, STRANGER.uid])
            return found.fetchone() is not None
    except psycopg.Error:
        return False


def _finding(scene: Scene, table: Table, gains: Sequence[Gain]) -> Finding:
    worst = max(gains, key=lambda gain: SEVERITY[gain.kind])
    policies = _admitting(table, worst.how)
    places = scene.policy_places(table, policies)
    named = ", ".join(f"“{policy.name}”" for policy in policies)
    names = ", ".join(f"`{table.name}.{gain.column.name}`" for gain in gains[:4])
    verb = "set" if worst.how == "UPDATE" else "insert a row of their own with"
    return Finding(
        "rls.self-escalation",
        places[0],
        f"A signed-in user can {verb} {names} and so choose their own {GAIN[worst.kind]}"
        f"{f' ({named})' if named else ''}.",
        _severity(scene, table, worst),
        scene.evidence(table),
        also=places[1:],
        detail={"columns": [gain.column.name for gain in gains], "value": worst.value},
    )


def _severity(scene: Scene, table: Table, gain: Gain) -> Severity:
    """A word that no rule in the database asks for decides only what pages show."""
    severity = SEVERITY[gain.kind]
    if gain.kind == "answer" and is_worth(table):
        return Severity.HIGH
    if gain.kind == "control" and not _asked(scene, table, gain.column):
        severity = Severity.MEDIUM if _elsewhere(scene, table) else Severity.HIGH
    return severity


def _asked(scene: Scene, table: Table, column: Column) -> bool:
    """Whether a policy of the table, or a policy or function that names it, mentions the column."""
    name = re.compile(rf"(?<!\w)(?<!auth\.){re.escape(column.name)}(?!\w|\()")
    named = re.compile(rf"(?<!\w){re.escape(table.name)}(?!\w)")
    texts = [
        (policy.using + policy.check, other is table)
        for other in scene.relations.tables.values()
        for policy in other.policies
    ]
    namesakes = [
        other.name
        for other in scene.relations.tables.values()
        if other.name != table.name and any(one.name == column.name for one in other.columns)
    ]
    texts += [
        (function.body, False)
        for function in scene.relations.functions
        if not any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", function.body) for one in namesakes)
    ]
    return any(name.search(text) and (own or named.search(text)) for text, own in texts)


def _elsewhere(scene: Scene, table: Table) -> bool:
    """Whether roles are kept in a table of their own, which policies or functions ask."""
    return any(
        other is not table
        and purpose_of(other) is Purpose.PRIVILEGE
        and any(other.name in function.body for function in scene.relations.functions)
        for other in scene.relations.tables.values()
    )


def _admitting(table: Table, how: str) -> list[Policy]:
    """The policies that let users at their own rows."""
    able = [p for p in table.policies if p.permissive and p.applies(how, USER.role)]
    own = [p for p in able if compared(p, table)]
    return [p for p in own if p.command == how] or own or able[:1]
