"""What a request must not do by itself: mark as paid, change on a GET, serve one named account."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts import meant
from ..facts.handlers import Handler, comes_from
from ..facts.modules import Module, Project
from ..facts.newcomers import serves_many
from ..facts.storing import is_write
from ..facts.syntax import (
    assigned,
    assigns_in,
    called,
    dotted,
    found,
    key_of,
    place,
    strings_in,
    target_name,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in
from . import bookings, kinds, negatives, replays
from .ownership import IDENTITY, changed_rows

_PAID = re.compile(r"paid|completed|succeeded|success", re.IGNORECASE)
_STATUS = re.compile(r"(^|_)(status|payment_status|state)$")
_BOUGHT = re.compile(
    r"order|booking|reservation|purchase|subscription|enrol|ticket|checkout|payment|invoice",
    re.IGNORECASE,
)
_PROVIDER = re.compile(
    r"stripe|razorpay|paypal|mollie|square|flutterwave|paystack|mercado|xendit|midtrans|paddle|paymongo|cashfree|paytm|phonepe|khalti|esewa|sslcommerz|mpesa"
    r"|braintree|adyen|requests|httpx|signature|hmac|verify|retrieve|capture|webhook|wallet"
    r"|balance|credits?\b|points|coupon|cashier|\bcash\b|staff|waiter|pos\b|created_by|recorded_by|faker",
    re.IGNORECASE,
)
"""Somebody else is asked, or it is paid otherwise: at a counter, out of a balance."""
_OF_STAFF = re.compile(r"admin|staff|manage|dashboard|seed|webhook|callback", re.IGNORECASE)
_LONGEST_WAY = 3


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    yield from _paid(handler)
    yield from _said_paid(handler)
    yield from _credits_itself(handler)
    yield from _opened_only(handler)
    yield from _changes_on_get(handler)
    yield from replays.look(handler)
    yield from negatives.look(handler)
    yield from bookings.look(handler)


def _paid(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`order.status = "Paid"` because the buyer asked for it."""
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if not route.writes or not kinds.customers_may(handler) or _OF_STAFF.search(name):
        return
    if route.access == "caller" and not (handler.uses_user or serves_many(handler)):
        return  # who works there takes the money at the counter
    if any(map(IDENTITY.match, handler.path_parameters)):
        return  # who was to be paid says who has
    inside = [handler.function.args, *handler.function.body]  # not what the route is called
    words = " ".join(word for one in inside for word in words_in(one) | strings_in(one))
    asked = _PROVES if route.access == "public" else _PROVIDER
    if asked.search(words) or not _BOUGHT.search(f"{name} {words}") or _asks_elsewhere(handler):
        return
    pays = _PAYS.search(name) is not None
    node = next((node for node in handler.body if _marks_paid(node, pays=pays)), None)
    if node is not None:
        yield found(
            "payments.unverified", handler.module, node,
            f"{route.label} marks it as paid, and no payment provider is asked.",
            severity=Severity.HIGH, symbol=route.function.name,
            also=[place(handler.module, route.line, route.function.name)],
        ), route.function  # fmt: skip


_SENDS = re.compile(r"^(requests|httpx|aiohttp|urllib|urlopen|AsyncClient)$")


def _asks_elsewhere(handler: Handler) -> bool:
    """A function of the program's own that it calls asks another service."""
    return any(
        _SENDS.match(word)
        for _, function in handler.reached()
        if function is not handler.function
        for word in words_in(function)
    )


_PAYS = re.compile(r"(^|[/_-])(pay|payments?)([/_-]|\b)", re.IGNORECASE)
_PROVES = re.compile(
    r"stripe|razorpay|paypal|mollie|square|flutterwave|paystack|mercado|xendit|midtrans|paddle|paymongo|cashfree|paytm|phonepe|khalti|esewa|sslcommerz|mpesa"
    r"|braintree|adyen|requests|httpx|signature|hmac|compare_digest|secret|api_?key|retrieve|capture"
    r"|faker|(^|\s)token(\s|$)|coupon|cashier|\bcash\b|staff|waiter|pos\b|created_by|recorded_by",
    re.IGNORECASE,
)
"""What shows to a route that asks nobody that it was the provider who called, or that it was paid
at a counter: that nobody is asked is its only fault then."""


_PAYMENT = re.compile(r"^(Payment|Deposit|TopUp|Repayment|PaymentRecord|LoanPayment)$")
_ASKED = re.compile(
    r"stripe|razorpay|paypal|mollie|square|flutterwave|paystack|mercado|xendit|midtrans|paddle|paymongo|cashfree|paytm|phonepe|khalti|esewa|sslcommerz|mpesa"
    r"|braintree|adyen|requests|httpx|signature|hmac|verif|retrieve|capture|webhook|gateway"
    r"|staff|cashier|created_by|recorded_by|admin",
    re.IGNORECASE,
)
_HAS = re.compile(r"^(wallet_|available_|current_)?balance$|^credits?$|^points$", re.IGNORECASE)


def _said_paid(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`Payment(amount=data["amount"], status="completed")`: the client's word is the payment."""
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if not route.writes or route.access not in {"public", "caller"} or _OF_STAFF.search(name):
        return
    if not handler.uses_user or not serves_many(handler):
        return
    words = words_in(handler.function) | strings_in(handler.function)
    spends = any(
        isinstance(node, ast.Compare) and any(_HAS.match(word) for word in words_in(node))
        for node in handler.body
    )
    if spends or any(_ASKED.search(word) for word in words):
        return
    for call in handler.calls:
        given = {word.arg: word.value for word in call.keywords if word.arg}
        status = text_of(given.get("status") or given.get("payment_status")) or ""
        kept = _PAYMENT.match(called(call)) and _PAID.fullmatch(status) and "amount" in given
        if kept or _bought_with(handler, call, given):
            yield found(
                "payments.unverified", handler.module, call,
                f"{route.label} takes the client's word for a payment: no provider is asked.",
                severity=Severity.HIGH, symbol=route.function.name,
            ), route.function  # fmt: skip
            return


_NUMBER = re.compile(r"^(payment|transaction|payment_intent|razorpay_payment)_?(id|ref(erence)?)$")
_SETTLED = re.compile(r"paid|confirmed|completed", re.IGNORECASE)


def _bought_with(handler: Handler, call: ast.Call, given: dict[str, ast.expr]) -> bool:
    """`Booking(payment_id=body.payment_id, status="confirmed")`: a number that anybody can make
    up stands for a payment.
    """
    if not called(call)[:1].isupper() or not _BOUGHT.search(called(call)):
        return False
    state = given.get("status") or given.get("payment_status") or ast.Constant(None)
    said = [state, *assigned(handler.function, dotted(state))]
    return any(
        _NUMBER.match(key) and comes_from(value, handler.inputs) for key, value in given.items()
    ) and any(map(_SETTLED.fullmatch, (text for one in said for text in strings_in(one))))


_STORED = re.compile(r"^(wallet_?|coin_?)?balance$|^(coins?|credits?|points)$", re.IGNORECASE)


def _credits_itself(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`wallet.balance += payload.amount`, where what one has is compared with what something
    costs: who calls says how much that is. A book of one's own spending compares nothing.
    """
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if not route.writes or not kinds.customers_may(handler) or _OF_STAFF.search(name):
        return
    words = words_in(handler.function) | strings_in(handler.function)
    if any(_ASKED.search(word) for word in words) or not serves_many(handler):
        return
    takes = any(
        isinstance(node, ast.AugAssign | ast.BinOp) and _less(node) for node in handler.body
    )
    given = next((node for node in handler.body if _adds(handler, node)), None)
    if given is None or takes or not _is_spent(handler.project):
        return
    yield found(
        "payments.unverified", handler.module, given,
        f"{route.label} adds as much to a balance as the request says, and nobody has paid.",
        severity=Severity.CRITICAL, symbol=route.function.name,
    ), route.function  # fmt: skip


def _less(node: ast.AugAssign | ast.BinOp) -> bool:
    return isinstance(node.op, ast.Sub)


def _adds(handler: Handler, node: ast.AST) -> bool:
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        target = dotted(node.target).rpartition(".")[2] or key_of(node.target)
        return bool(_STORED.match(target)) and _sent(handler, node.value)
    if not isinstance(node, ast.Dict):
        return False
    return any(
        text_of(key) == "$inc"
        and isinstance(value, ast.Dict)
        and any(
            _STORED.match(text_of(name) or "") and _sent(handler, one)
            for name, one in zip(value.keys, value.values, strict=True)
        )
        for key, value in zip(node.keys, node.values, strict=True)
    )


def _sent(handler: Handler, value: ast.expr, left: int = _LONGEST_WAY) -> bool:
    """A number of the request: as it came, or made one before."""
    if isinstance(value, ast.Name):
        made = assigned(handler.function, value.id) if left else []
        return any(_sent(handler, one, left - 1) for one in made) or value.id in handler.inputs
    if isinstance(value, ast.Call) and value.args and called(value) in {"float", "int", "Decimal"}:
        return _sent(handler, value.args[0], left)
    return comes_from(value, handler.inputs)


def _is_spent(project: Project) -> bool:
    """Something of the service refuses who has too little."""
    return any(
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        and any(_STORED.match(word) or _STORED.match(key_of(node.left)) for word in words_in(node))
        and not any(isinstance(one, ast.Constant) for one in node.comparators)
        for module in project.service
        for node in module.nodes
    )


_STATE_OF_PAYMENT = re.compile(r"status|paid|amount_received|succeeded|complete", re.IGNORECASE)


def _opened_only(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """The provider's checkout is looked up by the id in the address, never whether it is paid."""
    route = handler.route
    asked = next(
        (call for call in handler.calls if dotted(call.func).endswith("checkout.Session.retrieve")),
        None,
    )
    if asked is None or route.access not in {"public", "caller"} or not handler.writes:
        return
    told = words_in(handler.function) | strings_in(handler.function)
    if not any(_STATE_OF_PAYMENT.search(word) for word in told if " " not in word):
        yield found(
            "payments.unverified", handler.module, asked,
            f"{route.label} takes whoever opened a checkout for somebody who paid: its state is "
            "never looked at.",
            severity=Severity.HIGH, symbol=route.function.name,
        ), route.function  # fmt: skip


_MARKS = re.compile(r"status|payment|paid|mark", re.IGNORECASE)
_SETS_PAID = re.compile(r"\bset\b.*\b(payment_)?status\s*=\s*'paid'", re.IGNORECASE | re.DOTALL)


def _marks_paid(node: ast.AST, *, pays: bool = False) -> bool:
    """`pays` where the route is for paying: what it confirms is what was to be paid."""
    if isinstance(node, ast.Call):
        given = {(text_of(one) or "").lower() for one in node.args}
        given |= {(text_of(word.value) or "").lower() for word in node.keywords}
        if called(node) == "execute":
            return any(_SETS_PAID.search(text) for text in strings_in(node))
        return "paid" in given and bool(_MARKS.search(called(node)))
    if isinstance(node, ast.Assign):
        return _says_paid(target_name(node.targets[0]), node.value, pays=pays)
    if isinstance(node, ast.Dict):
        return any(
            _says_paid(text_of(key) or "", value, pays=pays)
            for key, value in zip(node.keys, node.values, strict=True)
        )
    return False


def _says_paid(name: str, value: ast.expr, *, pays: bool) -> bool:
    if name in {"is_paid", "paid", "payment_verified"}:
        return isinstance(value, ast.Constant) and value.value is True
    said = text_of(value) or ""
    if name.endswith("payment_status"):
        return bool(_PAID.fullmatch(said))
    return bool(_STATUS.search(name)) and said.lower() in (
        {"paid", "confirmed"} if pays else {"paid"}
    )


_MAY = re.compile(
    r"verif|confirm|callback|oauth|log_?-?(in|out)|track|view|visit|unsubscri|activat|webhook|cron"
    r"|health|redirect|seed|init|setup",
    re.IGNORECASE,
)
_DELETES = re.compile(r"delete|remove|drop|clear|reset|purge", re.IGNORECASE)


def _changes_on_get(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """A link that deletes or changes a row: a crawler or a prefetch follows it."""
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if route.method != "GET" or _MAY.search(name) or _asks_method(handler):
        return
    writes = [call for call in handler.calls if is_write(call) and called(call) != "close"]
    if not writes or not (handler.path_parameters or handler.inputs or "args" in _words(handler)):
        return
    deletes = _DELETES.search(name) or any(_DELETES.match(called(call)) for call in writes)
    what = "deletes" if deletes else "changes"
    yield found(
        "data.side-effect-in-get", handler.module, route.line,
        f"{route.label} {what} data whenever somebody, or a machine, follows the link.",
        severity=Severity.HIGH if deletes else None, symbol=route.function.name,
    ), route.function  # fmt: skip


_SENT = {"validate_on_submit", "is_submitted"}
_BODY = re.compile(r"req(uest)?\.(method|form|get_json|json)\b")


def _asks_method(handler: Handler) -> bool:
    """Whether it changes nothing unless a form was sent."""
    preflight = {inner for node in handler.body if _is_preflight(node) for inner in nodes_in(node)}
    read = (
        dotted(node)
        for node in handler.body
        if isinstance(node, ast.Attribute) and node not in preflight
    )
    return bool(_words(handler) & _SENT) or any(_BODY.search(name) for name in read)


def _is_preflight(node: ast.AST) -> bool:
    """`request.method == "OPTIONS"`: a browser asks first whether it may."""
    return isinstance(node, ast.Compare) and text_of(node.comparators[0]) == "OPTIONS"


def _words(handler: Handler) -> set[str]:
    return words_in(handler.function)


_COUNTS = re.compile(
    r"view|hit|click|count|visit|seen|read|download|open|last_|impress", re.IGNORECASE
)


def harm_of_a_link(handler: Handler) -> Severity | None:
    """What a link deletes or changes for whoever follows it; who looked is only counted."""
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if route.method != "GET" or _MAY.search(name) or _asks_method(handler):
        return None
    if not handler.path_parameters or meant.by_code(handler):
        return None
    if any(called(call) in {"delete", "delete_one", "delete_many"} for call in handler.calls):
        return Severity.CRITICAL if handler.writes else None
    if any(called(call) in {"update", "update_one"} and is_write(call) for call in handler.calls):
        counts = any(_COUNTS.search(text) for call in handler.calls for text in strings_in(call))
        return None if counts else Severity.HIGH
    rows = {
        target.id
        for target, value in assigns_in(handler.function)
        if isinstance(target, ast.Name)
        if any(call in nodes_in(value) for call in changed_rows(handler))
    }
    changed = [
        node.attr
        for node in handler.body
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if dotted(node.value) in rows
    ]
    return Severity.HIGH if any(not _COUNTS.search(name) for name in changed) else None


_NUMBER_ONE = re.compile(r"(^|\.)(current_user|user|g\.user)\.(id|get_id)$|(^|\.)user_id$")


def hardcoded_principal(module: Module) -> Iterator[Finding]:
    """`current_user.id == 1` is the administrator."""
    hits = [node for node in module.nodes if isinstance(node, ast.Compare) and _is_one(node)]
    if hits:
        yield found(
            "authz.hardcoded-principal", module, hits[0],
            "One account, written into the code, is the administrator: "
            f"{ast.unparse(hits[0])[:60]}",
        )  # fmt: skip


def _is_one(node: ast.Compare) -> bool:
    if not isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return False
    left, right = node.left, node.comparators[0]
    if isinstance(right, ast.Constant) and right.value in {1, "1"} and right.value is not True:
        return bool(_NUMBER_ONE.search(dotted(left)))
    address = text_of(right) or ""
    named = re.fullmatch(r"[\w.+-]+@[\w-]+\.[\w.]+", address) is not None
    return named and re.search(r"user\.email$", dotted(left)) is not None
