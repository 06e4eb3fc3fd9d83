"""What the buyer says that it costs: totals that are kept, and amounts that are charged."""

import ast
import re
from collections.abc import Iterator

from ...engine.finding import Finding, Severity
from .handlers import Handler, comes_from, fields_of
from .modules import Function, Module
from .sums import summed
from .syntax import (
    called,
    calls_in,
    chain,
    dotted,
    found,
    key_of,
    names_in,
    own_body,
    parameters,
    place,
    text_of,
    words_in,
)
from .walking import nodes_in

_TOTAL = re.compile(
    r"^((final|original|order|net)_?)?(total(_?(amount|price|cost|bill))?|grand_?total|sub_?total|"
    r"amount|price|unit_?price|cost|fare)(_?(in_?)?(cents|paise|minor|kobo|pence|usd))?$",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"^(orders?|bookings?|purchases?|reservations?|order_?items?|tickets?|subscriptions?|rentals?)$",
    re.IGNORECASE,
)
_ROW = re.compile(
    r"^(?:db_?)?(Order|Booking|Purchase|Reservation|OrderItem|Ticket|Subscription|Rental)"
    r"(?:Model|DB|Table)?$"
)
_INTO = re.compile(r"insert\s+into\s+[\"`]?(\w+)", re.IGNORECASE)
_BUYS = re.compile(r"order|book|purchas|checkout|reserv|\bbuy|rent|ticket|subscri", re.IGNORECASE)
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
    if not route.writes or route.access not in {"public", "caller"} or _STAFF.search(name):
        return
    for module, node, charged in _named(handler, name):
        if charged:
            what, severity = "charges the amount that the client names", Severity.HIGH
        else:
            what, severity = "keeps the total that the client names", Severity.MEDIUM
        yield found(
            "payments.client-price", module, node, f"{route.label} {what}.",
            severity=severity, symbol=route.function.name,
            also=[place(handler.module, route.line, route.function.name)],
        ), route.function  # fmt: skip
        return


def _named(handler: Handler, name: str) -> Iterator[tuple[Module, ast.AST, bool]]:
    """Where a price of the client's is used, and whether it is charged."""
    here = handler.module
    for call in handler.calls:
        if _CHARGES.search(dotted(call.func)) and _PROVIDERS.search(dotted(call.func)):
            sent = [value for key, value in _pairs(call) if _sent(handler, key, value)]
            yield from ((here, value, True) for value in sent)
    if not _BUYS.search(name):
        return
    for call in handler.calls:
        if _ROW.match(called(call)) or _collection(call):
            kept = [value for key, value in _pairs(call) if _kept(handler, key, value)]
            yield from ((here, value, False) for value in kept)
            yield from ((here, call, False) for one in call.keywords if _whole(handler, call, one))
        yield from ((here, value, False) for value in _handed_on(handler, call))
        yield from ((module, value, False) for module, value in _body_on(handler, call))


def _collection(call: ast.Call) -> bool:
    """`db.orders.insert_one({…})`."""
    names = chain(call)
    return called(call) == "insert_one" and len(names) > 1 and bool(_ORDERS.match(names[-2]))


def _pairs(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes_in(call):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield text_of(key) or "", value
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.value


def _sent(handler: Handler, key: str, value: ast.expr) -> bool:
    return key in _CHARGED and _of_the_client(handler, value)


def _kept(handler: Handler, key: str, value: ast.expr) -> bool:
    return bool(_TOTAL.match(key)) and _of_the_client(handler, value)


def _of_the_client(handler: Handler, value: ast.expr) -> bool:
    """`payload.total`, `data["price"]`, or a number made of it; computed with nothing of ours."""
    value = _unwrapped(value)
    if summed(handler, value):
        return True
    if isinstance(value, ast.Name):
        made = [
            node.value
            for node in handler.body
            if isinstance(node, ast.Assign) and dotted(node.targets[0]) == value.id
        ]
        if made:
            return len(made) == 1 and _direct(handler, _unwrapped(made[0]))
        return value.id in handler.inputs and bool(_TOTAL.match(value.id))
    return _direct(handler, value)


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


def _direct(handler: Handler, value: ast.expr) -> bool:
    name = key_of(value)
    if not _TOTAL.match(name) or not comes_from(value, handler.inputs):
        return False
    return not any(
        isinstance(node, ast.Compare) and name in words_in(node) and _asks_ours(node)
        for node in handler.body
    )


def _asks_ours(test: ast.Compare) -> bool:
    """It must equal what is computed here."""
    return isinstance(test.ops[0], ast.Eq | ast.NotEq) and not any(
        isinstance(side, ast.Constant) for side in test.comparators
    )


def _whole(handler: Handler, call: ast.Call, given: ast.keyword) -> bool:
    """`Order(**payload.model_dump())`, where the payload names a total."""
    if given.arg is not None or called(given.value) not in {"dict", "model_dump"}:
        return False
    set_here = {one.arg for one in call.keywords if one.arg}
    return any(
        _TOTAL.match(field) and field not in set_here
        for name, module, model in handler.models
        if name in names_in(given.value)
        for field in fields_of(handler.project, module, model)
    ) and not any(
        isinstance(node, ast.Assign)
        and any(_TOTAL.match(dotted(one).rpartition(".")[2]) for one in node.targets)
        for node in handler.body
    )


def _handed_on(handler: Handler, call: ast.Call) -> Iterator[ast.expr]:
    """A function of the program's own puts what it is given into the row of an order."""
    meant = handler.project.resolve(handler.module, dotted(call.func))
    if not isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) or meant.module is None:
        return
    names = [parameter.arg for parameter, _ in parameters(meant.node)]
    given = dict(zip(names, call.args, strict=False))
    given |= {one.arg: one.value for one in call.keywords if one.arg}
    for name, value in given.items():
        sent = _TOTAL.match(name) and _direct(handler, _unwrapped(value))
        if sent and _inserts(meant.node, name):
            yield value


def _body_on(handler: Handler, call: ast.Call) -> Iterator[tuple[Module, ast.expr]]:
    """`create_order(db, body)`: a function of the program's own keeps `body.total` in the row."""
    bodies = {name for name, _, _ in handler.models} & handler.inputs
    meant = handler.project.resolve(handler.module, dotted(call.func))
    if not isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) or meant.module is None:
        return
    names = [parameter.arg for parameter, _ in parameters(meant.node)]
    given = {
        name: value.id
        for name, value in zip(names, call.args, strict=False)
        if isinstance(value, ast.Name)
    }
    held = {name for name, value in given.items() if value in bodies}
    for row in calls_in(meant.node):
        for one in row.keywords if _ROW.match(called(row)) else ():
            owner, _, key = dotted(one.value).rpartition(".")
            if owner in held and _TOTAL.match(one.arg or "") and _TOTAL.match(key):
                yield meant.module, one.value


def _inserts(function: Function, name: str) -> bool:
    for node in own_body(function):
        if not isinstance(node, ast.Call):
            continue
        if _ROW.match(called(node)):
            if any(names_in(one.value) == {name} for one in node.keywords):
                return True
        elif called(node) == "execute" and node.args:
            told = _INTO.search(text_of(node.args[0]) or "")
            if told and _ORDERS.match(told[1]) and name in names_in(node):
                return True
    return False
