"""Money: prices that the client names, and webhooks that count twice."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Access, Case, Spot
from .flow import mentions
from .paths import property_of
from .program import Piece
from .say import HIGH, at_route, finding, place
from .signs import WEBHOOK_NAME
from .source import Call

_CHARGE = re.compile(
    r"(?:paymentIntents|checkout\.sessions|charges|orders|preferences?|invoiceItems"
    r"|transaction)\.(?:create|initialize)$|createOrder$"
)
_AMOUNT = re.compile(
    r"\b(?:amount|unit_amount|unit_price|price"
    r"|total)\s*(?::\s*([^,}\n]+(?:\([^)]*\))?[^,}\n]*)|(?=[,}]))"
)
_GIFT = re.compile(
    r"donat|\btip\b|top-?_?up|wallet|contribut|pledge|\bgift|deposit|fund", re.IGNORECASE
)
_ONCE = re.compile(
    r"event\.id|eventId|event_id|upsert|onConflict|on conflict|duplicate|idempot|already|23505"
    r"|status\s*[!=]==?\s*['\"](?:paid|completed|confirmed|succeeded)|maybeSingle|existing"
    r"|INSERT OR IGNORE|findUnique|findFirst|findOne",
    re.IGNORECASE,
)
_KEEPS_A_LOG = re.compile(
    r"(?:from\(\s*|INTO\s+)['\"`]?\w*(?:logs?|audit|history|notifications?|events?|activit\w+)"
    r"['\"`]?\s*\)?\s*$"
)
_EACH = re.compile(
    r"(?<![\w$.?])([\w$.?]{1,80}?)\??\.(?:map|flatMap|forEach|reduce)\(\s*(?:async\s*)?\(?\s*"
    r"([\w$]+)"
)
_PUT_TOGETHER = r"\b{}\.push\(\s*\{{[^{{}}]*\b\w*[pP]rice\w*\s*:\s*\w+\.\w*[pP]rice"
"""Items of an own list, each with the price of a record."""
_OWN_ID = re.compile(r"(?:id|Id|ID)$")
"""Of a price at the provider: which one may be the client's choice, what it costs is not."""
_ADDS = re.compile(
    r"\.insert\(|\.create\(|(?i:INSERT INTO)|\.rpc\(\s*['\"]\w*(?:increment|add|credit)"
    r"|\$inc|increment"
)
_NUMBER_OF = re.compile(
    r"^(?:\w+\.?\w*\(\s*)?\w*(?:quantity|qty|credits?|seats?|units?|count|tokens?)\w*\)?"
    r"\s*\*\s*(?:\d|(?-i:[A-Z][A-Z_]+\b))",
    re.IGNORECASE,
)
_COOKIE_CLIENT = re.compile(
    r"\bcreate(?:Server|RouteHandler|ServerSupabase|ServerComponent)?\w*Client\w*\("
)


def payments(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        yield from _price(case)
        yield from _webhook(case)


def _charges(call: Call) -> bool:
    """A call of a payment provider: a row of one's own that is called a transaction is none."""
    own = re.match(r"(?:prisma|db|tx|trx|storage|ctx\.(?:db|prisma))\.", call.callee)
    return bool(call.arguments) and not own and _CHARGE.search(call.callee) is not None


def _price(case: Case) -> Iterator[Finding]:
    if (
        case.access in {Access.SIGNATURE, Access.ROLE}
        or _GIFT.search(case.route.label)
        or _GIFT.search(case.own)
    ):
        return
    for piece in case.pieces:
        for call in piece.module.calls_in(piece.start, piece.end):
            at = _named_amount(case, piece, call) if _charges(call) else 0
            if at:
                message = f"{case.route.label} charges the amount that the client names"
                where = place(piece.module, at, case.route.label)
                yield finding("payments.client-price", where, message, HIGH, [at_route(case)])
                return


def _named_amount(case: Case, piece: Piece, call: Call) -> int:
    """Where an amount of the client's is charged, or 0."""
    names = case.flow.of(piece)
    each = {one[2] for one in _EACH.finditer(piece.code) if names.has_sent(one[1])}
    priced = {
        one[2]
        for one in _EACH.finditer(piece.code)
        if re.search(_PUT_TOGETHER.format(re.escape(one[1])), piece.code)
    }
    for start, given in _given(piece, call):
        for match in _AMOUNT.finditer(given):
            value = (match[1] or match[0]).strip(" :,")
            if _settled(case, piece, value) or mentions(value, priced - each):
                continue
            sent = names.has_sent(value) or mentions(value, each)
            if sent and not names.has_caller(match[0]):
                return start + match.start()
    return 0


_LISTED = re.compile(
    r"\b(?:line_?items|items)\s*:\s*([A-Za-z_$][\w$]*)\s*[,}]|^([A-Za-z_$][\w$]*)$"
)


def _given(piece: Piece, call: Call) -> Iterator[tuple[int, str]]:
    """What a charge is told: the lists that it names first, for the price stands there."""
    first = call.arguments[0]
    given = piece.module.slice(first)
    named = {one[1] or one[2] for one in _LISTED.finditer(given)}
    for binding in piece.module.bindings_in(piece.start, piece.end):
        if binding.names.strip() in named:
            yield binding.start, piece.module.slice(binding)
    yield first.start, given


def _settled(case: Case, piece: Piece, value: str) -> bool:
    if _OWN_ID.search(value) or _compared(piece.code, value) or _by_number(piece.code, value):
        return True
    return _handed_on(case, piece, value) is False


def _by_number(code: str, value: str) -> bool:
    """`credits * 100`: the client says how many, the code says what one costs."""
    made = re.search(rf"\b{re.escape(value)}\s*=\s*([^;\n]+)", code)
    return _NUMBER_OF.search(made[1] if made else value) is not None


def _handed_on(case: Case, piece: Piece, value: str) -> bool | None:
    """Whether `data.amount` is sent, where the caller's code spells out the `data` it gives."""
    named = re.search(r"\b(?!Math\.|Number\.)([A-Za-z_$]\w*)\??\.(\w+)", value)
    if named is None or piece.giver is None or piece.function is None:
        return None
    places = [
        index
        for index, one in enumerate(piece.function.parameters)
        if re.match(rf"{re.escape(named[1])}\b", one) and index < len(piece.given)
    ]
    given = piece.giver.module.slice(piece.given[places[0]]) if places else ""
    if not given.startswith("{") or "..." in given:
        return None
    found = property_of(given, named[2])
    if not found and re.search(rf"[{{,]\s*{re.escape(named[2])}\s*[,}}]", given):
        found = named[2]
    return case.flow.of(piece.giver).has_sent(found) if found else None


def _compared(code: str, value: str) -> bool:
    """Whether the amount must equal what a record says."""
    word = re.search(r"[A-Za-z_$][\w$]*", re.sub(r"^(?:Math\.\w+|Number|parse\w+)\(", "", value))
    name = re.escape(word[0]) if word else "$^"
    record = r"[A-Za-z_$][\w$]*\??\.(?!length)\w+"
    return bool(
        re.search(rf"(?<![\w$.]){name}\)?\s*[!=]==?\s*\(?(?:\w+\()?{record}", code)
        or re.search(rf"{record}\)?\s*[!=]==?\s*\(?(?:\w+\()?{name}(?![\w$.])", code)
    )


def _adds(case: Case) -> Spot | None:
    """Where a record is added, or something counted up; a second line in a log does no harm."""
    for piece in case.pieces:
        for match in _ADDS.finditer(piece.code):
            if not _KEEPS_A_LOG.search(piece.code[max(0, match.start() - 120) : match.start()]):
                return Spot(piece, piece.start + match.start())
    return None


def _webhook(case: Case) -> Iterator[Finding]:
    if case.access is not Access.SIGNATURE or not re.search(
        r"constructEvent|webhook", case.code, re.IGNORECASE
    ):
        return
    if not WEBHOOK_NAME.search(case.route.path) and "constructEvent" not in case.code:
        return
    adds = _adds(case)
    if adds and not _ONCE.search(case.code):
        message = (
            f"{case.route.label} adds a record for each delivery: the provider sends "
            f"an event again until it hears 200"
        )
        yield finding(
            "payments.no-idempotency",
            place(adds.piece.module, adds.at, case.route.label),
            message,
            HIGH,
            [at_route(case)],
        )
    client = case.first(_COOKIE_CLIENT, own=True)
    if (
        client
        and adds
        and case.bound_by_rows
        and re.search(r"cookies\(|ANON_KEY|PUBLISHABLE", case.code)
    ):
        message = (
            f"{case.route.label} writes with the client of a browser session, but a "
            f"provider's call has none"
        )
        yield finding(
            "payments.webhook-wrong-client",
            place(client.piece.module, client.at, case.route.label),
            message,
            HIGH,
            [at_route(case)],
        )
