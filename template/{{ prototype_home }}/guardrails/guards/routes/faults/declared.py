"""What counts as paid, or as money, because whoever calls says so; and prices kept by SQL."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.paths import elements_of
from ..facts.program import Piece
from ..facts.queries import queries, stem
from ..facts.signs import WEBHOOK_NAME
from ..facts.source import Call
from .orders import PROVIDERS
from .say import CRITICAL, HIGH, MEDIUM, at_route, at_spot, finding, place

_PROVIDER = re.compile(PROVIDERS + r"|getTransaction\w*\(|provider\.", re.IGNORECASE)
_PAID_IF = re.compile(
    r"([^?;{}\n]{1,160})\?(?![?.])\s*['\"](?:paid|completed|confirmed)['\"]\s*:\s*['\"]\w+['\"]"
)
_TOPS_UP = re.compile(
    r"/(?:add|load|credit|increase)-?_?(?:funds?|money|balance|credits?|cash)|/top-?_?up|/recharge"
    r"|/deposit(?:/|$)|/wallet/(?:add|credit|load|fund)|/(?:balance|wallet)/?$",
    re.IGNORECASE,
)
_FILLS = re.compile(
    r"(?:add|load|buy|purchase|top_?[uU]p|deposit|credit|increase|recharge|claim)\w*"
    r"(?:Funds?|Money|Balance|Credits?|Coins|Points|Wallet)\("
)
"""A server action is called by whatever arguments one likes."""
_ADDS = re.compile(
    r"\b\w*balance\w*\s*[=:]\s*[^;\n]*\+\s*(?:Number\(|parseFloat\()?\s*\w*amount"
    r"|\bbalance\s*\+=|\$inc\s*:\s*\{[^{}]*(?:balance|credits?|wallet)\w*['\"]?\s*:(?!\s*-)"
    r"|\b(?:balance|credits)\s*=\s*\w*\.?(?:balance|credits)\s*\+|\bincrement\s*:\s*\w*amount",
    re.IGNORECASE,
)
_INTO = re.compile(
    r"INSERT\s+INTO\s+[\"`]?(?:orders?|bookings?|purchases?|reservations?)[\"`]?\s*\(([^()]*)\)"
    r"\s*VALUES\s*\(([^()]*)\)",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    r"total(?:_?(?:amount|price|cost))?|grand_?total|amount|sub_?total|price", re.IGNORECASE
)
_AT_COUNTER = re.compile(r"cashier|staff|waiter|employee|\bpos\b|\bshift|\bseed", re.IGNORECASE)


def declared(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if not case.route.writes or case.access not in {Access.PUBLIC, Access.CALLER}:
            continue
        yield from _paid_for_a_word(case)
        yield from _others_wallet(case)
        yield from _own_balance(case)
        if not _AT_COUNTER.search(case.own):
            yield from _price_in_sql(case)


def _paid_for_a_word(case: Case) -> Iterator[Finding]:
    """`transactionHash ? "paid" : "pending"`: any text will do."""
    if _PROVIDER.search(case.own):
        return
    for piece in case.pieces[:1]:
        names = case.flow.of(piece)
        for found in _PAID_IF.finditer(piece.code):
            test = re.split(r"(?<![=!<>])[=:,](?!=)|\breturn\b", found[1])[-1]
            if names.has_sent(test) and not re.search(r"[!=]==?|[<>]", test):
                message = (
                    f"{case.route.label} marks it as paid for whatever text the request sends, and "
                    f"no payment provider is asked"
                )
                at = piece.start + found.end(1)
                where = place(piece.module, at, case.route.label)
                yield finding("payments.unverified", where, message, HIGH, [at_route(case)])
                return


def _own_balance(case: Case) -> Iterator[Finding]:
    """`POST /wallet/add-funds`: whoever is signed in has as much money as they like."""
    named = _TOPS_UP.search(case.route.path)
    if case.route.kind == "action":
        named = _FILLS.match(case.route.label)
    if not named or _PROVIDER.search(case.code):
        return
    if not any(re.search(r"amount|credits?|value", one) for one in _sent(case)):
        return
    spot = case.first(_ADDS)
    if spot is not None:
        message = (
            f"{case.route.label} adds what the request says to a balance, and nobody is asked "
            f"whether it was paid"
        )
        also = [place(spot.piece.module, spot.at, case.route.label)]
        yield finding("payments.unverified", at_route(case), message, HIGH, also)


_WALLETS = {"wallet", "balanc", "credit", "point", "account_balanc", "user_balanc", "user_wallet"}
_WHOSE = re.compile(r"^(?:user|customer|account|client|member|buyer)_?[iI]d$")


def _others_wallet(case: Case) -> Iterator[Finding]:
    """What is bought is paid out of the wallet of whichever user the request names."""
    if case.access is not Access.PUBLIC or not case.route.known or case.token_in_hand:
        return
    if WEBHOOK_NAME.search(case.route.label) or not case.pieces:
        return
    taken = next((one for one in queries(case) if one.writes and stem(one.table) in _WALLETS), None)
    whose = next((one for one in sorted(_sent(case)) if _WHOSE.match(one)), "")
    if taken is None or not whose:
        return
    piece = case.pieces[0]
    word = re.search(rf"(?<![\w$.]){whose}\b", piece.code)
    message = (
        f"{case.route.label} asks nobody who they are, and takes from the {taken.table} of the "
        f"user that the request names"
    )
    where = place(piece.module, piece.start + (word.start() if word else 0), case.route.label)
    also = [at_spot(taken.spot), at_route(case)]
    yield finding("authz.client-supplied-identity", where, message, CRITICAL, also)


def _sent(case: Case) -> set[str]:
    return set().union(*(case.flow.of(piece).sent for piece in case.pieces[:1]))


def _price_in_sql(case: Case) -> Iterator[Finding]:
    """`INSERT INTO orders (…, total) VALUES (…, $4)` with the client's own total."""
    for piece in case.pieces[:2]:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            at = next((at for value, at in _totals(piece, call) if names.has_sent(value)), None)
            if at is not None:
                message = f"{case.route.label} keeps the total that the client names"
                where = place(piece.module, at, case.route.label)
                yield finding("payments.client-price", where, message, MEDIUM, [at_route(case)])
                return


def _totals(piece: Piece, call: Call) -> Iterator[tuple[str, int]]:
    """What goes into the columns of an order that hold money, and where it is written."""
    if len(call.arguments) < 2 or call.arguments[1].kind != "array":
        return
    told = _INTO.search(piece.module.slice(call.arguments[0]))
    if told is None:
        return
    start = call.arguments[1].start
    given = list(elements_of(piece.module.slice(call.arguments[1])))
    written = [one.strip() for one in told[2].split(",")]
    for index, column in enumerate(one.strip(' \n"`') for one in told[1].split(",")):
        mark = written[index] if index < len(written) else ""
        counted = written[:index].count("?") if mark == "?" else -1
        number = int(mark[1:]) - 1 if re.fullmatch(r"\$\d+", mark) else counted
        if _TOTAL.fullmatch(column) and 0 <= number < len(given):
            first, last = given[number]
            yield piece.module.code[start + first : start + last], start + first
