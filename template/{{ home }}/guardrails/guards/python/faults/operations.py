"""What breaks in operation: floods, blocked loops, lost errors, state in one process."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from ....engine.finding import Finding, Severity
from ..facts.access import Gatekeeper, is_login
from ..facts.gathered import one_a_file
from ..facts.handlers import Handler
from ..facts.modules import Function, Module, Project, is_script
from ..facts.routes import RouteTable
from ..facts.syntax import (
    called,
    calls_in,
    dotted,
    found,
    names_in,
    own_body,
    strings_in,
    target_name,
    words_in,
)
from ..facts.walking import nodes_in
from .limits import counted_by_header, counts, is_limited, marked
from .state import held_by_object, in_process

_SENDERS = re.compile(
    r"^(resend|smtplib|sendgrid|twilio|mailgun|boto3|sib_api|postmark)", re.IGNORECASE
)
_SENDING = re.compile(
    r"^(send|send_message|sendmail|send_mail|send_email|send_sms|deliver)$|send_.*(mail|sms|otp)"
)
_MODELS = re.compile(
    r"(openai|anthropic|genai|groq|LlmChat|litellm|cohere|mistral|gemini)", re.IGNORECASE
)
_PAID = {
    "create",
    "generate_content",
    "send_message",
    "acompletion",
    "completion",
    "generate",
    "invoke",
    "ainvoke",
}
_SECRET_NAMES = re.compile(
    r"(^|_)(password|passwd|pwd|secret|api_?key|access_?token|refresh_?token|otp|jwt|cvv|card_number|"
    r"private_key|auth_token|reset_token|session_token)$",
    re.IGNORECASE,
)
_OF_ONE_TIME = re.compile(r"\botp\b|one-?time|verification code", re.IGNORECASE)
_A_CODE = re.compile(r"(^|_)code$", re.IGNORECASE)
_TRIED = re.compile(r"\bDEV\b|(?i:\bdev(?:elopment)? mode|\bmock\b|\bsimulat)")
"""What stands in for the message where none is sent."""
"""`f"OTP for {email}: {code}"`"""
_LOGS = {"debug", "info", "warning", "error", "critical", "exception", "log", "print", "warn"}
_HTTP_ERRORS = {"HTTPException", "APIException"}
_SYNC_CLIENTS = {"OpenAI", "Anthropic", "MongoClient", "Groq"}
_SYNC_ROOTS = {
    "stripe",
    "smtplib",
    "boto3",
    "psycopg2",
    "sqlite3",
    "pymysql",
    "razorpay",
    "resend",
    "twilio",
}
_SYNC_SESSIONS = {"sqlmodel", "sqlalchemy"}


def look(table: RouteTable, keeper: Gatekeeper) -> Iterator[Finding]:
    project = table.project
    handlers = [Handler(project, keeper, route) for route in table.routes if route.served]
    once = list({handler.function: handler for handler in handlers}.values())
    if not is_limited(project):
        yield from _as_one([one for handler in once for one in _unlimited(handler)])
    yield from counted_by_header(project)
    for module in project.service:
        if is_script(module.path):
            continue
        yield from one_a_file(_secrets_in_logs(module))
        yield from _leaks(module)
        yield from _leaking_pages(module)
        yield from _empty_answers(module)
        for function in module.functions:
            yield from _blocking(project, module, function)
    for module in {handler.module.path: handler.module for handler in once}.values():
        yield from in_process(module, {h.function for h in once if h.module is module})
        yield from held_by_object(module)
    yield from _none_user(project)


# floods


_LOGS_IN = re.compile(r"log_?-?in|sign_?-?in", re.IGNORECASE)


def _as_one(findings: list[Finding]) -> Iterator[Finding]:
    """Log-ins that may be tried without end: one limit mends all of them."""
    guessed = [one for one in findings if one.severity is None]
    guessed.sort(key=lambda one: not _LOGS_IN.search(one.message))
    yield from (one for one in findings if one.severity is not None)
    if guessed:
        also = (*guessed[0].also, *(one.place for one in guessed[1:]))
        yield replace(guessed[0], also=also)


def _proven(handler: Handler) -> bool:
    """A token that was signed or sent is none to guess: `/refresh`, `/reset-password/{token}`."""
    name = f"{handler.route.path} {handler.function.name}"
    return "refresh" in name.lower() or any("token" in one for one in handler.path_parameters)


def _unlimited(handler: Handler) -> Iterator[Finding]:
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if not route.writes or route.stated or marked(route.function) or counts(handler):
        return
    guessed = is_login(route) and route.before == "public" and not _proven(handler)
    if guessed and re.search(r"log_?-?in|sign_?-?in|otp|token|verify", name, re.IGNORECASE):
        if any(
            "password" in word or "otp" in word or "code" in word or "pin" in word
            for word in _all_words(handler)
        ):
            yield found(
                "ops.no-rate-limit", route.module, route.line,
                f"{route.label} lets anybody guess passwords as fast as the server answers.",
                severity=Severity.MEDIUM if _asks_a_provider(handler) else None,
                symbol=route.function.name,
            )  # fmt: skip
    elif route.access == "public":
        what = _costs(handler)
        if what:
            yield found(
                "ops.no-rate-limit", route.module, route.line,
                f"{route.label} {what} for anybody, as often as they like.",
                severity=Severity.MEDIUM, symbol=route.function.name,
            )  # fmt: skip


def _asks_a_provider(handler: Handler) -> bool:
    """Firebase compares the password, and after some wrong ones it answers no more for a while."""
    return any("signInWithPassword" in text for text in strings_in(handler.function))


def _all_words(handler: Handler) -> set[str]:
    words = {word.lower() for word in words_in(handler.function)}
    words |= {text.lower() for text in strings_in(handler.function)}
    for _, _, model in handler.models:
        words |= {word.lower() for word in words_in(model)}
    return words


def _costs(handler: Handler) -> str:
    for module, function in handler.reached():
        roots = {target.partition(".")[0] for target in module.imports.values()}
        for call in calls_in(function):
            if _SENDING.search(called(call)) and any(_SENDERS.match(root) for root in roots):
                return "sends a message"
            if called(call) in _PAID and any(
                _MODELS.search(target) for target in module.imports.values()
            ):
                return "asks a paid language model"
    return ""


# logs and answers


def _secrets_in_logs(module: Module) -> Iterator[Finding]:
    signs = any(target.startswith(("jwt", "jose")) for target in module.imports.values())
    for call in module.calls:
        name = dotted(call.func)
        is_log = name == "print" or (
            called(call) in _LOGS
            and re.match(r"(self\.)?_?(logger|logging|log|app\.logger|current_app)\b", name)
        )
        if not is_log:
            continue
        for node in call.args:
            code = any(map(_OF_ONE_TIME.search, strings_in(node)))
            for inner in _shown(node):
                last = target_name(inner) if not isinstance(inner, ast.Call) else ""
                once = code and _A_CODE.search(last)
                if _SECRET_NAMES.search(last) or (last == "token" and signs) or once:
                    yield found(
                        "obs.secret-in-logs",
                        module,
                        call,
                        f"The value of {last} goes into the log.",
                        severity=Severity.MEDIUM if _for_trying(node) else None,
                    )
                    break


def _for_trying(node: ast.expr) -> bool:
    return any(map(_TRIED.search, strings_in(node)))


def _shown(node: ast.expr) -> Iterator[ast.expr]:
    """The values that are written out whole: not their length, and no slice."""
    if isinstance(node, ast.Name | ast.Attribute):
        yield node
    elif isinstance(node, ast.JoinedStr):
        for item in node.values:
            if isinstance(item, ast.FormattedValue):
                yield from _shown(item.value)
    elif isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
        yield node
    elif isinstance(node, ast.BinOp):
        yield from _shown(node.left)
        yield from _shown(node.right)


def _leaks(module: Module) -> Iterator[Finding]:
    for handler in (node for node in module.nodes if isinstance(node, ast.ExceptHandler)):
        if handler.name is None or dotted(handler.type).rpartition(".")[2] not in {
            "Exception",
            "BaseException",
        }:
            continue
        for node in nodes_in(handler):
            shown = _shown_to_caller(node, handler.name)
            if shown is not None:
                yield found(
                    "errors.leaks-internals", module, shown,
                    "The text of any error, statements and paths included, goes to the caller.",
                )  # fmt: skip
                break


def _shown_to_caller(node: ast.AST, name: str) -> ast.AST | None:
    if isinstance(node, ast.Raise) and called(node.exc or node) in _HTTP_ERRORS:
        return node if name in names_in(node.exc) else None
    if isinstance(node, ast.Return) and node.value is not None:
        calls = {called(call) for call in calls_in(node.value)}
        if calls & {
            "jsonify",
            "JSONResponse",
            "Response",
            "JsonResponse",
            "make_response",
            "dumps",
        } and name in names_in(node.value):
            return node
    return None


_PAGES = {"render_template", "jsonify", "render_template_string", "make_response"}


def _leaking_pages(module: Module) -> Iterator[Finding]:
    """A page for what went wrong, with all that the program knows of it."""
    for function in module.functions:
        marks = [one for one in function.decorator_list if called(one) == "errorhandler"]
        broad = any(
            isinstance(mark, ast.Call)
            and mark.args
            and ast.unparse(mark.args[0]) in {"500", "Exception", "InternalServerError"}
            for mark in marks
        )
        error = function.args.args[0].arg if function.args.args else ""
        for node in own_body(function) if broad and error else ():
            if (
                isinstance(node, ast.Call)
                and called(node) in _PAGES
                and any(
                    called(one) in {"str", "repr", "format_exc"} and error in names_in(one)
                    for one in calls_in(node)
                )
            ):
                yield found(
                    "errors.leaks-internals", module, node,
                    "The text of any error, statements and paths included, goes to the caller.",
                )  # fmt: skip
                break


def _empty_answers(module: Module) -> Iterator[Finding]:
    """`except Exception: return []`: a failure that looks like no data."""
    for handler in (node for node in module.nodes if isinstance(node, ast.ExceptHandler)):
        broad = handler.type is None or dotted(handler.type) in {"Exception", "BaseException"}
        only = handler.body[0] if len(handler.body) == 1 else None
        if (
            (
                broad
                and isinstance(only, ast.Return)
                and isinstance(only.value, ast.List | ast.Dict | ast.Tuple | None)
            )
            and only.value is not None
            and ast.unparse(only.value) in {"[]", "{}", "()"}
        ):
            yield found(
                "errors.swallowed", module, handler,
                "Any failure is answered as if there were no data.",
            )  # fmt: skip


# the event loop and the process


def _blocking(project: Project, module: Module, function: Function) -> Iterator[Finding]:
    if not isinstance(function, ast.AsyncFunctionDef):
        return
    awaited = {node.value for node in own_body(function) if isinstance(node, ast.Await)}
    sessions = _sync_sessions(module, function)
    for node in own_body(function):
        if (
            not isinstance(node, ast.Call)
            or node in awaited
            or module.owners.get(node) is not function
        ):
            continue
        root = dotted(node.func).partition(".")[0]
        what = _blocker(project, module, node, root)
        if root in sessions and called(node) in {
            "exec",
            "execute",
            "commit",
            "query",
            "scalars",
            "get",
            "scalar",
        }:
            what = "the database through a synchronous session"
        if what:
            yield found(
                "async.blocking-call", module, node,
                f"{function.name} is async and waits for {what}: meanwhile nobody else is served.",
            )  # fmt: skip
            return


def _sync_sessions(module: Module, function: Function) -> set[str]:
    names = set()
    for parameter in [*function.args.args, *function.args.kwonlyargs]:
        if parameter.annotation is None:
            continue
        for word in names_in(parameter.annotation):
            target = module.imports.get(word, "")
            if target.endswith(".Session") and target.partition(".")[0] in _SYNC_SESSIONS:
                names.add(parameter.arg)
    return names


def _blocker(project: Project, module: Module, call: ast.Call, root: str) -> str:
    target = module.imports.get(root, "").partition(".")[0]
    if (
        target in _SYNC_ROOTS
        and isinstance(call.func, ast.Attribute)
        and called(call)[:1].islower()
    ):
        return target
    meant = project.resolve(module, root) if root else None
    made = getattr(meant.node, "value", None) if meant else None
    if isinstance(made, ast.Call) and called(made) in _SYNC_CLIENTS:
        return called(made)
    return ""


def _none_user(project: Project) -> Iterator[Finding]:
    """A decorator that loads the user by the session's id and never asks whether there is one."""
    for module in project.service:
        for function in module.functions:
            for node in own_body(function):
                if not isinstance(node, ast.Assign) or module.owners.get(node) is not function:
                    continue
                target = dotted(node.targets[0])
                if not re.match(r"(request|g|flask\.g)\.(current_)?user$", target):
                    continue
                if called(node.value) in {"get", "first", "find_one"} and not _asked(
                    function, target
                ):
                    yield found(
                        "bug.none-user", module, node,
                        f"{target} is None for a deleted account; {function.name} lets it pass.",
                    )  # fmt: skip


def _asked(function: Function, target: str) -> bool:
    return any(
        isinstance(node, ast.If | ast.IfExp)
        and target in {dotted(inner) for inner in nodes_in(node.test)}
        for node in own_body(function)
    )
