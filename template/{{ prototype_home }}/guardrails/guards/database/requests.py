"""What one person asks for and another one grants: leave, a loan, an offer for what is on sale."""

import re

from .ownership import Ownership, compared
from .relations import Column, Policy, Table
from .sensitivity import words
from .stranger import USER
from .values import candidates

STATE = re.compile(r"(^|_)(status|state|verification|estado|situacao|statut)$")
GRANTED = re.compile(
    r"approved|verified|accepted|granted|aprovad[oa]|aceptad[oa]|aceit[oa]|verificad[oa]"
    r"|aprobad[oa]|disetujui",
    re.IGNORECASE,
)
WAITING = re.compile(
    r"pending\w*|submitted|applied|requested|pendente|pendiente|under_review|in_review",
    re.IGNORECASE,
)
BY_ROLE = re.compile(r"admin|staff|manager|\bhr\b|has_role|is_[a-z]+\(", re.IGNORECASE)
_ASKED = re.compile(
    r"request|application|withdraw|payout|verification|kyc|leave|claim|loan|refund|expense"
    r"|reimburse|deposit|approval|solicitud|solicitac|saque|retiro|pengajuan"
)
_OF_NO_WORTH = re.compile(r"delet|contact|support|callback|feature_|access_requests?$")
_WORTH = re.compile(
    r"(^|_)(amount|price|total|hours|days|quota|salary|monto|precio|valor|preco)(_|$)"
)


def granted(table: Table, column: Column) -> bool:
    """Whether it says if somebody let them: `pending` at first, `approved` by a person."""
    if not STATE.search(words(column.name)):
        return False
    known = set(candidates(table, column, "", 0))
    if any(map(GRANTED.fullmatch, known)) and any(map(WAITING.fullmatch, known)):
        return True
    # A text that nothing confines says by its default that somebody answers.
    free = not column.labels and not any(column.name in check for _, check in table.checks)
    asked = _ASKED.search(words(table.name)) and not _OF_NO_WORTH.search(words(table.name))
    return free and bool(WAITING.fullmatch(column.default) and asked)


def decided_by_others(ownership: Ownership, table: Table) -> tuple[Column, ...]:
    """The answers to requests, of which a policy says that somebody else gives them."""
    owners = ownership.owners.get(table.relation, frozenset())
    asking = {name for policy in _able(table, "INSERT") for name in compared(policy, table)}
    if not asking & owners:
        return ()
    changing = _able(table, "UPDATE")
    if not any(_is_answer(policy, table, asking) for policy in changing):
        return ()
    asked = (one for one in table.columns if granted(table, one) and not one.generated)
    return tuple(one for one in asked if not any(_at_will(p, table, asking, one) for p in changing))


def is_worth(table: Table) -> bool:
    """Whether what is granted is paid for, or paid out."""
    return any(_WORTH.search(words(column.name)) for column in table.columns)


def _able(table: Table, command: str) -> list[Policy]:
    able = (policy for policy in table.policies if policy.applies(command, USER.role))
    return [policy for policy in able if policy.permissive]


def _at_will(policy: Policy, table: Table, asking: set[str], state: Column) -> bool:
    """Whether who asks may change it anyway, whatever its state: then it is theirs to keep."""
    own = compared(policy, table)
    return bool(own) and own <= asking and state.name not in policy.using + policy.check


def _is_answer(policy: Policy, table: Table, asking: set[str]) -> bool:
    who = compared(policy, table)
    return bool(who - asking) or (not who and bool(BY_ROLE.search(policy.using)))
