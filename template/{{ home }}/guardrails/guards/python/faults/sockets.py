"""Sockets: whether anybody is asked who connects, and who one is from then on."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ....engine.finding import Finding, Severity
from ..facts.access import Gatekeeper
from ..facts.handlers import Handler, comes_from, spread
from ..facts.modules import Function, Module, Project, is_script
from ..facts.refusals import SOUNDS_LIKE_PROOF
from ..facts.routes import Route
from ..facts.storing import is_query
from ..facts.syntax import (
    called,
    calls_in,
    dotted,
    found,
    key_of,
    place,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in
from .ownership import IDENTITY, PERSONAL

_ASKS = re.compile(
    r"token|jwt|auth(?!or)|cookie|credential|api_?key|current_user|verif|principal|ticket|WS_1008"
    r"|\b(?:4401|4403|1008)\b",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(
    r"^(user|client|customer|driver|rider|patient|doctor|seller|vendor|owner|account|member|student"
    r"|employee|sender|from_user|author)_?(id|uuid|email)$|^username$",
    re.IGNORECASE,
)
_KEEPS = {"append", "add", "connect", "setdefault", "register", "subscribe"}
_TELLS = re.compile(
    r"broadcast|^send_(json|text|to|personal|message|update)|^notify", re.IGNORECASE
)
_ENTERS = {"join_room", "enter_room"}


def look(
    project: Project, keeper: Gatekeeper, handlers: list[Handler]
) -> Iterator[tuple[Finding, ast.AST]]:
    """Where other routes ask who calls; a service that never asks has a worse fault."""
    if not any(one.route.access not in {"public", "unknown"} for one in handlers):
        return
    told = _is_told(project)
    for handler in handlers:
        if handler.route.method == "WEBSOCKET" and handler.route.access == "public":
            yield from _connected(handler, told=told)
    yield from _events(project, keeper)


def _is_told(project: Project) -> bool:
    """Whether anything is sent to those who are connected."""
    return any(_TELLS.search(called(call)) for module in project.service for call in module.calls)


def _asks(handler: Handler) -> bool:
    reached = [function for _, function in handler.reached()]
    words = {word for one in reached for word in words_in(one) | strings_in(one)}
    closed = {str(node.value) for node in handler.body if isinstance(node, ast.Constant)}
    told = words | closed | set(handler.path_parameters)
    return any(_ASKS.search(word) and not SOUNDS_LIKE_PROOF.search(word) for word in told)


# the sockets of FastAPI


def _connected(handler: Handler, *, told: bool) -> Iterator[tuple[Finding, ast.AST]]:
    if _asks(handler):
        return
    route = handler.route
    named = next((name for name in handler.path_parameters if _ACCOUNT.match(name)), "")
    kept = any(called(call) in _KEEPS for call in handler.calls) and told
    personal = PERSONAL.search(f"{route.path} {route.function.name}".replace("_", " "))
    if named and (kept or handler.reads or handler.writes):
        what, severity = f"sends what is for {named} to whoever names it", Severity.HIGH
    elif handler.writes:
        what, severity = "changes data for whoever connects", Severity.HIGH
    elif kept or handler.reads:
        what = "sends what happens to whoever connects"
        severity = Severity.HIGH if personal else Severity.MEDIUM
    else:
        return
    yield found(
        "authz.unauthenticated-endpoint", route.module, route.line,
        f"The socket {route.path} ({route.function.name}) {what}, and asks nobody who they are.",
        severity=severity, symbol=route.function.name,
    ), route.function  # fmt: skip


# the events of Socket.IO


@dataclass(frozen=True)
class Event:
    name: str
    handler: Handler


def _events(project: Project, keeper: Gatekeeper) -> Iterator[tuple[Finding, ast.AST]]:
    events = [
        Event(name, Handler(project, keeper, _as_route(module, function, name)))
        for module in project.service
        if not is_script(module.path)
        for function in module.functions
        for name in _listens(function)
    ]
    guarded = any(one.name == "connect" and _turns_away(one.handler) for one in events)
    heard = [one for one in events if one.name not in {"connect", "disconnect"}]
    if guarded:
        yield from (it for one in heard for it in _pretends(one))
        return
    open_ = [(one, severity) for one in heard if (severity := _harm(one))]
    files = {one.handler.module.path for one, _ in open_}
    for path in sorted(files):
        yield _of_file([one for one in open_ if one[0].handler.module.path == path])


def _as_route(module: Module, function: Function, name: str) -> Route:
    return Route("EVENT", name, module, function, "flask", function.lineno)


def _listens(function: Function) -> Iterator[str]:
    """`@socketio.on("say")`, `@sio.event`."""
    for mark in function.decorator_list:
        holder, _, last = dotted(mark.func if isinstance(mark, ast.Call) else mark).rpartition(".")
        if not re.search(r"(^|\.|_)(socket_?io|sio|io)$", holder, re.IGNORECASE):
            continue
        if last == "on" and isinstance(mark, ast.Call) and mark.args:
            yield text_of(mark.args[0]) or ""
        elif last == "event":
            yield function.name


def _turns_away(handler: Handler) -> bool:
    """Whoever connects shows who they are, or is let go."""
    ends = any(
        (isinstance(node, ast.Return) and _is_false(node.value))
        or isinstance(node, ast.Raise)
        or called(node) == "disconnect"
        for node in handler.body
    )
    return ends and (handler.uses_user or _asks(handler))


def _is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _harm(event: Event) -> Severity | None:
    """How bad it is that anybody may send it; None where it knows who sends it, or does nothing."""
    handler = event.handler
    if handler.uses_user or _asks(handler):
        return None
    if handler.writes or _named_account(handler):
        return Severity.HIGH
    reads = any(is_query(call) for call in handler.all_calls)
    return Severity.MEDIUM if reads or _enters(handler) else None


def _of_file(chosen: list[tuple[Event, Severity]]) -> tuple[Finding, ast.AST]:
    event, severity = max(chosen, key=lambda one: one[1])
    handler = event.handler
    others = [one.handler for one, _ in chosen if one is not event]
    more = f", nor do {len(others)} more" if len(others) > 1 else ", nor does one more"
    return found(
        "authz.unauthenticated-endpoint", handler.module, handler.route.line,
        f"The event {event.name!r} of the socket does what it is told, and asks nobody who they "
        f"are{more if others else ''}.",
        severity=severity, symbol=handler.function.name,
        also=[place(one.module, one.route.line, one.function.name) for one in others],
    ), handler.function  # fmt: skip


def _pretends(event: Event) -> Iterator[tuple[Finding, ast.AST]]:
    """It is known who is connected; what is written says whoever the message names."""
    handler = event.handler
    if handler.uses_user or _asks(handler):
        return
    given = _named_account(handler)
    if given is not None:
        yield found(
            "authz.client-supplied-identity", handler.module, given,
            f"The event {event.name!r} of the socket is from whomever the message names, and not "
            "from who is connected.",
            severity=Severity.HIGH, symbol=handler.function.name,
        ), handler.function  # fmt: skip


def _sent(handler: Handler) -> set[str]:
    return spread(handler.function, {item.arg for item in handler.function.args.args})


def _named_account(handler: Handler) -> ast.AST | None:
    """`Message(sender_id=data["sender_id"])`, `join_room(f"user_{data['user_id']}")`."""
    sent = _sent(handler)
    for call in calls_in(handler.function):
        for word in call.keywords:
            names = IDENTITY.match(word.arg or "") or _ACCOUNT.match(word.arg or "")
            if names and called(call)[:1].isupper() and comes_from(word.value, sent):
                return call
        if called(call) in _ENTERS and any(_is_account(node, sent) for node in nodes_in(call)):
            return call
        for node in nodes_in(call) if called(call).startswith("insert") else ():
            if isinstance(node, ast.Dict) and any(
                _ACCOUNT.match(text_of(key) or "") and comes_from(value, sent)
                for key, value in zip(node.keys, node.values, strict=True)
            ):
                return call
    return None


def _is_account(node: ast.AST, sent: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in sent and bool(_ACCOUNT.match(node.id))
    return bool(_ACCOUNT.match(key_of(node))) and comes_from(node, sent)


def _enters(handler: Handler) -> bool:
    sent = _sent(handler)
    return any(
        called(call) in _ENTERS and any(comes_from(one, sent) for one in call.args)
        for call in handler.calls
    )
