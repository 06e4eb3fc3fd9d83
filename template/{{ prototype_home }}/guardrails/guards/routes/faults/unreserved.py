"""Money that is asked for and not put aside: the balance is looked at, nothing is taken from it.

The next request finds the same balance, and so does each one after it until somebody pays them out.
"""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.program import Piece, Program
from .say import HIGH, MEDIUM, at_route, finding, place

_BALANCE = r"\w*(?:[bB]alance|[sS]aldo|[eE]arnings|[cC]redits?|[wW]allet)\w*"
_AMOUNT = r"\w*(?:[aA]mount|[tT]otal|[vV]alor|[mM]ontant|[mM]onto|[pP]oints)\w*"
_COMPARED = re.compile(
    rf"(?:\b{_BALANCE}\b[^;{{}}&|]{{0,50}}<=?[^;{{}}=]{{0,40}}\b{_AMOUNT}\b"
    rf"|\b{_AMOUNT}\b[^;{{}}&|]{{0,50}}>=?[^;{{}}=]{{0,40}}\b{_BALANCE}\b)"
)
_REFUSED = re.compile(r"\b(?:return|throw)\b")
_ASKED_FOR = re.compile(
    r"\.from\(\s*['\"`](?P<table>\w*(?:withdraw|payout|cash_?out|saque|retrait|retiro|disburse|redemption)\w*)['\"`]\s*\)"
    r"(?:\s*as\s+\w+\s*\))?\s*\.insert\(",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    rf"\.rpc\((?!\s*['\"`]\w*(?:log|audit|notif|event|track))|\bdecrement\b|\$inc\b|-=|\bSET\s+\w*balance|\.(?:update|upsert)\(\s*\{{[^{{}}]*\b{_BALANCE}\s*[:,}}]"
    r"|\.from\(\s*['\"`]\w*(?:ledger|wallet_?transactions?|balance)\w*['\"`]\s*\)\s*\.(?:insert|update)\(",
    re.IGNORECASE,
)
_ONE_ROW = re.compile(
    r"\.select\(\s*['\"`](?:[^'\"`]*\b\w*(?:balance|saldo|credits?|earnings|wallet)\w*[^'\"`]*|\*)['\"`]\s*\)"
    r"[^;]*\.(?:single|maybeSingle)\(",
    re.IGNORECASE,
)
"""A number that is kept: one that is summed up from what was asked for counts this, too."""
_STILL_OPEN = (
    r"{table}['\"`]\s*\)[^;]{{0,200}}\.(?:eq|in)\(\s*['\"`]status['\"`][^;]{{0,80}}pending"
)


def unreserved(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        for piece in case.pieces[:2] if case.route.writes else ():
            asked = _asked(piece)
            if asked is None or _TAKEN.search(case.code):
                continue
            table = asked["table"]
            if _set_off(case.program, table):
                continue
            waits = re.search(_STILL_OPEN.format(table=table), piece.code[: asked.start()])
            then = "two at once are both let through" if waits else "so is the next request's"
            yield finding(
                "data.read-modify-write",
                place(piece.module, piece.start + asked.start(), case.route.label),
                f"{case.route.label} looks whether the balance suffices, writes down `{table}` and "
                f"takes nothing from the balance: {then}",
                MEDIUM if waits else HIGH,
                [at_route(case)],
            )
            break


def _asked(piece: Piece) -> "re.Match[str] | None":
    """Where the money is asked for, behind a balance that was compared with the amount."""
    compared = [
        one
        for one in piece.module.conditions
        if piece.start <= one.start < piece.end
        and _COMPARED.search(piece.module.slice(one.test))
        and _REFUSED.search(piece.module.slice(one.then))
    ]
    if not compared or not _ONE_ROW.search(piece.code[: compared[0].start - piece.start]):
        return None
    return _ASKED_FOR.search(piece.code, compared[0].end - piece.start)


def _set_off(program: Program, table: str) -> bool:
    """Whether the database does something of its own when such a row comes in."""
    trigger = re.compile(
        rf"\btrigger\b[^;]*\binsert\b[^;]*\bon\s+(?:\"?public\"?\.)?\"?{re.escape(table)}\b",
        re.IGNORECASE,
    )
    texts = (program.tree.text(path) or "" for path in program.tree.ending(".sql"))
    return any(trigger.search(text) for text in texts if table in text)
