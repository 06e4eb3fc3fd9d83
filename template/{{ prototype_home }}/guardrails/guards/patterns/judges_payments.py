"""Judges of money, days, and what is paid for."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import WRITE, Case, Judge, from_request, last_name, words

_MONEY = re.compile(
    r"\b(price|amount|total|subtotal|cost|balance|fee|salary|wage|revenue|discount|tax|payment"
    r"|budget|"
    r"fare|freight|income|expense|profit|paid|commission|deposit|refund|tip|rent|donation|rate|"
    r"valor|preco|precio|monto|custo|saldo|harga|biaya|cash)s?\b"
)
_NO_MONEY = re.compile(
    r"\b(id|count|pages|page|items|users|time|index|percent|percentage|tax rate|hours|days|at"
    r"|date|limit)\b"
)


def money_name(case: Case) -> Case | None:
    """Its value, or where it goes, is called like money."""
    source, line = case.source, case.match.line
    before = source.line(line)[: case.match.column] if case.match.column else ""
    key = re.search(r"([\w$]+)\s*[:=]\s*[^:=,]*$", before)
    for candidate in (case.name("VALUE"), key[1] if key else ""):
        name = words(last_name(candidate))
        if _MONEY.search(name) and not _NO_MONEY.search(name):
            return case.but(NAME=last_name(candidate))
    return None


def mongoose_money(case: Case) -> Case | None:
    if "mongoose" not in case.source.text:
        return None
    name = words(case.name("KEY"))
    return (
        case.but(NAME=case.name("KEY"))
        if _MONEY.search(name) and not _NO_MONEY.search(name)
        else None
    )


def local_day(case: Case) -> Case | None:
    """A day cut out of UTC, where somebody means their own."""
    line = case.source.line(case.match.line)
    if re.search(r"\.(csv|pdf|xlsx|json|zip|txt|png)\b|download|filename|fileName", line):
        return None
    return None if re.search(r"Date\.UTC|T00:00|utc", line, re.IGNORECASE) else case


_GIVES = re.compile(
    r"\.run\(|\.(update|create|mark|activate|set)\w*\(|await\s+(mark|activate|rent|grant|set)\w*\("
)
_BOUGHT = re.compile(r"metadata|client_reference_id|already|processed|alreadyUsed")

_ADDED = re.compile(
    r"\b\w*(?:credits?|balance|points|coins|tokens)\b[^;\n+]{0,60}(?<!\+)\+\s*[A-Za-z_$][\w$.]*"
    r"|(?:credits?|balance|points|coins|tokens)\s*\+=",
    re.IGNORECASE,
)
"""What one has is counted up: shown again, the session counts again."""
_ONCE = re.compile(
    r"already|processed|existing|duplicate|idempot|23505|upsert|onConflict|ON CONFLICT"
    r"|\b(?!session|intent|payment)\w+\??\.status\s*[!=]==|\.(?:eq|neq|is)\(\s*[\"']\w*status[\"']",
    re.IGNORECASE,
)


def replayed_session(case: Case) -> Case | None:
    """A paid checkout session buys whatever the address says."""
    if not case.source.is_server or not from_request(case, case.name("ID")):
        return None
    if _of_a_row(case):
        return None
    below = re.sub(r"[\"'`][^\"'`\n]*[\"'`]", "", case.below)
    checked = re.search(r"payment_status|\.status\b", below)
    if not checked or not (WRITE.search(case.below) or _GIVES.search(below)):
        return None
    if _ADDED.search(below) and not _ONCE.search(case.below):
        return case
    return None if _BOUGHT.search(below) or _looked_up(case) else case


def own_word(case: Case) -> Case | None:
    """`if (intent.amount !== amount)`, and both come from who pays: it says how much was paid, and
    never what that buys."""
    if not case.source.is_server:
        return None
    made = case.source.definition(case.name("INTENT"), case.match.line)
    if not re.search(r"\.retrieve\(|verif|[sS]tatus\(|transaction", made.partition("=")[2]):
        return None
    said = case.name("AMOUNT")
    value = case.source.definition(said, case.match.line).partition("=")[2]
    sent = from_request(case, said) or any(
        from_request(case, name) for name in re.findall(r"(?<![.\w$])[a-z][\w$]*", value)
    )
    if not sent or re.search(r"\.metadata\b[^;\n]*[!=]==?|\.(?:price|cost)\b", case.around + value):
        return None
    return case if WRITE.search(case.below) else None


def captured_intent(case: Case) -> Case | None:
    """Whichever payment the request names is taken, for whatever it was begun."""
    if not case.source.is_server or not from_request(case, case.name("ID")) or _of_a_row(case):
        return None
    return None if re.search(r"\.metadata\b|\.amount\b\s*[!=<>]", case.around) else case


def _of_a_row(case: Case) -> bool:
    """`booking.paymentIntentId`, of the row that was read before."""
    owner, dot, _ = case.name("ID").strip().partition(".")
    made = case.source.definition(owner, case.match.line).partition("=")[2] if dot else ""
    return re.search(r"\bawait\b", made) is not None and "json()" not in made


def _looked_up(case: Case) -> bool:
    """The purchase is found by the session itself, so it can be no other's."""
    session = re.escape(case.name("ID").strip())
    kept = r"[\"'`]?\w*(?:session|intent|checkout|payment|stripe)\w*[\"'`]?"
    return bool(
        re.search(
            rf"\.(?:eq|match)\(\s*(?:\{{\s*{kept}\s*:|{kept}\s*,)\s*{session}(?![\w$])"
            rf"|where:\s*\{{\s*{kept}\s*:\s*{session}(?![\w$])",
            case.below,
            re.IGNORECASE,
        )
    )


_SIGNED_IDS = re.compile(r"order_?id\b[^;\n]{0,40}\|", re.IGNORECASE)
_SENT_IDS = re.compile(r"razorpay_?order_?id", re.IGNORECASE)
_KEPT_ID = re.compile(
    r"\b(?:razorpay|gateway|provider|payment|rzp)_?\w*(?:order_?)?id['\"]?\s*(?::|,)\s*razorpay_?order_?id"
    r"|\border_?id['\"]?\s*:\s*razorpay_?order_?id|(?:where|find\w*)\([^;]{0,80}razorpay_?order_?id"
    r"|[!=]==?\s*(?:\w+\.)?razorpay_?order_?id|razorpay_?order_?id\s*[!=]==?\s*\w+\."
    r"|\.(?:notes|receipt)\b|razorpayOrderId\s*\}",
    re.IGNORECASE,
)


def signed_but_unbound(case: Case) -> Case | None:
    """The provider signed that something was paid; what it was for comes with the request."""
    around = case.around
    if not case.source.is_server or not (_SIGNED_IDS.search(around) and _SENT_IDS.search(around)):
        return None
    below = case.below
    changes = WRITE.search(below) or re.search(r"\.save\(", below) or _GIVES.search(below)
    if not changes or _KEPT_ID.search(below) or _KEPT_ID.search(case.above[-1_500:]):
        return None
    asks = re.search(r"(?:orders|payments)\.fetch\(", below)
    named = _NAMED_ROW.search(below)
    sure = named is not None and from_request(case, named[1]) and not asks
    return case.but(severity=None if sure else Severity.MEDIUM)


_NAMED_ROW = re.compile(
    r"(?:findById\w*\(\s*|\b_?id\s*:\s*|eq\([^,()]+,\s*)"
    r"((?:req\.body\.)?(?!razorpay)\w*(?:order|booking|appointment|course|plan|purchase)_?\w*)",
    re.IGNORECASE,
)
"""The row that is paid by it, as the request names it."""


_PAYS_BY_CARD = re.compile(
    r"cvv|cvc|exp(?:ir(?:y|ation|es))?_?(?:month|year|date)|expiry|stripe|checkout|card_?holder"
    r"|payment|\bholder\b|charge|billing",
    re.IGNORECASE,
)
"""Cards are collected and played with, too."""


def pays_by_card(text: str) -> bool:
    return _PAYS_BY_CARD.search(text) is not None


def card_on_server(case: Case) -> Case | None:
    what = last_name(case.name("VALUE"))
    collected = words(what) == "card number" and not pays_by_card(case.source.text)
    return None if collected or not case.source.is_server else case.but(WHAT=what)


_ORDERS = re.compile(
    r"^(?!draft|quote|temp|cart)(?:\w+_)?(?:orders?|order_items?|bookings?|reservations?|purchases?|pedidos?|pedido_iten\w*"
    r"|itens_pedido|reservas?|compras?|ordenes|enrol{1,2}ments?)$",
    re.IGNORECASE,
)
_SUM = re.compile(
    r"\b(?!quoted|estimat)((?:total|grand_?total|sub_?total|price|unit_?price|amount|fee|preco|valor|precio|monto)"
    r"\w*|(?!quoted|estimat)\w+_(?:price|total|amount|fee|unitario))[\"']?\s*(?::\s*([^,}\n]+)|(?=[,}\n]))"
)
_BUYS = re.compile(
    r"\b(?:customer|buyer|client|passenger|guest|student|cliente)_?[iI]d[\"']?\s*:\s*"
    r"\w*(?:user|session|auth|me)\w*[.?!]"
)
_OWN_ROW = re.compile(
    r"\b(?:user|profile|usuario)_?[iI]d[\"']?\s*:\s*\w*(?:user|session|auth)\w*[.?!]"
)
_CART = re.compile(r"cart|checkout|carrinho|carrito|basket", re.IGNORECASE)
_STAFF = re.compile(
    r"admin|staff|\bpos\b|pos/|cashier|employee|vendor|seller|supplier|manage|backoffice|waiter"
    r"|invoice|(?:^|/)merchant/|pos(?:page|screen)",
    re.IGNORECASE,
)


def priced_in_browser(case: Case) -> Case | None:
    """The customer's own browser says what the order costs, and the table keeps it."""
    source = case.source
    table = re.search(r"\.from\(\s*[\"'`](\w+)[\"'`]", case.match.text)
    if not table or not _ORDERS.match(table[1]) or _STAFF.search(source.path):
        return None
    at, row = _row(case)
    found = next((one for one in _SUM.finditer(row) if _counts(one)), None)
    if found is None or re.search(r"\bstatus[\"']?\s*:\s*[\"'](?:draft|quote|inquiry)", row):
        return None
    buys = _BUYS.search(case.around) or (
        (_OWN_ROW.search(case.around) or "item" in table[1]) and _CART.search(source.text)
    )
    if not buys or _set_by_database(case, table[1]):
        return None
    line = at + row.count("\n", 0, found.start())
    return case.but(line=line, TABLE=table[1], NAME=found[1])


_PAID = re.compile(
    r"\b(?:payment_?[sS]tatus|status)[\"']?\s*:\s*[\"'](?:paid|pago|pagado)[\"']"
    r"|\bpayment_?[sS]tatus[\"']?\s*:\s*[\"'](?:completed|succeeded|success|confirmed)[\"']"
    r"|\bis_?[pP]aid[\"']?\s*:\s*true\b"
)


_PAYMENTS = re.compile(r"(?:\w+_)?(?:payments?|transactions?|donations?|pagamentos?|pagos?)")
_DONE = re.compile(
    r"\bstatus[\"']?\s*:\s*[\"'](?:paid|completed|complete|succeeded|success|successful)[\"']"
)
_WIDGET = re.compile(
    r"FlutterwaveCheckout|useFlutterwave|checkout\.flutterwave|PaystackPop"
    r"|usePaystackPayment|js\.paystack"
    r"|new\s+(?:\w+\.)?Razorpay\(|checkout\.razorpay|PayPalButtons|paypal\.Buttons",
)
"""What takes a payment in the page, and tells the page alone how it went."""


def _booked_by_widget(case: Case, table: str) -> bool:
    """A payment that the page puts down as done, since the provider's script said so there."""
    if not _PAYMENTS.fullmatch(table) or _STAFF.search(case.source.path):
        return False
    return _WIDGET.search(case.source.text) is not None and _DONE.search(_row(case)[1]) is not None


def paid_in_browser(case: Case) -> Case | None:
    """The customer's own browser notes that the order was paid."""
    source = case.source
    table = re.search(r"\.from\(\s*[\"'`](\w+)[\"'`]", case.match.text)
    if table and _booked_by_widget(case, table[1]):
        return case.but(TABLE=table[1])
    if not table or not _ORDERS.match(table[1]) or _STAFF.search(source.path):
        return None
    at, row = _row(case)
    found = _PAID.search(row)
    first, _ = source.named_block(case.match.line)
    told = source.between(max(1, first - 3), first)
    if found is None or _STAFF.search(told) or not _ASKS_TO_PAY.search(source.path + told):
        return None
    return case.but(line=at + row.count("\n", 0, found.start()), TABLE=table[1])


_PLAN = re.compile(
    r"\b(plan|tier|subscription_?(?:plan|tier|status)|is_?premium|is_?pro|is_?subscribed|has_?paid"
    r"|premium_until|plan_expires_at)[\"']?\s*:\s*([\w$.]+|[\"'`][^\"'`]*[\"'`])",
    re.IGNORECASE,
)
_NO_PLAN = re.compile(
    r"[\"'`]?(?:free|basic|none|trial|starter|gratis|gratuito|inactive|cancell?ed|expired)[\"'`]?"
    r"|null|undefined|false",
    re.IGNORECASE,
)
_CAME_BACK = re.compile(
    r"[!=]==?\s*[\"'](?:success|approved|succeeded|completed|paid|sucesso|aprovado)[\"']"
    r"|\bon(?:Success|Approve|PaymentSuccess)\b|\bhandle(?:Payment)?(?:Success|Approve)\b"
    r"|\bhas\(\s*[\"']session_id[\"']"
)
"""What the address says on the way back, or what a provider's script calls in the page."""
_HOLDS_ACCOUNTS = re.compile(
    r"(?:user_?)?(?:profiles?|users?|accounts?|subscriptions?|members?|compan(?:y|ies)|organizations?)$"
)


def planned_in_browser(case: Case) -> Case | None:
    """The page itself writes the plan, once the address says that the payment went well."""
    source = case.source
    table = re.search(r"\.from\(\s*[\"'`](\w+)[\"'`]", case.match.text)
    if not table or not _HOLDS_ACCOUNTS.search(table[1]) or _STAFF.search(source.path):
        return None
    at, row = _row(case)
    found = next((one for one in _PLAN.finditer(row) if not _NO_PLAN.fullmatch(one[2])), None)
    above = source.between(max(1, case.match.line - 25), case.match.line)
    if found is None or not _CAME_BACK.search(above) or not re.search(r"(?i)pay|plan", above):
        return None
    return case.but(line=at + row.count("\n", 0, found.start()), NAME=found[1])


_ASKS_TO_PAY = re.compile(
    r"cart|checkout|pay|success|carrinho|pagamento|pago|purchase|confirm", re.IGNORECASE
)
_COMPLETES = re.compile(
    r"^[\"'`](?:complete|confirm|finali[sz]e|mark|activate)_\w*(?:purchase|payment|paid|subscription"
    r"|donation)\w*[\"'`]$"
)


def completed_in_browser(case: Case) -> Case | None:
    """The browser calls what completes a purchase, as a payment provider's webhook should."""
    if not _COMPLETES.match(case.name("NAME").strip()) or _STAFF.search(case.source.path):
        return None
    return case


def _counts(found: re.Match[str]) -> bool:
    """It is no constant, and no name of something else."""
    value = (found[2] or found[1]).strip()
    return not re.fullmatch(r"[\d.]+|null|undefined|[\"'].*[\"']|[A-Z][A-Z0-9_]+", value)


def _row(case: Case) -> tuple[int, str]:
    """Where the inserted row is written, and its text."""
    row = case.name("ROW").strip()
    name = re.fullmatch(r"\[?\s*(?:\.\.\.)?([\w$]+)\s*\]?", row)
    if name is None:
        return case.match.line + case.match.text.count("\n") - row.count("\n"), row
    made = case.source.definition(name[1], case.match.line)
    at = case.source.text.find(made) if made else -1
    return (case.source.text.count("\n", 0, at) + 1, made) if at >= 0 else (case.match.line, "")


def _set_by_database(case: Case, table: str) -> bool:
    """Whether something of the database stands between the row and the table."""
    wanted = re.compile(
        rf"before\s+insert\b[^;]*\bon\s+(?:public\.)?\"?{re.escape(table)}\b", re.IGNORECASE
    )
    tree = case.source.tree
    texts = (tree.text(path) or "" for path in tree.ending(".sql"))
    return any(_PRICES.search(text) for text in texts if wanted.search(text))


_PRICES = re.compile(r"\bnew\.\w*(?:total|price|amount|preco|valor)\w*\s*:?=", re.IGNORECASE)

JUDGES: dict[str, Judge] = {
    "priced-in-browser": priced_in_browser,
    "paid-in-browser": paid_in_browser,
    "planned-in-browser": planned_in_browser,
    "completed-in-browser": completed_in_browser,
    "money-name": money_name,
    "mongoose-money": mongoose_money,
    "local-day": local_day,
    "replayed-session": replayed_session,
    "captured-intent": captured_intent,
    "own-word": own_word,
    "signed-but-unbound": signed_but_unbound,
    "card-on-server": card_on_server,
}
