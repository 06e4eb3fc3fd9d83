"""What a table is for and what it holds, its columns and their types considered, too."""

import re
from collections.abc import Iterable

from .relations import Table
from .sensitivity import Holds, Purpose, purpose, sensitive, words

_SOLD = re.compile(r"(^|_)(stripe|paypal|razorpay|paddle|lemon_?squeezy)(_|$)|(^|_)tier$")
_PASSES = re.compile(
    r"(^|_)(payments?|pagamentos?|pagos?|paiements?|escrows?|payouts?|transactions?|invoices?"
    r"|refunds?|withdrawals?|deposits?|wallets?|referrals?)(_requests?)?$"
)
_SETTLED = re.compile(r"(payment_)?status|(is_)?paid|estado|balance|saldo|bonus(_amount)?")
_TOLD_BY_A_FLAG = frozenset({Holds.HEALTH, Holds.IDENTITY})


def purpose_of(table: Table) -> Purpose:
    """`subscribers` pay where a provider or a tier is kept of them, and read a newsletter
    elsewhere."""
    known = purpose(table.name)
    if known is Purpose.INTAKE and any(_SOLD.search(words(one.name)) for one in table.columns):
        return Purpose.PRIVILEGE
    return known


def held(table: Table, names: Iterable[str]) -> dict[str, Holds]:
    """What of these columns somebody could mind; whether mail is wanted is no address."""
    flags = {column.name for column in table.columns if column.category == "B"}
    return {
        name: kind
        for name, kind in sensitive(names).items()
        if name not in flags or kind in _TOLD_BY_A_FLAG
    }


def settles(table: Table) -> bool:
    """Whether its rows say what was paid, or is to be: who writes one books money."""
    return _PASSES.search(words(table.name)) is not None and any(
        _SETTLED.fullmatch(words(column.name)) for column in table.columns
    )
