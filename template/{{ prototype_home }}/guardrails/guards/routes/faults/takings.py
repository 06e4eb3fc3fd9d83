"""What there is only one of, or so many of: compared first, and taken in a statement of its own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.amounts import FROM_A_PROVIDER, described, may_be_negative
from ..facts.middleware import Access
from ..facts.program import Piece
from .say import HIGH, MEDIUM, at_route, finding, on_the_way, place

_COLUMN = (
    r"(?:\w*(?:balance|stock|credits?|quantity|wallet|points|inventory|seats?|coins|saldo|estoque"
    r"|capacity|spots|tickets|remaining|available)\w*)"
)
_TAKES = re.compile(
    # Drizzle: set({ credits: sql`${users.credits} - ${amount}` })
    rf"\b(?P<drizzle>{_COLUMN})\s*:\s*sql(?:<\w+>)?`\s*\$\{{[\w.]+\}}\s*-\s*\$\{{\s*(?P<a>[\w.]+)"
    # MongoDB: { $inc: { stock: -item.qty } }
    rf"|\$inc\s*:\s*\{{\s*['\"]?(?P<mongo>(?:\w+\.)*{_COLUMN})['\"]?\s*:\s*-\s*\(?(?P<b>[\w.]+)"
    # A document: product.stock -= quantity; await product.save()
    rf"|(?<![\w$.])(?P<row>(?!this\b)[a-z]\w*)\.(?P<doc>{_COLUMN})\s*-=\s*(?P<d>[\w.]+)"
    # The same, with the column named twice.
    rf"|(?<![\w$.])(?P<owner>(?!this\b)[a-z]\w*)\.(?P<left>{_COLUMN})\s*=\s*(?P=owner)\.(?P=left)\s*-\s*(?P<e>[\w.]+)"
    # SQL: SET balance = balance - $1
    rf"|\bset\s+(?P<sql>{_COLUMN})\s*=\s*(?P=sql)\s*-\s*(?P<c>\?|\$[\d\x7b][\w.]*|:\w+)",
    re.IGNORECASE,
)
_SAFE = re.compile(
    r"isolationLevel|Serializable|FOR\s+UPDATE|\.for\(\s*['\"]update|\$gte?\b"
    r"|runTransaction\(|optimisticConcurrency|pg_advisory|\block\w*\(|Redlock|LOCK\.UPDATE",
    re.IGNORECASE,
)
_BOUGHT = re.compile(r"[sS]tock|[iI]nventory|[sS]eats?|[sS]pots|[tT]ickets|[cC]apacity|[eE]stoque")


def takings(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if not case.route.writes:
            continue
        for piece in case.pieces:
            yield from _negative(case, piece)
            if not _SAFE.search(piece.code):
                yield from _counted(case, piece)
                yield from _claimed(case, piece)


def _counted(case: Case, piece: Piece) -> Iterator[Finding]:
    for taken in _TAKES.finditer(piece.code):
        named = taken["drizzle"] or taken["mongo"] or taken["sql"] or taken["doc"] or taken["left"]
        column = named.rpartition(".")[2]
        row = taken["row"] or taken["owner"]
        if row and not re.search(rf"\b{row}\.save\(", piece.code):
            continue
        if re.search(rf"\b{column}\W{{0,6}}\s*>=", _statement(piece.code, taken.end())):
            continue
        asked = re.search(
            rf"\.{column}\b[^;{{}}\n]{{0,60}}[<>]|[<>]=?[^;{{}}\n]{{0,40}}\.{column}\b",
            piece.code[: taken.start()],
        )
        if asked is None and not _BOUGHT.search(column):
            continue
        how = "compares" if asked else "never asks"
        message = (
            f"{case.route.label} {how} how much {column} is left, and takes from it with no "
            f"condition: of two at once both take, and more is gone than there was"
        )
        where = place(piece.module, piece.start + taken.start(), case.route.label)
        also = [*on_the_way(piece), at_route(case)]
        if asked:
            also.append(place(piece.module, piece.start + asked.start(), case.route.label))
        yield finding("data.read-modify-write", where, message, MEDIUM, also)
        return


def _statement(code: str, at: int) -> str:
    """What is left of a statement."""
    return code[at : at + 400].partition(";")[0]


@dataclass(frozen=True)
class _Claim:
    row: str
    column: str
    at: int


_TESTED = re.compile(
    r"\bif\s*\((?P<before>[^{};]{0,60}?)(?<![\w$.])!?\s*(?P<row>[a-z]\w*)\??\.(?P<column>status|state"
    r"|is_?(?:booked|available|used|redeemed|claimed|taken|sold|active)|booked|used|redeemed"
    r"|claimed|available|\w*(?:mentor|driver|rider|assigned|owner|claimed|worker|winner)\w*)\b"
    r"[^{};]{0,90}\)\s*\{?\s*[^{};]{0,140}\b(?:return|throw)\b",
    re.IGNORECASE,
)
_TAKEN_VALUES = (
    r"(?:['\"](?:booked|reserved|taken|claimed|sold|redeemed|used|occupied|accepted|assigned"
    r"|in_?progress|unavailable|rented)['\"]|true\b|false\b|req\.user\b|req\.user_?id\b|user_?id\b"
    r"|currentUser\b|session\.user\b)"
)
_OPEN_STATES = re.compile(
    r"['\"](?:available|open|free|pending|unassigned|unclaimed|active|requested|waiting)['\"]"
    r"|['\"](?:booked|reserved|taken|claimed|sold|redeemed|used|occupied|assigned)['\"]"
    r"|\bnull\b|!==?\s*0\b",
    re.IGNORECASE,
)


def _claimed(case: Case, piece: Piece) -> Iterator[Finding]:
    """`if (job.driver) return`, then `job.driver = me`: of two at once, both have it."""
    if case.access is Access.ROLE:
        return
    for tested in _TESTED.finditer(piece.code):
        claim = _Claim(tested["row"], tested["column"], piece.start + tested.start())
        truth = re.search(r"(?i)status|state", claim.column) is None
        paid = None if truth else _paid_out(piece, claim, tested.end())
        if not truth and not paid and not _OPEN_STATES.search(tested[0]):
            continue
        write = paid or _written(piece, claim, tested.end())
        if write is None:
            continue
        message = (
            f"{case.route.label} looks at {claim.row}.{claim.column}, pays out and only then says "
            f"so: of two at once, both are paid"
            if paid
            else f"{case.route.label} looks whether {claim.row}.{claim.column} is free and sets it "
            f"in a statement of its own: of two at once, both get it"
        )
        where = place(piece.module, claim.at, case.route.label)
        also = [at_route(case), place(piece.module, write, case.route.label)]
        severity = HIGH if paid else MEDIUM
        yield finding("data.read-modify-write", where, message, severity, also)
        return


_PAYS_OUT = re.compile(
    r"\b\w*(?:gateway|provider|paypal|payments?|payouts?|wallets?)\w*\.(?:release|refund|payout|transfer"
    r"|withdraw|disburse)\w*\(|\b\w+\.(?:transfers|payouts|refunds)\.create\("
)


def _paid_out(piece: Piece, claim: _Claim, after: int) -> int | None:
    """Money goes out before the state says so: of two at once, it goes out twice."""
    paid = _PAYS_OUT.search(piece.code, after)
    if paid is None or re.search(r"idempotency", piece.code, re.IGNORECASE):
        return None
    changed = re.search(rf"\bdata\s*:\s*\{{[^{{}}]*\b{claim.column}\s*:", piece.code[paid.end() :])
    return piece.start + paid.start() if changed else None


def _written(piece: Piece, claim: _Claim, after: int) -> int | None:
    """Where the row is given away, with no condition beside its key."""
    column, row = re.escape(claim.column), re.escape(claim.row)
    own = re.compile(rf"(?<![\w$.]){row}\.{column}\s*=(?!=)\s*{_TAKEN_VALUES}", re.IGNORECASE)
    found = own.search(piece.code, after)
    if found and re.search(rf"\b{row}\.save\(", piece.code[found.end() :]):
        return piece.start + found.start()
    update = re.compile(
        rf"(?:\.set\(|findByIdAndUpdate\([^{{}};]{{1,60}},|\.update\(\s*\{{[^;]{{0,160}}?data\s*:)"
        rf"\s*\{{(?:\s*\$set\s*:\s*\{{)?[^{{}};]{{0,160}}\b{column}\s*:\s*{_TAKEN_VALUES}",
        re.IGNORECASE,
    )
    found = update.search(piece.code, after)
    if found is None or re.search(
        rf"\band\(|\.{column}\b|\b{column}\s*:", _statement(piece.code, found.end())
    ):
        return None
    return piece.start + found.start()


_SPENT = re.compile(
    rf"\b(?:{_COLUMN})\s*:\s*sql(?:<\w+>)?`\s*\$\{{[\w.]+\}}\s*-\s*\$\{{\s*(?P<a>[\w.]+)"
    rf"|\b(?:{_COLUMN})\s*-=\s*(?P<b>[\w.]+)"
    rf"|\$inc\s*:\s*\{{\s*['\"]?(?:\w+\.)*(?:{_COLUMN})['\"]?\s*:\s*-\s*(?P<c>[\w.]+)"
    rf"|\b(?:{_COLUMN})\s*:\s*\{{\s*decrement\s*:\s*(?P<d>[\w.]+)"
    rf"|\b(?P<column>{_COLUMN})\s*:\s*[\w.!]+\.(?P=column)\s*-\s*(?P<e>[\w.]+)"
    # The value that stands first in the list is the first mark's.
    rf"|\bset\s+(?P<held>{_COLUMN})\s*=\s*(?P=held)\s*-\s*(?:\?|\$1\b)[^\[\];]{{0,200}}\[\s*(?P<f>[\w.]+)",
    re.IGNORECASE,
)
_CART = re.compile(
    r"\bitems\.push\(\s*\{[^{}]*\b(?:quantity|qty)\s*(?::\s*(?P<a>[\w.]+)|(?P<b>(?=[,}\s])))"
    r"|\.(?:quantity|qty)\s*\+=\s*(?P<c>[\w.]+)",
)


def _negative(case: Case, piece: Piece) -> Iterator[Finding]:
    """A number of the request is taken away from a balance, and may be less than nothing."""
    if case.access is Access.ROLE or described(case) or FROM_A_PROVIDER.search(case.route.path):
        return  # an invented delivery is a fault of its own, whatever number it names
    names = case.flow.of(piece)
    for sign, what, severity in ((_SPENT, "takes away", HIGH), (_CART, "counts", MEDIUM)):
        for used in sign.finditer(piece.code):
            given = (one for name, one in used.groupdict().items() if len(name) == 1 and one)
            value = next(given, "quantity")
            if not may_be_negative(case, piece, names, value):
                continue
            message = (
                f"{case.route.label} {what} {value} of the request, which may be negative: taking "
                f"less than nothing away adds"
            )
            at = piece.start + used.start()
            where = place(piece.module, at, case.route.label)
            milder = MEDIUM if _BOUGHT.search(used[0]) or "uantity" in used[0] else severity
            also = [*on_the_way(piece), at_route(case)]
            yield finding("validation.negative-amount", where, message, milder, also)
            return
