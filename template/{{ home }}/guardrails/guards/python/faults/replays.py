"""What was paid once, shown again: for something else, or for the same thing a second time."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Severity
from ..facts.handlers import Handler, comes_from
from ..facts.modules import Function, Module
from ..facts.storing import is_query, is_write
from ..facts.syntax import (
    assigns_in,
    called,
    calls_in,
    chain,
    dotted,
    found,
    names_in,
    own_body,
    parameters,
    place,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_RETRIEVES = re.compile(
    r"(PaymentIntent|checkout\.Session|payment_intents|checkout\.sessions|Charge)\.retrieve(_async)?$"
    r"|\b(payment|order|payments|orders)\.fetch$|[Tt]ransaction\.verify$"
)
_SIGNED_BY_THE_BUYER = {"verify_payment_signature"}
"""Razorpay's: it says that the order was paid, and nothing of whose or what it was."""
_SAYS_WHAT_FOR = re.compile(
    r"^(metadata|client_reference_id|notes|receipt|custom_id|amount(_total|_received|_paid)?)$"
)
_STORED = re.compile(r"^((wallet_?|coin_?)?balance|wallet|coins?|credits?|tokens?|points)$")
_NO_STAFF = {"public", "caller"}


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    if handler.route.access not in _NO_STAFF or not handler.writes:
        return
    told = list(_shown_again(handler))
    yield from told or _of_another(handler)


def _of_another(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`my.balance += payment.amount`, of the payment that the request names, whosever it is."""
    asked = {
        target.id: value
        for target, value in assigns_in(handler.function)
        if isinstance(target, ast.Name) and any(is_query(call) for call in calls_in(value))
    }
    own = {name for name, value in asked.items() if handler.of_the_user(value)}
    named = {name for name, value in asked.items() if _named(handler, value)} - own
    for node in handler.body:
        if not isinstance(node, ast.AugAssign) or not _adds(node):
            continue
        paid = names_in(node.value) & named
        mine = dotted(node.target).partition(".")[0] in own | handler.users
        if mine and paid and not any(_compares(handler, one, paid) for one in handler.body):
            route = handler.route
            yield found(
                "payments.replay", handler.module, node,
                f"{route.label} adds what the payment that the request names was for to what who "
                "calls has: whose payment it was is never compared.",
                severity=Severity.HIGH, symbol=handler.function.name,
                also=[place(handler.module, route.line, handler.function.name)],
            ), handler.function  # fmt: skip
            return


_PAYMENTS = re.compile(r"payment|transaction|\btx|deposit|top_?up|charge", re.IGNORECASE)


def _named(handler: Handler, value: ast.expr) -> bool:
    """`Transaction.query.filter_by(reference=reference).first()`"""
    given = [
        one
        for call in calls_in(value)
        for one in (*call.args, *(word.value for word in call.keywords))
    ]
    about = any(_PAYMENTS.search(word) for word in words_in(value))
    return about and any(names_in(one) & handler.inputs for one in given)


def _compares(handler: Handler, node: ast.AST, rows: set[str]) -> bool:
    """`if payment.user_id != me.id`"""
    return (
        isinstance(node, ast.Compare) and bool(names_in(node) & rows) and handler.of_the_user(node)
    )


def _shown_again(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """The provider is asked whether it is paid, by an id that whoever calls chose."""
    for module, function in handler.reached(1):
        for call in calls_in(function):
            shown = _shown(handler, function, call)
            if not shown:
                continue
            again = _counted_again(function) and not _looked_for(function, shown, call)
            if again or not _tied(handler, shown, call):
                yield _told(handler, module, call, again=again), handler.function
            return


def _told(handler: Handler, module: Module, call: ast.Call, *, again: bool) -> Finding:
    what = (
        "adds what was paid as often as the same payment is shown"
        if again
        else "takes any payment that went through for the one of what is asked for: neither what "
        "it was for nor how much it was is compared"
    )
    route = handler.route
    return found(
        "payments.replay", module, call, f"{route.label} {what}.",
        severity=Severity.HIGH, symbol=handler.function.name,
        also=[place(handler.module, route.line, handler.function.name)],
    )  # fmt: skip


def _shown(handler: Handler, function: Function, call: ast.Call) -> set[str]:
    """The names of the ids with which the provider is asked, where the request brings them."""
    given = [*call.args, *(word.value for word in call.keywords)]
    if called(call) in _SIGNED_BY_THE_BUYER:
        return {word for one in given for word in _ids_in(one)} or {"razorpay_order_id"}
    if not given or not _RETRIEVES.search(dotted(call.func)):
        return set()
    asked = given[0]
    if function is handler.function:
        sent = comes_from(asked, handler.inputs) or bool(names_in(asked) & handler.inputs)
    else:
        sent = bool(names_in(asked) & {item.arg for item, _ in parameters(function)} - {"self"})
    return _ids_in(asked) if sent else set()


def _ids_in(node: ast.expr) -> set[str]:
    """`payment_intent_id`, `data["razorpay_order_id"]`, `body.session_id`: by its last name."""
    words = words_in(node) | strings_in(node)
    return {word for word in words if re.search(r"(_id|Id|reference|intent|session)$", word)}


# what it was for


def _tied(handler: Handler, shown: set[str], call: ast.Call) -> bool:
    """Whether anything of what was paid is compared, or it is looked for by the payment."""
    reached = [function for _, function in handler.reached()]
    return any(_looked_for(function, shown, call) or _asks(function) for function in reached)


def _asks(function: Function) -> bool:
    """`session.metadata["order"]` finds the row, or is compared: a payment that names nothing, or
    an amount that is only written down, ties nothing.
    """
    for node in own_body(function):
        about = _about(node)
        if about is not None and any(
            _SAYS_WHAT_FOR.match(word) for word in words_in(about) | strings_in(about)
        ):
            return True
    return any(
        "metadata" in words_in(given) | strings_in(given)
        for node in own_body(function)
        if isinstance(node, ast.Assign)
        for given in [node.value]
    )


def _about(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.Compare):
        ordered = isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        constant = any(isinstance(one, ast.Constant) for one in node.comparators)
        return node if ordered and not constant else None
    return node if isinstance(node, ast.Call) and is_query(node) else None


def _looked_for(function: Function, shown: set[str], but: ast.Call) -> bool:
    """`Payment.query.filter_by(intent_id=intent_id)`: what is kept of the payment is asked for."""
    inside = set(nodes_in(but))
    return any(
        shown & (words_in(about) | _keys_in(about))
        for node in own_body(function)
        if node not in inside and not _only_there(node)
        for about in _asked(node)
    )


def _asked(node: ast.AST) -> Iterator[ast.AST]:
    """What a comparison or a query asks; `data.get("session_id")` only reads the request."""
    if isinstance(node, ast.Compare):
        yield node
    elif isinstance(node, ast.Call):
        if called(node) in {"update_one", "find_one_and_update"}:
            yield from node.args[:1]
        elif is_query(node) or (called(node) == "get" and "query" in chain(node)):
            yield node


def _keys_in(node: ast.AST) -> set[str]:
    texts = {text for inner in nodes_in(node) if (text := text_of(inner))}
    return texts | {word.arg for call in calls_in(node) for word in call.keywords if word.arg}


def _only_there(node: ast.AST) -> bool:
    """`if session_id is None`, `if reference == ""`: whether it was sent at all."""
    return isinstance(node, ast.Compare) and any(
        isinstance(one, ast.Constant) for one in node.comparators
    )


# how often it counts


def _counted_again(function: Function) -> bool:
    """It adds to a balance, which is more each time."""
    return any(_adds(node) for node in own_body(function)) and any(
        is_write(call) for call in calls_in(function)
    )


def _adds(node: ast.AST) -> bool:
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        return bool(_STORED.match(dotted(node.target).rpartition(".")[2]))
    if isinstance(node, ast.Dict):
        return any(
            text_of(key) == "$inc"
            and isinstance(value, ast.Dict)
            and any(_STORED.match((text_of(name) or "").rpartition(".")[2]) for name in value.keys)
            and not any(isinstance(one, ast.UnaryOp) for one in value.values)
            for key, value in zip(node.keys, node.values, strict=True)
        )
    return False
