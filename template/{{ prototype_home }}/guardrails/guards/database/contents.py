"""What a table is for and what it holds, its columns and their types considered, too."""

import re
from collections.abc import Iterable

from .relations import Table
from .sensitivity import Holds, Purpose, purpose, sensitive, words

_SOLD = re.compile(r"(^|_)(stripe|paypal|razorpay|paddle|lemon_?squeezy)(_|$)|(^|_)tier$")
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
