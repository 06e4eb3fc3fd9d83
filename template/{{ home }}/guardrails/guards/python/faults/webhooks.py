"""Webhooks that take the body for the provider's, though nothing proves that."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding, Place, Severity
from ..facts.access import SIGNED, Gatekeeper
from ..facts.handlers import Handler
from ..facts.modules import Function, Module, Project, is_script
from ..facts.refusals import SOUNDS_LIKE_PROOF
from ..facts.routes import Route, RouteTable
from ..facts.storing import is_write
from ..facts.syntax import (
    argument,
    assigned,
    called,
    calls_in,
    dotted,
    found,
    names_in,
    own_body,
    place,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_WEBHOOK = re.compile(r"web_?-?hook|(^|/)(ipn|postback)(/|$)", re.IGNORECASE)
_CALLS_BACK = re.compile(
    r"(^|[/_-])(call_?-?back|notif(y|ication)|confirmation|validation|result|response)s?(/|\b|$)",
    re.IGNORECASE,
)
_PROVIDERS = re.compile(
    r"m-?pesa|daraja|(^|[/_-])stk|momo\b|airtel|tigo|pesapal|intasend|flutterwave|paystack|paytm|phonepe"
    r"|cashfree|payhere|payfast|paynow|sslcommerz|ssl_commerz|bkash|nagad|jazzcash|easypaisa|khalti"
    r"|esewa|vnpay|zalopay|midtrans|xendit|mercado_?pago|iyzico|telebirr|chapa|wave\b|cinetpay",
    re.IGNORECASE,
)
"""They call a program back by an address of its own, and often sign nothing."""
_SENDS_IT = re.compile(
    r"(^|[/ ])(send|dispatch|trigger|fire|emit|deliver|retry|outgoing|outbound)[-_/][\w-]*hook"
    r"|(^|[/ ])(test|create|register|set_?up|configure|manage|update|delete|list)[-_]?web_?-?hook"
    r"|hooks?[-_/](deliver\w*|settings?|config|logs?|test|register|retry)( |$)",
    re.IGNORECASE,
)
"""The program's own webhooks: it calls somebody, and keeps the list of whom."""
_SECRET = re.compile(r"secret|signing|webhook\w*key|token", re.IGNORECASE)
_PROOFS = SIGNED | {"compare_digest"}
_HEADER = re.compile(r"header|signature|(^|_)sig(_|$)", re.IGNORECASE)
_PROVES = re.compile(
    r"signature|signing|hmac|compare_digest|secret|construct_event|verify|validat|token"
    r"|x-hub|svix|authoriz|allowed_ips|retrieve|client_host",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"paid|payment|invoice|subscription|checkout|charge|amount|credit", re.IGNORECASE
)


def look(table: RouteTable, keeper: Gatekeeper) -> Iterator[Finding]:
    seen: set[ast.AST] = set()
    told: set[Place] = set()
    for route in table.routes:
        if not _is_webhook(route) or route.function in seen or is_script(route.module.path):
            continue
        seen.add(route.function)
        handler = Handler(table.project, keeper, route)
        skipped = next(_skipping(handler), None) or next(_empty_key(handler), None)
        if skipped is not None:
            yield skipped
        lost = [one for one in _lost(handler) if one.place not in told]
        told |= {at for one in lost for at in (one.place, *one.also)}
        yield from lost
        if skipped is None and route.access == "public" and handler.writes and not _proves(handler):
            yield found(
                "edge-fn.webhook-unsigned", route.module, route.line,
                f"{route.label} writes what anybody sends: no signature is checked.",
                severity=_grave(handler), symbol=route.function.name,
            )  # fmt: skip


def _lost(handler: Handler) -> Iterator[Finding]:
    """`except Exception: log(…)`, and the provider hears that all is well: it never comes again."""
    if _grave(handler) < Severity.CRITICAL:
        return
    places = [
        place(module, broad, function.name)
        for module, function in handler.reached()
        for node in own_body(function)
        if isinstance(node, ast.Try) and _books(node.body)
        for broad in node.handlers
        if _goes_on(broad)
    ]
    if places:
        first, *rest = sorted(places)
        yield Finding(
            "errors.swallowed", first,
            f"{handler.route.label}: what fails here is answered as if it had been booked, and the "
            "provider doesn't send it again.",
            Severity.HIGH, also=tuple(rest),
        )  # fmt: skip


def _books(body: list[ast.stmt]) -> bool:
    """Something of money is written; that nobody could be told of it is no loss."""
    inside = _whole(body)
    told = words_in(inside) | strings_in(inside)
    return any(map(is_write, calls_in(inside))) and any(_MONEY.search(word) for word in told)


def _whole(body: list[ast.stmt]) -> ast.Module:
    return ast.Module(body, [])


def _goes_on(caught: ast.ExceptHandler) -> bool:
    """Anything is caught, and nothing of it is said to who called."""
    broad = caught.type is None or dotted(caught.type) in {"Exception", "BaseException"}
    inside = nodes_in(_whole(caught.body))
    refused = any(
        (isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value >= 400)
        or isinstance(node, ast.Raise)
        or called(node) in {"abort", "retry"}
        or re.match(r"HTTP_[45]\d\d", dotted(node).rpartition(".")[2])
        for node in inside
    )
    return broad and not refused


def _is_webhook(route: Route) -> bool:
    name = f"{route.path} {route.function.name}"
    named = _WEBHOOK.search(name) is not None and not _SENDS_IT.search(name)
    return route.served and route.writes and (named or _called_back(route))


def _called_back(route: Route) -> bool:
    """`POST /mpesa/callback`: the provider of the payments says how one went."""
    name = f"{route.path} {route.function.name}"
    told = f"{name} {' '.join(strings_in(route.function))}"
    return _CALLS_BACK.search(name) is not None and _PROVIDERS.search(told) is not None


def _proves(handler: Handler) -> bool:
    """Something on the way speaks of a signature, a secret, or asks the provider itself."""
    return any(
        _PROVES.search(word) and not SOUNDS_LIKE_PROOF.search(word)
        for _, function in handler.reached()
        for word in words_in(function) | strings_in(function)
        if " " not in word
    )


def _grave(handler: Handler) -> Severity:
    reached = [function for _, function in handler.reached()]
    told = {word for function in reached for word in words_in(function) | strings_in(function)}
    return Severity.CRITICAL if any(_MONEY.search(word) for word in told) else Severity.HIGH


def _skipping(handler: Handler) -> Iterator[Finding]:
    for module, function in handler.reached():
        for node in own_body(function):
            if not isinstance(node, ast.If):
                continue
            if name := _optional_check(handler.project, module, function, node):
                route = handler.route
                yield found(
                    "edge-fn.webhook-unsigned", module, node,
                    f"{route.label} skips its check when {name} is not set.",
                    severity=_grave(handler), symbol=function.name,
                    also=[place(route.module, route.line, route.function.name)],
                )  # fmt: skip


def _empty_key(handler: Handler) -> Iterator[Finding]:
    """`os.getenv("WEBHOOK_SECRET", "")`: whoever signs with nothing is the provider."""
    for module, function in handler.reached():
        for call in calls_in(function):
            key = _signed_with(module, call)
            if key is None or not (name := _falls_back(handler, module, key)):
                continue
            if not _tested(module, function, dotted(key)):
                route = handler.route
                yield found(
                    "edge-fn.webhook-unsigned", module, call,
                    f"{route.label} checks the signature with an empty key where {name} is not "
                    "set: anybody can sign with that.",
                    severity=Severity.HIGH, symbol=function.name,
                    also=[place(route.module, route.line, route.function.name)],
                )  # fmt: skip


def _signed_with(module: Module, call: ast.Call) -> ast.expr | None:
    """`SECRET` of `construct_event(body, header, SECRET)`, of `hmac.new(SECRET.encode(), body)`."""
    if called(call) == "construct_event":
        return argument(call, 2, "secret")
    first, _, rest = dotted(call.func).partition(".")
    if f"{module.imports.get(first, first)}.{rest}" not in {"hmac.new", "hmac.digest"}:
        return None
    key = argument(call, 0, "key")
    if isinstance(key, ast.Call) and isinstance(key.func, ast.Attribute):
        return key.func.value if key.func.attr == "encode" else key
    return key


def _falls_back(handler: Handler, module: Module, key: ast.expr) -> str:
    """The variable that is read, where the empty text stands in for it."""
    value: ast.AST | None = key
    if isinstance(key, ast.Name | ast.Attribute):
        local = assigned(module.tree, dotted(key))
        meant = handler.project.resolve(module, dotted(key))
        value = local[-1] if local else getattr(meant.node, "value", None)
    while isinstance(value, ast.Call) and called(value) == "strip":
        value = getattr(value.func, "value", None)
    if not isinstance(value, ast.Call) or called(value) not in {"getenv", "get"}:
        return ""
    named = text_of(value.args[0]) if value.args else None
    return named or "" if text_of(argument(value, 1, "default")) == "" else ""


def _tested(module: Module, function: Function, name: str) -> bool:
    return any(
        isinstance(node, ast.If) and name in {dotted(inner) for inner in nodes_in(node.test)}
        for node in (*own_body(function), *module.tree.body)
    )


def _optional_check(project: Project, module: Module, function: Function, node: ast.If) -> str:
    """The name of the secret without which `if SECRET: construct_event(...)` checks nothing."""
    name = _secret_of(node.test)
    checks = any(
        _compares(project, module, call)
        for statement in node.body
        if name
        for call in calls_in(statement)
    )
    if not checks or any(_stops(one) for one in node.orelse):
        return ""
    return "" if _required(module, function, node, name) else name


def _compares(project: Project, module: Module, call: ast.Call) -> bool:
    """A call that proves who sent it, itself or as a function of one's own."""
    if called(call) in _PROOFS:
        return True
    meant = project.resolve(module, dotted(call.func))
    return isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
        called(inner) in _PROOFS for inner in calls_in(meant.node)
    )


def _secret_of(test: ast.expr) -> str:
    for part in test.values if isinstance(test, ast.BoolOp) else [test]:
        name = dotted(part).rpartition(".")[2]
        if name in {"get", "getenv", "environ"}:
            name = next(iter(sorted(strings_in(part))), "")
        if name and _SECRET.search(name) and not isinstance(part, ast.Compare):
            return "" if _HEADER.search(name) else name
    return ""


def _stops(statement: ast.stmt) -> bool:
    """What refuses a body that can't be read stops no forged one."""
    unread = {
        inner
        for node in nodes_in(statement)
        if isinstance(node, ast.ExceptHandler)
        for inner in nodes_in(node)
    }
    return any(
        isinstance(node, ast.Raise | ast.Return) or called(node) in {"abort", "exit"}
        for node in nodes_in(statement)
        if node not in unread
    )


def _required(module: Module, function: Function, check: ast.If, name: str) -> bool:
    """`if not SECRET: raise`, in the function or where the module starts."""
    return any(
        isinstance(node, ast.If)
        and node is not check
        and isinstance(node.test, ast.UnaryOp)
        and name in names_in(node.test) | words_in(node.test)
        and any(_stops(one) for one in node.body)
        for node in (*own_body(function), *module.tree.body)
    )
