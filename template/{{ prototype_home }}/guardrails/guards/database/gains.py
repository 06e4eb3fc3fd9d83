"""What in a row of one's own others have to decide: a role, a plan, a price, an approval."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...engine.finding import Severity
from .contents import purpose_of
from .ownership import PROFILES, TENANTS
from .relations import Column, Table
from .requests import BY_ROLE, WAITING, decided_by_others, granted
from .scene import Scene
from .sensitivity import Purpose, privileged, words
from .stranger import ANON, USER
from .values import candidates

GAIN = {
    "control": "role",
    "tenant": "organisation",
    "money": "balance",
    "entitlement": "plan",
    "identity": "proof of who they are",
    "approval": "approval",
    "payment": "price or payment",
    "access": "access to what others pay for",
    "answer": "answer to what they ask for",
    "standing": "standing",
}
SEVERITY = {
    "control": Severity.CRITICAL,
    "tenant": Severity.CRITICAL,
    "money": Severity.CRITICAL,
    "entitlement": Severity.HIGH,
    "identity": Severity.HIGH,
    "approval": Severity.MEDIUM,
    "payment": Severity.HIGH,
    "access": Severity.HIGH,
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
    r"payment_status|(is_)?paid|((total|final|unit|grand|sub)_?)?(price|total|amount)(_cents)?"
    r"|total_(price|amount|cost|paid)(_cents)?|(discount|commission|platform_fee)(_amount)?"
    r"|preco(_total)?|valor(_total)?|monto(_total)?|total_harga"
)
PAYMENT = re.compile(
    r"(^|_)(payments?|pagamentos?|pagos?|paiements?|pembayaran|escrows?|payouts?|transactions?"
    r"|invoices?|refunds?|withdrawals?|saques?|retiros?|deposits?|depositos?|top_?ups?)(_requests?)?$"
)
_PAID_OUT = re.compile(
    r"(^|_)(refunds?|withdrawals?|payouts?|cash_?outs?|reembolsos?|saques?|retiros?)(_requests?)?$"
)
PROVIDER = re.compile(
    r"stripe|paypal|razorpay|paystack|mercado|flutterwave|mpesa|midtrans|payment_?intent"
    r"|checkout_?session"
)
OUTCOME = re.compile(r"(payment_)?status|(is_)?paid|estado|amount|monto")
SETTLED = re.compile(
    r"(payment_)?status|(is_)?paid|estado|((platform|service|seller|buyer)_)?(commission|fee)"
    r"(_amount)?"
)
"""What a payer does not say of a payment; the sum is asked for, and answered by the rest."""
LEDGER = re.compile(
    r"(^|_)(wallet|credits?|coins?|points?|loyalty|rewards?|earnings?|commissions?|tokens?)"
    r"_(transactions?|ledger|entries|movements)$"
)
BUYER = re.compile(
    r"(customer|buyer|client|guest|passenger|student|patient|payer|renter|borrower|requester"
    r"|applicant|cliente|comprador)_?(id)?$"
)
SELLERS = re.compile(r"admin|staff|seller|vendor|owner|driver|provider|has_role", re.IGNORECASE)
_DECIDES = re.compile(
    r"(approv|process|review|verifi|resolv|assign|handl|reject|escalat|confirm|releas|complet)\w*"
    r"_(by|to)$"
)
_APPROVED = re.compile(
    r"approved|verified|verificad[oa]|aprovad[oa]|aprobad[oa]|disetujui", re.IGNORECASE
)
_BOUGHT = re.compile(
    r"(^|_)(purchases?|enrol{1,2}ments?|entitlements?|unlocks?|tickets?|licen[sc]es?|compras?"
    r"|matriculas?|inscripciones|inscricoes|user_courses|course_access)$"
)
_PRICE = re.compile(r"(\w+_)?(price|preco|precio|harga|cost|fee)(_(cents|usd|eur|amount))?")
_PENDING = re.compile(r"(payment_?)?(status|state)|(is_)?(paid|approved|confirmed|active)|estado")
_SYSTEM = re.compile(
    r"\b(system|server|backend|service[ _-]?role|sistema|servidor)\b", re.IGNORECASE
)
_COUNTED = re.compile(r"amount|points?|coins?|credits?|tokens?|value|delta|valor|monto|jumlah")
_WHO_THEY_ARE = re.compile(
    r"(^|_)(kyc|identity|id_verif|age_verif)|verifications?(_requests?)?(?= )"
)
_SOMEBODYS = frozenset({Purpose.PERSONAL, Purpose.PRIVILEGE, Purpose.UNKNOWN})


@dataclass(frozen=True)
class Gain:
    column: Column
    kind: str
    value: str
    how: str
    """`UPDATE` or `INSERT`."""


def worst(gains: list[Gain]) -> Severity:
    return max((SEVERITY[gain.kind] for gain in gains), default=Severity.INFO)


def asking(scene: Scene, table: Table) -> frozenset[str]:
    """The columns that name whoever makes the row; who sells or approves stands in others."""
    owners = scene.ownership.owners.get(table.relation, frozenset())
    mine = frozenset(name for name in owners if not _DECIDES.search(words(name)))
    buyers = frozenset(name for name in mine if BUYER.search(words(name)))
    return buyers or mine or owners


def tempting(scene: Scene, table: Table, how: str) -> list[tuple[Column, str]]:
    """The columns that decide what their row's owner may do."""
    owed = _owed(scene, table, how)
    if owed is not None:
        return [(column, "payment") for column in _open(table) if owed(column)]
    if LEDGER.search(words(table.name)):
        return [(one, "money") for one in _open(table) if _COUNTED.fullmatch(words(one.name))]
    person = is_person(scene, table)
    asked = () if person else decided_by_others(scene.ownership, table)
    found = {column.name: (column, "answer") for column in asked}
    for column, kind in _decisive(scene, table, person=person):
        found.setdefault(column.name, (column, kind))
    return list(found.values())


def _open(table: Table) -> Iterator[Column]:
    return (column for column in table.columns if not column.generated)


def _owed(scene: Scene, table: Table, how: str) -> Callable[[Column], bool] | None:
    """What of a sale or a payment its payer does not say."""
    if _is_sale(scene, table):
        return lambda column: (
            OWED.fullmatch(words(column.name)) is not None
            or (column.name == "status" and "paid" in candidates(table, column, "", 0))
        )
    if _is_payment(scene, table):
        said = OUTCOME if how == "UPDATE" or _is_kept_by_server(table) else SETTLED
        return lambda column: said.fullmatch(words(column.name)) is not None
    return None


def _decisive(scene: Scene, table: Table, *, person: bool) -> Iterator[tuple[Column, str]]:
    purpose = purpose_of(table)
    paid = PAID.search(words(table.name)) is not None
    account = _is_account(table)
    for column in _open(table):
        kind = _decides(scene, table, column, paid=paid, person=person)
        if kind is None or column.name in table.key:
            continue
        if scene.ownership.identifies(table, column.name):
            continue
        # A plan or a balance decides something in the row of a person; in a list of their bank
        # accounts or budgets it is what they noted down.
        if (
            kind in {"approval", "identity"}
            or (account and (kind == "entitlement" or (person and kind == "money")))
            or (purpose in _SOMEBODYS and (person or paid))
            or (kind == "money" and (_is_purse(scene, table) or _has_no_name(table, purpose)))
            or (
                kind == "control"
                and (purpose is Purpose.PRIVILEGE or _is_membership(table, column))
            )
        ):
            yield column, kind


def _decides(scene: Scene, table: Table, column: Column, *, paid: bool, person: bool) -> str | None:
    if paid and column.name == "status":
        return "entitlement"
    if column.category == "N" and _LEFT.fullmatch(words(column.name)) and _is_purse(scene, table):
        return "money"
    kind = privileged(column.name)
    if kind is None and granted(table, column) and (person or _is_approved(table, column)):
        kind = "approval"
    if kind != "approval":
        return kind
    if not person and not _is_shown(scene, table):
        return None  # of what nobody else looks at, an owner keeps their own account
    return "identity" if _WHO_THEY_ARE.search(words(f"{table.name} {column.name}")) else kind


_MEMBERS = re.compile(r"_(members?(hips?)?|participants?|collaborators?|staff)$")
_RANK = re.compile(r"admin|owner|manager|moderator", re.IGNORECASE)


def _is_membership(table: Table, column: Column) -> bool:
    """Of what somebody is a member, where the row says who leads it."""
    ranks = f"{column.default} {' '.join(text for _, text in table.checks)} {column.labels}"
    named = _MEMBERS.search(words(table.name)) is not None
    return named and bool(_RANK.search(ranks) or "member" in column.default)


_UNTOLD = re.compile(r"currency|moeda|moneda|devise|status|(^|_)(id|email)$")
_PURSE = re.compile(r"(^|_)(credits?|coins?|quotas?|allowances?|usage_limits?)(_balances?)?$")
_LEFT = re.compile(
    r"(credits_?|coins_?)?(available|remaining|left|used|total|amount|current|limit|quota|spent)"
    r"(_(credits|coins|amount))?"
)


def _is_purse(scene: Scene, table: Table) -> bool:
    """What one person has left of something: one row for each, whatever the number is called."""
    return is_person(scene, table) and _PURSE.search(words(table.name)) is not None


def _has_no_name(table: Table, purpose: Purpose) -> bool:
    """A wallet that its owner could not tell from another is the one that they have; those of a
    book of expenses are called something."""
    told = (words(column.name) for column in table.columns if column.category == "S")
    return purpose is Purpose.PRIVILEGE and all(_UNTOLD.search(name) for name in told)


def _is_approved(table: Table, column: Column) -> bool:
    """Whether somebody whose work that is looks at the rows and approves of them."""
    said = candidates(table, column, "", 0)
    return _is_reviewed(table) and any(map(_APPROVED.fullmatch, said))


def _is_reviewed(table: Table) -> bool:
    return any(BY_ROLE.search(policy.using + policy.check) for policy in table.policies)


def _is_shown(scene: Scene, table: Table) -> bool:
    """Whether others than its owner look at a row."""
    seen = (scene.matrix.attempt(table, visitor, "SELECT") for visitor in (ANON, USER))
    return _is_reviewed(table) or any(attempt.allowed for attempt in seen)


def is_person(scene: Scene, table: Table) -> bool:
    """One row a user: a profile, settings, a wallet."""
    owners = scene.ownership.owners.get(table.relation, frozenset())
    if table.relation in scene.replay.rebuilt and table.name in PROFILES:
        return bool(owners)  # no key is known of it
    alone = [set(columns) for columns in (table.key, *table.unique) if len(columns) == 1]
    return any(columns <= owners for columns in alone)


def _is_account(table: Table) -> bool:
    """What is kept of an organisation, a shop or a restaurant by who opened it here."""
    name = words(table.name)
    return bool({name, name.removesuffix("s"), re.sub(r"ies$", "y", name)} & TENANTS)


def _is_sale(scene: Scene, table: Table) -> bool:
    """A row that a customer makes and somebody else is paid for: no list of one's own sales."""
    if not SALE.search(words(table.name)):
        return False
    owners = scene.ownership.owners.get(table.relation, frozenset())
    others = any(SELLERS.search(policy.using + policy.check) for policy in table.policies)
    provided = any(PROVIDER.search(column.name) for column in table.columns)
    return others or provided or any(BUYER.search(words(name)) for name in owners)


def _is_payment(scene: Scene, table: Table) -> bool:
    """What passes between people, or by a provider: a list of one's own expenses knows neither."""
    if not PAYMENT.search(words(table.name)):
        return False
    owners = scene.ownership.owners.get(table.relation, frozenset())
    mine = asking(scene, table)
    parted = any(BUYER.search(words(name)) for name in mine) and mine != owners
    provided = any(PROVIDER.search(column.name) for column in table.columns)
    return (
        provided
        or parted
        or _is_reviewed(table)
        or _is_kept_by_server(table)
        or _is_paid_out(table)
    )


def _is_paid_out(table: Table) -> bool:
    """What is asked for and waits for somebody to pay it, though no policy says who that is."""
    return _PAID_OUT.search(words(table.name)) is not None and any(
        _PENDING.fullmatch(words(column.name)) and WAITING.fullmatch(column.default)
        for column in table.columns
    )


def _is_kept_by_server(table: Table) -> bool:
    """Whether the policy by which users add rows says that the system does."""
    return any(
        policy.applies("INSERT", USER.role) and _SYSTEM.search(policy.name)
        for policy in table.policies
    )


def bought(scene: Scene, table: Table) -> Column | None:
    """What the row gives access to, and has a price: where the row says nothing of a payment that
    is still to come, having it is all that is asked for."""
    if not _BOUGHT.search(words(table.name)):
        return None
    waits = (
        WAITING.fullmatch(column.default) or (column.category == "B" and column.default != "true")
        for column in table.columns
        if _PENDING.fullmatch(words(column.name))
    )
    if any(waits):
        return None
    for key in table.references:
        priced = scene.relations.tables.get(key.target)
        if priced is not None and len(key.columns) == 1 and _has_price(priced):
            return table.column(key.columns[0])
    return None


def _has_price(table: Table) -> bool:
    return any(
        column.category == "N" and _PRICE.fullmatch(words(column.name)) for column in table.columns
    )
