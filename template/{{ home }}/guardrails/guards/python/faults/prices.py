"""What the buyer says that it costs: totals that are kept, and amounts that are charged."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Place, Severity
from ..facts.handlers import Handler, comes_from, fields_of
from ..facts.passed import Passed, Seen, behind
from ..facts.stored import table
from ..facts.sums import summed
from ..facts.syntax import (
    assigned,
    assigns_in,
    called,
    chain,
    dotted,
    found,
    key_of,
    names_in,
    place,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in
from . import kinds
from .assignment import inserted

_TOTAL = re.compile(
    r"^((final|original|order|net)_?)?(total(_?(amount|price|cost|bill))?|grand_?total|sub_?total|"
    r"amount|price|unit_?price|cost|(fare|cost|price)(_?amount)?"
    r"|((consult\w*|booking|service|session)_)?fees?(_?amount)?)"
    r"(_?(in_?)?(cents|paise|minor|kobo|pence|usd))?$",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"^(\w+_)?(orders?|bookings?|purchases?|reservations?|order_?items?|tickets?|subscriptions?"
    r"|rentals?|appointments?)$",
    re.IGNORECASE,
)
_ROW = re.compile(
    r"^(?!.*(?:Purchase|Work|Sort|Stock|Store|Supply|Production)Orders?$)(?:db_?)?(?:[A-Z][a-z]+)*?"
    r"(Order|Booking|Purchase|Reservation|OrderItem|Ticket|Subscription|Rental|Appointment)"
    r"(?:Model|DB|Table)?$"
)
"""`Order`, `MealOrder`; what the house itself buys or does is no customer's."""
_INTO = re.compile(r"insert\s+into\s+[\"`]?(\w+)", re.IGNORECASE)
_BUYS = re.compile(
    r"order|book|purchas|checkout|reserv|\bbuy|rent|ticket|subscri|appointment"
    r"|(verify|confirm|capture|complete)[-_]payment",
    re.IGNORECASE,
)
_STAFF = re.compile(
    r"admin|staff|manage|cashier|\bpos\b|waiter|vendor|seller|supplier|invoice|expense|quote|"
    r"donat|tip|wallet|top_?up|deposit|purchase_?orders?\b",
    re.IGNORECASE,
)
_CHARGES = re.compile(
    r"(PaymentIntent|Session|Charge|payment_intents|sessions|charges|order|orders)\.create(_async)?$"
)
_PROVIDERS = re.compile(r"stripe|razorpay|paypal|mollie|client|gateway", re.IGNORECASE)
_CHARGED = {"amount", "unit_amount"}


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if not route.writes or not kinds.customers_may(handler) or _STAFF.search(name):
        return
    for seen, node, charged in _named(handler, name):
        if charged:
            what, severity = "charges the amount that the client names", Severity.HIGH
        else:
            what, severity = "keeps the total that the client names", Severity.MEDIUM
        yield found(
            "payments.client-price", seen.module, node, f"{route.label} {what}.",
            severity=severity, symbol=route.function.name,
            also=[
                place(handler.module, route.line, route.function.name),
                *_way(handler, seen),
                *(place(seen.module, one) for one in assigned(seen.function, dotted(node))[:1]),
            ],
        ), route.function  # fmt: skip
        return


def _way(handler: Handler, seen: Seen) -> list[Place]:
    """Where it is handed on."""
    return [place(handler.module, seen.way)] if isinstance(seen, Passed) else []


def _named(handler: Handler, name: str) -> Iterator[tuple[Seen, ast.AST, bool]]:
    """Where a price of the client's is used, and whether it is charged: here, or in what the
    request is handed on to.
    """
    buys = _BUYS.search(name) is not None
    every: list[Seen] = [handler, *behind(handler)]
    for seen in every:
        for call in seen.calls:
            if _charges(seen, call):
                sent = [value for key, value in _pairs(seen, call) if _sent(seen, key, value)]
                yield from ((seen, value, True) for value in sent)
        for call in seen.calls if buys else ():
            yield from ((seen, node, False) for node in _kept_in(seen, call))


def _kept_in(seen: Seen, call: ast.Call) -> Iterator[ast.AST]:
    """The prices of the client's in a row that is made."""
    if _ROW.match(called(call)) or _collection(seen, call):
        yield from (value for key, value in _pairs(seen, call) if _kept(seen, key, value))
        yield from (call for one in call.keywords if _whole(seen, call, one))
    for key, value in inserted(call) if _of_orders(call) else ():
        if _kept(seen, key, value):
            yield value


def _of_orders(call: ast.Call) -> bool:
    """`cursor.execute("INSERT INTO orders …", …)`"""
    told = _INTO.search(text_of(call.args[0]) or "") if call.args else None
    return bool(told and _ORDERS.match(told[1]))


_PAID_THERE = re.compile(
    r"paystack|razorpay|flutterwave|stripe|paypal|mollie|xendit|midtrans|cashfree|paymongo|khalti"
    r"|esewa|sslcommerz|safaricom|mpesa|momo|chapa",
    re.IGNORECASE,
)


def _charges(seen: Seen, call: ast.Call) -> bool:
    """The provider is told to take money: through its package, or by a request that is sent."""
    name = dotted(call.func)
    if _CHARGES.search(name) and _PROVIDERS.search(name):
        return True
    if called(call) not in {"post", "request"}:
        return False
    told = strings_in(call) | words_in(call) | strings_in(seen.function)
    return any(_PAID_THERE.search(word) for word in told | _constants(seen))


def _constants(seen: Seen) -> set[str]:
    """The addresses that the module keeps under a name: `BASE_URL`."""
    return {
        text
        for statement in seen.module.tree.body
        if isinstance(statement, ast.Assign) and dotted(statement.targets[0]).isupper()
        for text in strings_in(statement.value)
        if text.startswith("http")
    }


def _collection(seen: Seen, call: ast.Call) -> bool:
    """`db.orders.insert_one({…})`, `db.table("orders").insert({…})`."""
    names = chain(call)
    if called(call) == "insert":
        return bool(_ORDERS.match(table(seen.module, call)))
    return called(call) == "insert_one" and len(names) > 1 and bool(_ORDERS.match(names[-2]))


def _pairs(seen: Seen, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """What a call is given by name: in place, or put together before."""
    given = [*call.args, *(word.value for word in call.keywords)]
    made = [
        value
        for name in {
            one.id for part in given for one in nodes_in(part) if isinstance(one, ast.Name)
        }
        for value in assigned(seen.function, name)
        if isinstance(value, ast.Dict)
    ]
    for node in (inner for part in (call, *made) for inner in nodes_in(part)):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield text_of(key) or "", value
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.value


def _sent(seen: Seen, key: str, value: ast.expr) -> bool:
    return key in _CHARGED and _of_the_client(seen, value)


def _kept(seen: Seen, key: str, value: ast.expr) -> bool:
    return bool(_TOTAL.match(key)) and _of_the_client(seen, value)


def _of_the_client(seen: Seen, value: ast.expr) -> bool:
    """`payload.total`, `data["price"]`, or a number made of it; computed with nothing of ours."""
    value = _unwrapped(value)
    if summed(seen, value) or _reckoned(seen, value):
        return True
    if isinstance(value, ast.Name):
        made = [
            node.value
            for node in seen.body
            if isinstance(node, ast.Assign) and dotted(node.targets[0]) == value.id
        ]
        if made:
            return len(made) == 1 and _direct(seen, _unwrapped(made[0]))
        return value.id in seen.inputs and bool(_TOTAL.match(value.id))
    return _direct(seen, value)


def _reckoned(seen: Seen, value: ast.expr) -> bool:
    """`base + extras - discount`, of which the client says every one."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add | ast.Sub):
        return False
    parts = [_unwrapped(one) for one in (value.left, value.right)]
    return all(_reckoned(seen, one) or _only_sent(seen, one) for one in parts)


def _only_sent(seen: Seen, value: ast.expr) -> bool:
    """A number as the client sent it, under whatever name."""
    if isinstance(value, ast.Name):
        made = [_unwrapped(one) for one in assigned(seen.function, value.id)]
        said = [one for one in made if dotted(one) != value.id]
        return bool(said) and all(_only_sent(seen, one) for one in said)
    return bool(key_of(value)) and comes_from(value, seen.inputs)


def _unwrapped(value: ast.expr) -> ast.expr:
    """What becomes a number, or hundredths of one: `int(float(data["price"]) * 100)`."""
    while True:
        if isinstance(value, ast.Call) and value.args and called(value) in {
            "float", "int", "Decimal", "round", "str",
        }:  # fmt: skip
            value = value.args[0]
        elif isinstance(value, ast.BinOp) and isinstance(value.right, ast.Constant):
            value = value.left
        else:
            return value


def _direct(seen: Seen, value: ast.expr) -> bool:
    name = key_of(value)
    if not _TOTAL.match(name) or not comes_from(value, seen.inputs):
        return False
    return not any(
        isinstance(node, ast.Compare) and name in words_in(node) and _asks_ours(node)
        for node in seen.body
    )


def _asks_ours(test: ast.Compare) -> bool:
    """It must equal what is computed here."""
    return isinstance(test.ops[0], ast.Eq | ast.NotEq) and not any(
        isinstance(side, ast.Constant) for side in test.comparators
    )


def _whole(seen: Seen, call: ast.Call, given: ast.keyword) -> bool:
    """`Order(**payload.model_dump())`, where the payload names a total."""
    if given.arg is not None or called(given.value) not in {"dict", "model_dump"}:
        return False
    set_here = {one.arg for one in call.keywords if one.arg}
    return any(
        _TOTAL.match(field) and field not in set_here
        for name, module, model in seen.models
        if name in names_in(given.value)
        for field in fields_of(seen.project, module, model)
    ) and not any(
        isinstance(node, ast.Assign)
        and any(_TOTAL.match(dotted(one).rpartition(".")[2]) for one in node.targets)
        and not _of_itself(seen, node, call)
        for node in seen.body
    )


def _of_itself(seen: Seen, node: ast.Assign, made: ast.Call) -> bool:
    """`row.total = row.total * 0.9`, `old = row.total`: it is still what the client said."""
    own = {dotted(target) for target, value in assigns_in(seen.function) if value is made}
    for target, value in assigns_in(seen.function):
        if isinstance(target, ast.Name) and names_in(value) and names_in(value) <= own:
            own.add(target.id)
    return bool(names_in(node.value)) and names_in(node.value) <= own
