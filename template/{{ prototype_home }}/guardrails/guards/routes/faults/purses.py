"""What no name of a route makes harmless: purses that are filled, and rows told to whoever asks."""

import re

from ....engine.finding import Severity
from ..facts.access import Case
from ..facts.clients import rows_decide
from ..facts.program import Piece
from .say import HIGH

_PURSE = re.compile(
    r"from\(\s*['\"`]\w*(?:wallet|balance|credit|ledger|saldo)\w*['\"`]\s*\)(?:\s*as\s+\w+\s*\))?\s*"
    r"\.(?:update|upsert|insert)\("
    r"|\.(?:update|upsert|insert)\(\s*\{[^{}]*\b(?:\w+_)?(?:balance|credits|saldo)\s*:"
)
_ASKS_A_PROVIDER = re.compile(
    r"\bfetch\(|\baxios\b|\bverif\w*\(|\.retrieve\(|\bcreateHmac\(|\bconstructEvent"
)
_WHOSE = re.compile(
    r"(?:\.(?:eq|ilike)\(\s*['\"`](?:\w+_)?(?:id|email|phone)['\"`]"
    r"|\.filter\(\s*['\"`][^'\"`]*(?:id|email|phone)['\"`]\s*,\s*['\"`]eq['\"`])"
    r"\s*,\s*([\w$.?!]+)\s*,?\s*\)"
)


_TABLE = re.compile(r"\.from\(\s*['\"`]\w+['\"`]\s*\)\s*")
_OPENS_ACCOUNTS = re.compile(r"\.(?:signUp|createUser|signInWith\w+)\(")


def fills_a_purse(case: Case) -> bool:
    """With the server's key, for whomever the request names, and nobody is asked what was paid."""
    spot = case.first(_PURSE)
    if spot is None or not case.service or _ASKS_A_PROVIDER.search(case.code):
        return False
    if _OPENS_ACCOUNTS.search(case.code):
        return False  # a newcomer's purse is made with the account
    return _names_whose(case)


_INSIDE = re.compile(
    r"from\(\s*['\"`]\w*(?:transactions?|payments?|orders?|messages?|wallets?|invoices?|profiles?"
    r"|customers?|documents?|withdrawals?|bookings?)['\"`]"
)


def told_by_action(case: Case) -> tuple[Severity, str] | None:
    """A server action is an address like any other: rows of whomever its argument names."""
    if case.route.kind != "action":
        return None
    if case.first(_INSIDE) is not None and case.service:
        found = _names_whose(case) and _returned(case)
    else:
        found = any(_of_people(case, one) for one in case.pieces) and _gives_back(case)
    return (HIGH, "hands out data of people") if found else None


_ROWS = re.compile(
    r"\b(?:prisma|db|tx)\.(?:query\.)?(?P<a>\w+)\.find\w*\(|\.from\(\s*(?:schema\.)?(?P<b>[A-Za-z]\w*)\s*\)"
    r"|\b(?P<c>[A-Z]\w+)\.find\w*\("
)
_PEOPLES = re.compile(
    r"customer|client|patient|order|expense|invoice|payment|payroll|salar|transaction|message|lead|employee"
    r"|appointment|booking|account|users?$",
    re.IGNORECASE,
)
_OF_SOMEBODY = re.compile(
    r"\b\w*(?:customer|client|patient|tenant|employee|user)_?[iI]d\b", re.IGNORECASE
)


def _of_people(case: Case, piece: Piece) -> bool:
    """Whether it reads rows that are nobody else's business: by their table, or by whose."""
    read = _ROWS.search(piece.code)
    if read is None or case.flow.of(piece).caller:
        return False
    sent = " ".join(case.flow.of(piece).sent)
    table = next(filter(None, read.groups()))
    return bool(sent) and bool(_PEOPLES.search(table) or _OF_SOMEBODY.search(sent))


_NOTHING = re.compile(
    r"\breturn\s+(?:null|true|false|undefined|\[\s*\]|\{\s*(?:success|ok|error)\b[^,{}]*\})"
)


def _gives_back(case: Case) -> bool:
    """Whether the action returns anything but that it worked."""
    own = case.pieces[0].code
    return re.search(r"\breturn\s+\w|\breturn\s+\{", _NOTHING.sub(" ", own)) is not None


def _returned(case: Case) -> bool:
    """Whether rows that were read are what the action returns."""
    for piece in case.pieces[:1]:
        for one in piece.module.bindings_in(piece.start, piece.end):
            value = piece.module.slice(one)[:1_000]
            name = re.search(r"\bdata\s*:\s*(\w+)|^\s*(\w+)\s*$|\{\s*(data)\b(?!\s*:)", one.names)
            read = ".select(" in value and _INSIDE.search(value)
            held = next(filter(None, name.groups()), "") if name and read else ""
            if held and re.search(rf"\breturn\b[^;}}]*\b{held}\b(?!\?*\.\w)", piece.code):
                return True
    return False


def _names_whose(case: Case) -> bool:
    return any(
        case.flow.of(piece).has_sent(one[1])
        and not case.flow.of(piece).has_caller(one[1])
        and not _rows_decide(case, piece, one.start())
        for piece in case.pieces
        for one in _WHOSE.finditer(piece.code)
    )


def _rows_decide(case: Case, piece: Piece, at: int) -> bool:
    """Whether it is asked with the caller's own client, which finds strangers nothing."""
    asked = list(_TABLE.finditer(piece.code, 0, at))
    return bool(asked) and rows_decide(case.program, piece, piece.start + asked[-1].end())
