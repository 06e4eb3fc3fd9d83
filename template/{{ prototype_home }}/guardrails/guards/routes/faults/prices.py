"""Prices that the client names: what is charged is what the request says it costs."""

import re
from collections.abc import Iterable, Iterator

from ....engine.finding import Finding, Place
from ..facts.access import Case
from ..facts.flow import Names, mentions
from ..facts.given import handed_on
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.source import Call
from .say import HIGH, at_route, finding, place

_CHARGE = re.compile(
    r"(?:paymentIntents|checkout\.sessions|charges|orders|preferences?|invoiceItems"
    r"|transaction)\.(?:create|initialize)$|createOrder$"
)
_CHARGE_URL = re.compile(
    r"/v2/checkout/orders[`'\"]?\s*$|api\.mercadopago\.com/(?:v1/payments|checkout/preferences)[`'\"]?\s*$"
    r"|api\.razorpay\.com/v1/(?:orders|payment_links)[`'\"]?\s*$"
    r"|(?:api\.paystack\.co|\$\{PAYSTACK\w*\})/transaction/initialize"
    r"|api\.stripe\.com/v1/(?:payment_intents|checkout/sessions|charges)[`'\"]?\s*$"
    r"|flutterwave\.com/v3/(?:payments|charges)|midtrans\.com/snap/v1/transactions"
    r"|api\.xendit\.co/v2/invoices|asaas\.com/(?:api/)?v3/payments[`'\"]?\s*$"
    r"|squareup\.com/v2/payments[`'\"]?\s*$|api\.moyasar\.com/v1/(?:invoices|payments)/?[`'\"]?\s*$"
    r"|api\.tap\.company/v2/charges/?[`'\"]?\s*$|online\.yoco\.com/v1/charges/?[`'\"]?\s*$"
    r"|payments\.yoco\.com/api/checkouts/?[`'\"]?\s*$|api\.paychangu\.com/payment/?[`'\"]?\s*$"
    r"|api\.chapa\.co/v1/transaction/initialize|/mpesa/stkpush/v1/processrequest"
    r"|khalti\.com/api/v2/epayment/initiate|sslcommerz\.com/gwprocess|phonepe\.com[^`'\"\s]*/pay[`'\"]?\s*$"
    r"|cashfree\.com/pg/orders[`'\"]?\s*$|paymob\.com/(?:api/ecommerce/orders|v1/intention)"
    r"|pesapal\.com/[^`'\"\s]*SubmitOrderRequest|api-checkout\.cinetpay\.com/v2/payment|campay\.net/api/collect"
    r"|/collection/v1_0/requesttopay|api\.commerce\.coinbase\.com/charges|nowpayments\.io/v1/(?:invoice|payment)[`'\"]?\s*$"
    r"|/tokenized/checkout/create|monnify\.com/api/v1/merchant/transactions/init|api\.mollie\.com/v2/payments[`'\"]?\s*$"
    r"|intasend\.com/api/v1/(?:checkout|payment/(?:mpesa-stk-push|collection))|paydunya\.com/api/v1/checkout-invoice/create"
)
_AMOUNT = re.compile(
    r"\b(?:[aA]mount|total_?[aA]mount|txn_?[aA]mount|unit_amount|unit_price|price|transaction_amount|gross_amount|amount_?[iI]n_?[cC]ents"
    r"|currency_code\s*:[^,{}]+,\s*value"
    r"|total)\s*(?::(?!\s*\{)\s*((?:(?:Math\.\w+|Number)\(\s+)?[^,}\n]+(?:\([^)]*\))?[^,}\n]*)"
    r"|(?=[,}]))"
)
_GIFT = re.compile(
    r"donat|\btip\b|top-?_?up|wallet|contribut|pledge|\bgift|deposit|(?<!re)fund", re.IGNORECASE
)
_ISSUES = re.compile(r"/invoices?(?:/create)?/?$")
"""Who issues an invoice says what is owed."""
_EACH = re.compile(
    r"(?<![\w$.?])([\w$.?]{1,80}?)\??\.(?:map|flatMap|forEach|reduce)\(\s*(?:async\s*)?\(?\s*"
    r"([\w$]+)"
)
_EACH_TAKEN = re.compile(
    r"(?<![\w$.?])([\w$.?]{1,80}?)\??\.(?:map|flatMap|forEach)\(\s*(?:async\s*)?\(?\s*\{([^{}]*)\}"
)
"""`items.map(({ price, quantity }) => …)`"""
_TAKEN_APART = re.compile(r"\(\s*\{[^{}]*\}[^(){}]*\)\s*=>")
_EACH_OF = re.compile(r"\bfor\s*\(\s*(?:const|let)\s+([\w$]+)\s+of\s+([\w$.?]+)\s*\)")
_SNAP = re.compile(r"(?:^|\.)createTransaction$")
"""Midtrans' own, and whatever function of the tree's is called after it."""
_PUT_TOGETHER = r"\b{}\.push\(\s*\{{[^{{}}]*\b\w*[pP]rice\w*\s*:\s*\w+\.\w*[pP]rice"
"""Items of an own list, each with the price of a record."""
_OWN_ID = re.compile(r"(?:id|Id|ID)$")
"""Of a price at the provider: which one may be the client's choice, what it costs is not."""
_NUMBER_OF = re.compile(
    r"^(?:\w+\.?\w*\(\s*)?\w*(?:quantity|qty|credits?|seats?|units?|count|tokens?)\w*\)?"
    r"\s*\*\s*(?:\d|(?-i:[A-Z][A-Z_]+\b))",
    re.IGNORECASE,
)
_ONE_COSTS = re.compile(r"\b[\w$.?]*(?:price|rate|fee|cost|fare)\w*", re.IGNORECASE)


def charges(call: Call) -> bool:
    """A call of a payment provider: a row of one's own that is called a transaction is none."""
    own = re.match(
        r"(?:this\.)?(?:\w*[pP]risma\w*|db|tx|trx|storage|\w*[rR]epo\w*|ctx\.(?:db|prisma))\.",
        call.callee,
    )
    return bool(call.arguments) and not own and _CHARGE.search(call.callee) is not None


def charges_by_http(piece: Piece, call: Call) -> bool:
    """The same over the provider's web interface, without its library."""
    if not re.search(r"(?:^|\.)(?:fetch|axios|post|request)$", call.callee) or not call.arguments:
        return False
    address = piece.module.slice(call.arguments[0])
    if named := _NAMED_ADDRESS.fullmatch(address):
        said = re.search(_SET_TO.format(re.escape(named[1])), piece.module.code)
        address = said[1] if said else address
    return _CHARGE_URL.search(address) is not None


_NAMED_ADDRESS = re.compile(r"(?:this\.)?([A-Za-z_$][\w$]*)")
_SET_TO = r"\b{}\s*(?::\s*\w+\s*)?=\s*['\"`]([^'\"`\n]+)['\"`]"
"""`private baseURL = "https://..."`"""


def _by_snap(piece: Piece, call: Call) -> bool:
    named = call.arguments and _SNAP.search(call.callee)
    return bool(named) and re.search(r"(?i)midtrans", piece.module.text) is not None


_BY_NAME = re.compile(
    r"^(?:create|init\w*|start|begin|open|request)\w*(?:Payment|Checkout|Charge|PaymentIntent|PaymentLink"
    r"|Transaction|CheckoutSession)$"
)
_ABROAD = re.compile(r"\b(?:fetch|axios(?:\.\w+)?|request)\(")
_WITH_KEY = re.compile(
    r"[Aa]uthorization|[aA]pi_?-?[kK]ey|client_?[sS]ecret|\bprocess\.env\b|Deno\.env"
)


def _by_own_helper(case: Case, piece: Piece, call: Call) -> bool:
    """`createBankPayment({ amount })`, a function of the tree's that asks a provider over HTTP."""
    if not call.arguments or not _BY_NAME.match(call.callee):
        return False
    found = case.program.function(piece.module, call.callee)
    code = found[0].slice(found[1]) if found else ""
    return bool(_ABROAD.search(code) and found and _WITH_KEY.search(found[0].code))


def prices(case: Case) -> Iterator[Finding]:
    if (
        case.access in {Access.SIGNATURE, Access.ROLE}
        or _GIFT.search(case.route.label)
        or _is_gift(case)
        or _ISSUES.search(case.route.path)
    ):
        return
    for piece in case.pieces:
        for call in piece.module.calls_in(piece.start, piece.end):
            asked = charges(call) or charges_by_http(piece, call) or _by_snap(piece, call)
            asked = asked or _by_own_helper(case, piece, call)
            at = _named_amount(case, piece, _given(piece, call)) if asked else 0
            if at:
                yield _told(case, piece, at)
                return
        if at := _named_amount(case, piece, _signed_forms(piece)):
            yield _told(case, piece, at)
            return


def _told(case: Case, piece: Piece, at: int) -> Finding:
    message = f"{case.route.label} charges the amount that the client names"
    where = place(piece.module, at, case.route.label)
    also = [*sent_as(piece, case.flow.of(piece), at), at_route(case)]
    return finding("payments.client-price", where, message, HIGH, also)


_SIGNED = re.compile(
    r"(?<![\w$])(?:signature|secure_?hash|hash|checksum|md5sig)\s*[:,}]", re.IGNORECASE
)
_MAKES_A_SIGNATURE = re.compile(r"\bcreateHmac\(|\bcreateHash\(|\bmd5\(|\bHmac\w*\(")
_FORM = re.compile(
    r"success_?url|return_?url|callback_?url|surl|merchant_?(?:id|code|key)|product_?code",
    re.IGNORECASE,
)


def _signed_forms(piece: Piece) -> Iterator[tuple[int, str]]:
    """What the browser posts to a provider by itself: the signature is all that it believes."""
    if not _MAKES_A_SIGNATURE.search(piece.code):
        return
    for one in piece.module.bindings_in(piece.start, piece.end):
        value = piece.module.slice(one)
        if value.startswith("{") and _SIGNED.search(value) and _FORM.search(value):
            yield one.start, value


def sent_as(piece: Piece, names: Names, at: int) -> Iterator[Place]:
    """Where what is charged there came in."""
    lists = {one[2]: one[1] for one in _EACH.finditer(piece.code)}
    line = piece.module.code[at : at + 200].partition("\n")[0]
    wanted = set(_WORD.findall(line))
    for one in reversed(piece.module.bindings_in(piece.start, piece.end)):
        if one.at < at and set(_WORD.findall(one.names)) & wanted:
            made = set(_WORD.findall(piece.module.slice(one)[:300]))
            wanted |= made & (names.sent | set(lists)) | {lists[each] for each in made & set(lists)}
            yield place(piece.module, one.at)


_WORD = re.compile(r"[A-Za-z_$][\w$]*")


_ADDRESS = re.compile(r"https?://[^\s'\"`]*|\b\w+@[\w.]+")
_LIST_OF_WAYS = re.compile(
    r"\[\s*(?:['\"]\w+['\"]\s*,?\s*)+\]|\bpayment_?[mM]ethod\w*\s*[!=]==?\s*['\"]\w+['\"]"
)
_IMPORTED = re.compile(r"\bimport\b[^;\n]*|\bawait\s+import\([^()]*\)")


def _is_gift(case: Case) -> bool:
    """Whether they give what they like, or fill a wallet of their own: not by the name of a host,
    nor where a balance is only one of the ways to pay."""
    code = case.own
    for sign in (_ADDRESS, _LIST_OF_WAYS, _IMPORTED):
        code = sign.sub(" ", code)
    return _GIFT.search(code) is not None and not _SELLS.search(code)


_SELLS = re.compile(
    r"\border_?items?\b|\bline_?items\b[^;]{0,80}\.map\(|\bparams\.items\b", re.IGNORECASE
)
"""What is sold piece by piece has prices."""


def _named_amount(case: Case, piece: Piece, told: Iterable[tuple[int, str]]) -> int:
    """Where an amount of the client's is charged, or 0."""
    names = case.flow.of(piece)
    mapped = {one[2] for one in _EACH.finditer(piece.code) if names.has_sent(one[1])}
    each = _made_of(piece, mapped | _items_sent(piece, names))
    priced = {
        one[2]
        for one in _EACH.finditer(piece.code)
        if re.search(_PUT_TOGETHER.format(re.escape(one[1])), piece.code)
    }
    for start, text in told:
        given = _TAKEN_APART.sub(lambda part: " " * len(part[0]), text)
        for match in _AMOUNT.finditer(given):
            value = (match[1] or match[0]).strip(" :,")
            settled = _settled(case, piece, value) or _of_a_price(case, piece, value, each)
            settled = settled or _worked_out(case, piece, value)
            if settled or mentions(value, priced - mapped):
                continue
            held = re.sub(r"\[[^\]]*\]", "", value)  # the key says which, and is not what it costs
            sent = names.has_sent(held) or mentions(held, each)
            if sent and not names.has_caller(match[0]):
                return start + match.start()
    return 0


def _items_sent(piece: Piece, names: Names) -> set[str]:
    """What stands for one of the items that the client sent, or for something of one."""
    found = {one[1] for one in _EACH_OF.finditer(piece.code) if names.has_sent(one[2])}
    for one in _EACH_TAKEN.finditer(piece.code):
        if names.has_sent(one[1]):
            found |= set(re.findall(r"\w+(?=\s*(?:[,=]|$))", one[2].strip()))
    return found


def _made_of(piece: Piece, each: set[str]) -> set[str]:
    """`const cents = Math.round(item.price * 100)`, and `each` with it."""
    found = set(each)
    for one in piece.module.bindings_in(piece.start, piece.end) if each else ():
        value = piece.module.slice(one)
        if re.fullmatch(r"\w+", one.names.strip()) and len(value) < 200 and "await" not in value:
            found |= {one.names.strip()} if mentions(value, found) and "=>" not in value else set()
    return found


_LISTED = re.compile(
    r"\b(?:line_?items|items)\s*:\s*([A-Za-z_$][\w$]*)\s*[,}]|^([A-Za-z_$][\w$]*)$"
    r"|\b(line_?items|lineItems)(?=\s*[,}])"
)


def _given(piece: Piece, call: Call) -> Iterator[tuple[int, str]]:
    """What a charge is told: the lists that it names first, for the price stands there."""
    first = call.arguments[0]
    if charges_by_http(piece, call):
        posted = call.callee.endswith(".post") and len(call.arguments) > 1
        first = call.arguments[1 if posted else -1]
    given = piece.module.slice(first)
    named = {one[1] or one[2] or one[3] for one in _LISTED.finditer(given)}
    named |= set(re.findall(r"\bbody\s*:\s*(?:new\s+)?[\w.]+\(\s*([A-Za-z_$][\w$]*)\s*\)", given))
    for binding in piece.module.bindings_in(piece.start, piece.end):
        if binding.names.strip() in named:
            yield binding.start, piece.module.slice(binding)
    for adds in piece.module.calls_in(piece.start, piece.end):
        if adds.arguments and adds.callee.removesuffix(".push") in named - {adds.callee}:
            yield adds.arguments[0].start, piece.module.slice(adds.arguments[0])
    yield first.start, given


def _settled(case: Case, piece: Piece, value: str) -> bool:
    if (
        _OWN_ID.search(value)
        or compared_with_record(piece.code, value)
        or _by_number(piece.code, value)
    ):
        return True
    return handed_on(case, piece, value) is False


def _of_a_price(case: Case, piece: Piece, value: str, each: set[str]) -> bool:
    """`course.price * players`: what one costs comes from a record, only how many is asked for."""
    names = case.flow.of(piece)
    made = re.search(rf"\b{re.escape(value)}\s*=\s*([^;\n]+)", piece.code)
    factors = (made[1] if made else value).split("*")
    return len(factors) > 1 and any(
        _ONE_COSTS.search(one)
        and not mentions(one, each)
        and not _read_from_client(piece, names, one)
        for one in factors
    )


_WORTH = re.compile(
    r"amount|price|total|cost|fee|items?$|cart|body|data|input|payload|products|lines|order$|valu",
    re.IGNORECASE,
)


def _worked_out(case: Case, piece: Piece, value: str) -> bool:
    """`pricing.total`, where `pricing = priceOf(offer.amount, tier)`: of the request a function of
    the tree's own is told the tier alone.
    """
    root = re.match(r"(?:Math\.\w+\(\s*|Number\(\s*)?([A-Za-z_$][\w$]*)", value)
    names = case.flow.of(piece)
    for binding in piece.module.bindings_in(piece.start, piece.end):
        if root is None or binding.names.strip() != root[1]:
            continue
        made = piece.module.slice(binding)
        call = re.match(r"\s*(?:await\s+)?([\w$.]+)\(", made)
        if call is None or case.program.function(piece.module, call[1]) is None:
            return False
        told = set(re.findall(r"[A-Za-z_$][\w$]*", made[call.end() :])) & names.sent
        return bool(told) and not any(map(_WORTH.search, told))
    return False


def _read_from_client(piece: Piece, names: Names, factor: str) -> bool:
    price = _ONE_COSTS.search(factor)
    made = re.search(rf"\b{re.escape(price[0])}\s*=\s*([^;\n]+)", piece.code) if price else None
    return names.has_sent(price[0] if price else factor) or bool(made and names.has_sent(made[1]))


def _by_number(code: str, value: str) -> bool:
    """`credits * 100`: the client says how many, the code says what one costs."""
    made = re.search(rf"\b{re.escape(value)}\s*=\s*([^;\n]+)", code)
    return _NUMBER_OF.search(made[1] if made else value) is not None


def compared_with_record(code: str, value: str) -> bool:
    """Whether the amount must equal what a record says."""
    word = re.search(r"[A-Za-z_$][\w$]*", re.sub(r"^(?:Math\.\w+|Number|parse\w+)\(", "", value))
    name = re.escape(word[0]) if word else "$^"
    record = r"[A-Za-z_$][\w$]*\??\.(?!length)\w+"
    return bool(
        re.search(rf"(?<![\w$.]){name}\)?\s*[!=]==?\s*\(?(?:\w+\()?{record}", code)
        or re.search(rf"{record}\)?\s*[!=]==?\s*\(?(?:\w+\()?{name}(?![\w$.])", code)
    )
