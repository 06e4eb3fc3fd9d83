"""Orders that a customer declares paid, or whose total the customer names."""

import posixpath
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ...braces import closing_brace
from ..facts.access import Case, Spot
from ..facts.flow import Names, mentions
from ..facts.given import named_by_client
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.queries import queries
from ..facts.signs import ADMIN_PATH, BODY, WEBHOOK_NAME
from ..facts.source import Call
from .callbacks import of_a_buyer
from .prices import compared_with_record, prices, sent_as
from .say import HIGH, MEDIUM, at_route, at_spot, finding, place

_ASKED_FOR = "".join(
    rf"(?<!\b{word}\s{of})" for word in ("where", "and", "or") for of in ("", r"\w\.")
)
"""`WHERE status = 'paid'` looks for what was paid before."""
_PAID = re.compile(
    rf"{_ASKED_FOR}\b(?:\w*payment_?[sS]tatus['\"]?\s*(?::|=(?!=))\s*['\"]"
    r"(?:paid|completed|succeeded|success)['\"]"
    r"|(?:is_?paid|isPaid|payment_?[vV]erified)['\"]?\s*(?::|=(?!=))\s*true\b"
    r"|status['\"]?\s*(?::|=(?!=))\s*['\"]paid['\"]"
    r"|INTO\s+[`\"]?\w*payments?[`\"]?\s*\([^;]{1,200}VALUES[^;]{1,100}'(?:success|successful|paid|completed|succeeded)'"
    r"|\bpayment\.create\(\s*\{[^;]{0,300}?\bstatus\s*:\s*['\"](?:success|paid|completed|succeeded)['\"])",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"\b(?:payment_?[sS]tatus|is_?[pP]aid|paid)['\"]?\s*:\s*(?P<value>[\w$.?]+)"
    r"(?:\s*(?:\?\?|\|\|)\s*['\"]\w+['\"])?\s*(?=[,}\n])"
    r"|(?:\b(?P<row>[a-z]\w*)\.(?:payment_?[sS]tatus|is_?[pP]aid)\s*=(?!=)\s*(?P<given>[\w$.?]+))"
    r"|[{,]\s*(?P<short>payment_?[sS]tatus|is_?[pP]aid)\s*(?=[,}])"
)
"""Whether it is paid, in somebody's words."""
_CONFIRMED = re.compile(r"\bstatus['\"]?\s*:\s*['\"](?:confirmed|completed)['\"]")
_PAYING = re.compile(
    r"(?:confirm|complete|process|finish|finali[sz]e)-?_?\w*payment", re.IGNORECASE
)
_BOUGHT = re.compile(
    r"orders?\b|booking|reservation|purchase|subscription|enrol|ticket|checkout|pedido",
    re.IGNORECASE,
)
PROVIDERS = (
    r"\bstripe\b|\brazorpay\b|\bpaypal|\bmollie|\bsquare\b|flutterwave|paystack|mercado_?pago"
    r"|xendit|midtrans|paddle|braintree|adyen|\biugu|\basaas|\bfetch\(|axios|\bhttp\."
    r"|invoke\((?!\s*['\"](?:send|notify|e?mail)-)"
    r"|signature|hmac|retrieve|capture|(?<!jwt\.)\bverify(?!_?(?:token|auth|user|admin|jwt))\w*\("
)
_PROVIDER = re.compile(PROVIDERS + r"|transaction_?hash|txHash", re.IGNORECASE)
"""Somebody else is asked, or shown something, before it counts as paid."""
_OTHERWISE = re.compile(
    r"cashier|staff|waiter|employee|\bpos\b|\bshift_?[iI]d|(?:open|current|active)_?[sS]hift|organi[sz]ation_?id"
    r"|company_?id|tenant_?id|wallet|balance|\bcredits\b|\bpoints\b|coupon|\bfree\b|invoice|\bseed|admin\w*\s+manual",
    re.IGNORECASE,
)
"""Who works there notes what was paid at the counter, or it is paid out of a balance."""
_NOTED = re.compile(r"created_?by|recorded_?by", re.IGNORECASE)
_OWNERS = re.compile(
    r"\b(?:user|customer|buyer|client|student|guest|passenger)_?i?d?\b", re.IGNORECASE
)
_THEIRS = re.compile(
    r"\b(?:user|customer|buyer|client|student|guest|passenger)(?:_?id)?['\"]?\s*:\s*req\.user\b",
    re.IGNORECASE,
)
"""An order belongs to the caller who makes it, even where nothing compares them later."""
_ORDER = (
    r"(?:orders?|bookings?|purchases?|reservations?|appointments?|rentals?|pedidos?)['\"`]?\s*\)\s*\.(?:insert|values)"
    r"|(?:prisma|db|tx)\.\w*(?:[oO]rder|[bB]ooking|[pP]urchase|[rR]eservation|[aA]ppointment|[rR]ental)\.create"
    r"|\bnew\s+(?:Order|Booking|Purchase|Reservation|Appointment|Rental)(?:Model)?"
    r"|\b(?:Order|Booking|Purchase|Reservation|Appointment|Rental)(?:Model)?\.create"
    r"|\b(?:create|add|insert|save|place)(?:New)?(?:Order|Booking|Purchase|Reservation|Appointment|Rental)"
    r"|\b(?:order|booking|purchase|reservation|appointment|rental)(?:s|Repo|Repository|Model|Dao)\.create"
)
_ADDED = re.compile("(?:" + _ORDER + r")\s*\(\s*\[?\s*\{")
_STORED = re.compile(r"\bthis\.\w*(?:[rR]epo|[rR]epository|[mM]odel|[dD]ao)\w*\.create\(\s*\{")
"""In `booking.service.ts` a repository's rows are bookings."""
_ADDED_AS = re.compile(rf"(?:{_ORDER})\s*\(\s*\[?\s*([A-Za-z_$][\w$]*)\s*\]?\s*\)")
_AS_NUMBER = r"(?:(?:Number|parseFloat|parseInt|Math\.\w+|new\s+[\w.]*Decimal)\(\s*|\+\s*)"
_TOTAL = re.compile(
    r"\b(total(?:_?(?:amount|price|cost|fare))?|grand_?total|amount|\w*price|fare|(?:consultation_?)?fee|(?:monthly|total|agreed)_?rent)\b\s*"
    rf"(?::\s*(?:([\w$.?]+)\s*\?(?!\?)\s*{_AS_NUMBER}[^\n]*"
    rf"|(?:[\w$.]+\s*\?(?!\?)\s*)?{_AS_NUMBER}?([\w$.?]+)"
    r"(?:\s*(?:\|\||\?\?)\s*[\w.]+)?(?:\s*,\s*10)?\s*\)?"
    r"(?:\s*:\s*(?:null|0|undefined)|\s*(?:\|\||\?\?)\s*(?:0|null))?))?\s*(?=[,}\n])",
    re.IGNORECASE,
)
"""The amount itself, or made a number on the way: `Number(totalPrice || 0)`."""
_SUMMED = re.compile(r"(?<![\w$.?])([\w$.?]{1,80}?)\??\.reduce\(\s*\(\s*[\w$]+[^,]*,\s*([\w$]+)")


_ASKS_WHETHER = re.compile(
    r"(?:api\.paystack\.co|\$\{PAYSTACK\w*\})/transaction/verify|flutterwave\.com/v3/transactions/|\btransaction\.verify\("
    r"|api\.razorpay\.com/v1/payments/|\bpayments\.fetch\("
    r"|api\.mercadopago\.com/v1/payments/\$\{[^}]*\}(?!/)"
)
_ASKS_HOW_MUCH = re.compile(
    r"(?:amount|total|price|paid|expected)\w*\)?(?:\s*[!=<>]==?|\s[<>]\s)|[!=<>]==?\s*(?:\w+\(\s*)?[\w.?]*"
    r"(?:amount|total|price)|\s[<>]\s+(?:\w+\(\s*)?[\w.?]*(?:amount|total|price)"
    r"|(?:amount|total|credits?|balance)\w*['\"]?\s*[:=]\s*[^,;\n]*\b(?:data|tx|transaction|payment|result)\w*\.(?:data\.)?amount",
    re.IGNORECASE,
)
"""It is compared with what was owed, or what was paid is what is credited."""
_OPENED_BY_BROWSER = re.compile(
    r"PaystackPop|usePaystackPayment|PaystackButton|useFlutterwave|FlutterWaveButton|FlutterwaveCheckout"
    r"|react-paystack|flutterwave-react"
)


def _never_how_much(cases: list[Case]) -> Iterator[Finding]:
    """The browser opens the payment, and the server only asks whether there was one."""
    asking = [case for case in cases if case.first(_ASKS_WHETHER) or _is_told(case)]
    if not asking or not (_in_a_page(asking[0]) or any(map(_names_price, cases))):
        return
    for case in asking:
        spot = case.first(_TOLD) if _is_told(case) else case.first(_ASKS_WHETHER)
        writes = [at_spot(one.spot) for one in queries(case) if one.writes]
        if (
            spot is None
            or not dict(case.effects()).get("write")
            or _ASKS_HOW_MUCH.search(case.code)
        ):
            continue
        hears = "hears from" if _is_told(case) else "asks"
        message = (
            f"{case.route.label} {hears} the provider whether something was paid, and never how "
            f"much: the browser names the amount, so one cent pays for everything"
        )
        where = at_spot(spot, case.route.label)
        yield finding("payments.unverified", where, message, HIGH, [*writes, at_route(case)])


_TOLD = re.compile(r"['\"](?:charge\.success|charge\.completed|payment\.captured)['\"]")
"""A provider's word that somebody has paid."""


def _is_told(case: Case) -> bool:
    return case.access is Access.SIGNATURE and case.first(_TOLD) is not None


def _names_price(case: Case) -> bool:
    return any(True for _ in prices(case)) or any(True for _ in _named_total(case))


def _in_a_page(case: Case) -> bool:
    paths = (path for path in case.program.tree.files if path.endswith((".tsx", ".jsx", ".vue")))
    return any(_OPENED_BY_BROWSER.search(case.program.text(path) or "") for path in paths)


def orders(cases: list[Case]) -> Iterator[Finding]:
    yield from _never_how_much(cases)
    for case in cases:
        if case.access not in {Access.PUBLIC, Access.CALLER} or WEBHOOK_NAME.search(
            case.route.label
        ):
            continue
        led_back = case.access is Access.PUBLIC and of_a_buyer(case)
        if (case.route.method == "GET" and not led_back) or ADMIN_PATH.search(case.route.path):
            continue
        if not _OTHERWISE.search(case.own):
            yield from _declared_paid(case)
            yield from _named_total(case)


_READS = re.compile(
    r"\.(?:find|findOne|findMany|findFirst|findUnique|count\w*|aggregate|exists|distinct|where)$"
)


def _written(case: Case, sign: re.Pattern[str]) -> Spot | None:
    """Where it is set: `find({ paymentStatus: "paid" })` only asks for those that are."""
    for piece in case.pieces:
        calls = [*piece.module.calls_in(piece.start, piece.end)]
        for match in sign.finditer(piece.code):
            at = piece.start + match.start()
            if not any(one.start <= at < one.end and _only_asks(one) for one in calls):
                return Spot(piece, at)
    return None


def _only_asks(call: Call) -> bool:
    done = any("function" in one.kind for one in call.arguments)
    return not done and _READS.search(call.callee) is not None


def _declared_paid(case: Case) -> Iterator[Finding]:
    label = case.route.label
    if (
        _NOTED.search(case.own)
        or _PROVIDER.search(case.code)
        or not (_BOUGHT.search(f"{label} {case.code}") or of_a_buyer(case))
    ):
        return
    theirs = _OWNERS.search(case.code) or _THEIRS.search(case.pieces[0].module.code)
    if case.access is Access.CALLER and not theirs:
        return
    if not {name for name, _ in case.effects()} & {"write"}:
        return
    spot = _kept_paid(case) or (case.first(_CONFIRMED) if _PAYING.search(label) else None)
    spot = spot or _said_paid(case)
    if spot is not None:
        message = f"{label} marks it as paid, and no payment provider is asked"
        where = place(spot.piece.module, spot.at, label)
        body = case.first(BODY, own=True)
        also = [*([at_spot(body)] if body else []), at_route(case)]
        yield finding("payments.unverified", where, message, HIGH, also)


def _kept_paid(case: Case) -> Spot | None:
    """Where it is written down as paid: not in what is put together to be shown."""
    spot = _written(case, _PAID)
    if spot is None:
        return None
    piece = spot.piece
    around = [
        one.callee
        for one in piece.module.calls_in(piece.start, piece.end)
        if one.callee_end < spot.at < one.end
    ]
    mapped = any(one.endswith((".map", ".flatMap")) for one in around)
    if not mapped or any(map(_STORES.search, around)):
        return spot
    lists = {
        one.names.strip()
        for one in piece.module.bindings_in(piece.start, piece.end)
        if one.start <= spot.at < one.end
    }
    given = (
        piece.module.slice(each)
        for one in piece.module.calls_in(piece.start, piece.end)
        if _STORES.search(one.callee)
        for each in one.arguments
    )
    return spot if any(mentions(one, lists) for one in given) else None


_STORES = re.compile(
    r"(?:\.(?:update|insert|upsert|create|set|values|findByIdAndUpdate)|[A-Z]\w*)$"
)


def _said_paid(case: Case) -> Spot | None:
    """Where the request itself says whether it was paid, and that is kept: by the handler, or by
    a service that it hands all of it to.
    """
    for piece in case.pieces:
        for said in _SAID.finditer(piece.code):
            value = said["value"] or said["given"] or said["short"]
            at = piece.start + said.start()
            stored = said["row"] or any(
                _STORES.search(call.callee)
                for call in piece.module.calls_in(piece.start, piece.end)
                if call.callee_end < at < call.end
            )
            if stored and value != "paid" and named_by_client(case, piece, value):
                return Spot(piece, at)
    return None


def _named_total(case: Case) -> Iterator[Finding]:
    for piece in case.pieces:
        names = case.flow.of(piece)
        for start, end in _rows_added(piece):
            for total in _TOTAL.finditer(piece.code, start, end):
                value = total[2] or total[3] or total[1]
                at = _of_the_client(piece, names, value, piece.start + total.start())
                at = at or _handed_in(case, piece, value, piece.start + total.start())
                if at:
                    message = f"{case.route.label} keeps the total that the client names"
                    named = re.compile(rf"(?<![\w$.]){re.escape(value)}(?![\w$])")
                    first = named.search(piece.module.code, at)
                    also = [place(piece.module, piece.start + total.start()), at_route(case)]
                    also += [place(piece.module, first.start())] if first else []
                    also += sent_as(piece, names, piece.start + total.start())
                    where = place(piece.module, at, case.route.label)
                    yield finding("payments.client-price", where, message, MEDIUM, also)
                    return


def _rows_added(piece: Piece) -> Iterator[tuple[int, int]]:
    """Where the rows of new orders are spelled out: in the call, or under the name it is given."""
    by_file = _BOUGHT.search(posixpath.basename(piece.module.path)) is not None
    for added in (*_ADDED.finditer(piece.code), *(_STORED.finditer(piece.code) if by_file else ())):
        yield added.end(), min(closing_brace(piece.code, added.end()) + 1, added.end() + 4_000)
    named = {added[1] for added in _ADDED_AS.finditer(piece.code)}
    for one in piece.module.bindings_in(piece.start, piece.end) if named else ():
        if one.names.strip() in named and piece.module.slice(one).startswith("{"):
            yield one.start - piece.start, min(one.end, one.start + 4_000) - piece.start


def _of_the_client(piece: Piece, names: Names, value: str, written: int) -> int:
    """Where the client's amount comes in, or 0: taken as it is, or summed from its own prices."""
    if "." in value:
        worked_out = _WORKED_OUT.search(_made(piece, value.partition(".")[0].rstrip("?")))
        if worked_out:
            return _of_the_client(piece, names, worked_out[1], written)
        return written if names.has_sent(value) and not piece.depth else 0
    if _adds_up(piece, names, value):
        return written
    for binding in piece.module.bindings_in(piece.start, piece.end):
        if not re.search(rf"(?<![\w$]){re.escape(value)}(?![\w$]|\s*:)", binding.names):
            continue
        made = piece.module.slice(binding)[:600]
        if binding.names.lstrip().startswith("{"):
            return binding.at if names.has_sent(made) and "(" not in made.split("json(")[0] else 0
        if at := binding.at if _is_summed(piece, names, made) else _with_more(piece, names, made):
            return at
    return 0


def _is_summed(piece: Piece, names: Names, made: str) -> bool:
    """`items.reduce((sum, item) => sum + item.price, 0)`, with the client's items."""
    summed = _SUMMED.match(made.strip())
    found = summed and names.has_sent(summed[1]) and _own_price(made, summed[2])
    return bool(summed and found) and not _priced_anew(piece, summed[1] if summed else "")


_WITH_MORE = re.compile(r"\s*[A-Za-z_$][\w$]*(?:\s*[-+*]\s*[\w$.]+){1,4}\s*;?\s*")


def _with_more(piece: Piece, names: Names, made: str) -> int:
    """`subtotal + shipping`: where the sum that is a part of it is made of the client's prices."""
    if not _WITH_MORE.fullmatch(made):
        return 0
    parts = set(re.findall(r"(?<![\w$.])[A-Za-z_$][\w$]*", made))
    for binding in piece.module.bindings_in(piece.start, piece.end):
        part = binding.names.strip()
        if part in parts and _is_summed(piece, names, piece.module.slice(binding)[:600]):
            return binding.at
    return 0


_WORKED_OUT = re.compile(r"^\s*(?:await\s+)?[\w$.]+\(\s*([A-Za-z_$][\w$]*)\s*\)\s*;?\s*$")
"""`calculatePricing(subtotal)`: as much the client's as the one sum that it is given."""
_EACH = re.compile(r"\.map\(\s*(?:async\s*)?\(?\s*([A-Za-z_$][\w$]*)")
_PRICE_OF = re.compile(
    r"\b(?:unit_?)?price['\"]?\s*:\s*(?:\w+\(\s*)?([A-Za-z_$][\w$]*)", re.IGNORECASE
)


def _made(piece: Piece, name: str) -> str:
    named = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])")
    for binding in piece.module.bindings_in(piece.start, piece.end):
        if named.fullmatch(binding.names.strip()):
            return piece.module.slice(binding)
    return ""


def _priced_anew(piece: Piece, items: str) -> bool:
    """`items.map((item) => ({ price: known.price }))`: the list has the prices of what was read."""
    made = _made(piece, items)
    each, price = _EACH.search(made), _PRICE_OF.search(made)
    return bool(each and price and price[1] != each[1])


def _adds_up(piece: Piece, names: Names, value: str) -> bool:
    """`for (const item of items) total += item.price * item.quantity`, with the client's items."""
    each = {one[1] for one in _ONE_OF.finditer(piece.code) if names.has_sent(one[2])}
    each |= {one[2] for one in _FOR_EACH.finditer(piece.code) if names.has_sent(one[1])}
    added = re.finditer(rf"(?<![\w$.]){re.escape(value)}\s*\+=\s*([^;\n]+)", piece.code)
    return any(_own_price(one[1], item) for one in added for item in each)


_ONE_OF = re.compile(r"\bfor\s*\(\s*(?:const|let)\s+(\w+)\s+of\s+([\w$.?]+)\s*\)")
_FOR_EACH = re.compile(r"(?<![\w$.?])([\w$.?]{1,80}?)\??\.forEach\(\s*(?:async\s*)?\(?\s*(\w+)")


def _handed_in(case: Case, piece: Piece, value: str, written: int) -> int:
    """A function that the handler calls is handed the amount, and keeps it as it is."""
    root = value.partition(".")[0].rstrip("?")
    bound = any(
        re.search(rf"(?<![\w$]){re.escape(root)}(?![\w$])", one.names)
        for one in piece.module.bindings_in(piece.start, piece.end)
    )
    if not piece.depth or bound or compared_with_record(piece.code, value):
        return 0
    return written if named_by_client(case, piece, value) else 0


def _own_price(made: str, each: str) -> bool:
    return (
        re.search(rf"\b{re.escape(each)}\??\.(?:\w+\??\.)?(?:unit_?)?price\b", made, re.IGNORECASE)
        is not None
    )
