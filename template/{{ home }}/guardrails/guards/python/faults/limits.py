"""How often something may be asked: limits for all routes, and for one that is marked."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.handlers import Handler
from ..facts.modules import Function, Module, Project, is_script
from ..facts.syntax import (
    called,
    calls_in,
    dotted,
    found,
    key_of,
    keyword,
    parameters,
    strings_in,
    target_name,
    words_in,
)
from ..facts.walking import nodes_in

_LIMITERS = (
    "slowapi", "flask_limiter", "fastapi_limiter", "ratelimit", "django_ratelimit", "axes",
    "limits", "pyrate_limiter", "aiolimiter", "throttling",
)  # fmt: skip


def is_limited(project: Project) -> bool:
    if project.imports_any(*_LIMITERS):
        return not _only_marked(project)
    return any(
        "DEFAULT_THROTTLE_RATES" in strings_in(module.tree) or _before_all(project, module)
        for module in project.service
    )


def counts(handler: Handler) -> bool:
    """It refuses what comes too often itself, or by what it calls, depends on or is wrapped in."""
    named = list(_names_of_checks(handler))
    if any(_LIMITING.search(name) for _, name in named):
        return True
    if any(_LIMITING.search(called(call)) for call in handler.all_calls):
        return True
    functions: list[ast.AST | None] = [handler.project.resolve(*one).node for one in named]
    functions += [function for _, function in handler.reached()]
    return any(function is not None and _refuses_many(function) for function in functions)


_LIMITING = re.compile(r"rate_?limit|thrott|too_many", re.IGNORECASE)
"""A function that is called so does what it is called, wherever it is."""


def _names_of_checks(handler: Handler) -> Iterator[tuple[Module, str]]:
    for module, node in handler.route.checks:
        yield module, dotted(node.func if isinstance(node, ast.Call) else node)


_FOR_ALL = re.compile(r"^(middleware|before_(app_)?request)$")


def _before_all(project: Project, module: Module) -> bool:
    """What stands before every route refuses what comes too often."""
    refusing = {function.name for function in module.functions if _refuses_many(function)}
    return bool(refusing) and any(
        function.name in refusing or {called(call) for call in calls_in(function)} & refusing
        for function in module.functions
        if _stands_before_all(project, module, function)
    )


def _stands_before_all(project: Project, module: Module, function: Function) -> bool:
    marks = {called(mark) or dotted(mark).rpartition(".")[2] for mark in function.decorator_list}
    holder = module.holders.get(function)
    if any(map(_FOR_ALL.match, marks)):
        return True
    takes = "call_next" in {parameter.arg for parameter, _ in parameters(function)}
    if not takes and (holder is None or function.name not in {"__call__", "process_request"}):
        return False
    return _is_hung_up(project, holder.name if holder is not None else function.name)


def _is_hung_up(project: Project, name: str) -> bool:
    """`app.add_middleware(Slowly)`, `app.middleware("http")(slowly)`, or a list of Django's."""
    return any(
        (isinstance(node, ast.Call) and name in {dotted(one) for one in node.args})
        or (isinstance(node, ast.Constant) and str(node.value).rpartition(".")[2] == name)
        for module in project.modules
        for node in module.nodes
    )


def _only_marked(project: Project) -> bool:
    """A limiter without limits of its own, which holds only where a route is marked with it."""
    made = [
        call
        for module in project.service
        for call in module.calls
        if called(call) == "Limiter" and not project.resolve(module, dotted(call.func)).module
    ]
    wide = ("default_limits", "application_limits", "default_limits_per_method")
    return (
        bool(made)
        and not any(_holds_all(module) for module in project.service)
        and not any(keyword(call, *wide) for call in made)
    )


def _holds_all(module: Module) -> bool:
    """A default in the settings, or `limiter.limit("9/minute")(blueprint)`."""
    return "RATELIMIT_DEFAULT" in words_in(module.tree) | strings_in(module.tree) or any(
        isinstance(call.func, ast.Call) and called(call.func) in {"limit", "shared_limit"}
        for call in module.calls
    )


def marked(function: Function) -> bool:
    return any(
        re.search(r"limit|thrott", dotted(mark), re.IGNORECASE) for mark in function.decorator_list
    )


# what the callers are told apart by


_FORWARDED = re.compile(
    r"x-?(?:forwarded-for|real-ip|client-ip)|http_x_(?:forwarded_for|real_ip)|true-client-ip",
    re.IGNORECASE,
)
_CHECKED = re.compile(r"trust|proxy_fix|proxies|private|allowed_hops", re.IGNORECASE)
_LIMITS = re.compile(r"\b429\b|HTTP_429|Limiter\(")
_SPOOFABLE = {"get_ipaddr"}
"""Of slowapi: the first address of X-Forwarded-For, whoever wrote it."""


def counted_by_header(project: Project) -> Iterator[Finding]:
    """A limit that tells callers apart by an address which they write themselves."""
    for module in project.service:
        if is_script(module.path) or not _LIMITS.search(module.text):
            continue
        for node in _keys(project, module):
            yield found(
                "ops.rate-limit-ineffective", module, node,
                "the limit counts by a header that whoever calls writes: with another address in "
                "each request it is never reached.",
            )  # fmt: skip


def _keys(project: Project, module: Module) -> Iterator[ast.AST]:
    for call in module.calls:
        key = keyword(call, "key_func") if called(call) == "Limiter" else None
        if key is None and called(call) == "Limiter" and call.args:
            key = call.args[0]
        if key is not None and _is_written_by_the_caller(project, module, key):
            yield key
    for function in module.functions:
        if _refuses_many(function):
            yield from _asked_for(project, module, function)


def _is_written_by_the_caller(project: Project, module: Module, key: ast.expr) -> bool:
    meant = project.resolve(module, dotted(key))
    body = key if isinstance(key, ast.Lambda) else meant.node
    outside = meant.module is None and dotted(key).rpartition(".")[2] in _SPOOFABLE
    return outside or (body is not None and _reads_header(body))


def _reads_header(body: ast.AST) -> bool:
    """Whether the address is taken from a header as it came, and not from its last hop."""
    if not any(_FORWARDED.fullmatch(text) for text in strings_in(body)):
        return False
    if any(_CHECKED.search(word) for word in words_in(body)):
        return False
    return not any(
        isinstance(node, ast.Subscript) and isinstance(node.slice, ast.UnaryOp)
        for node in nodes_in(body)
    )


def _refuses_many(function: ast.AST) -> bool:
    """It says 429, and doesn't only compare somebody else's answer with it."""
    compared = {
        inner
        for node in nodes_in(function)
        if isinstance(node, ast.Compare)
        for inner in nodes_in(node)
    }
    return any(_says_429(node) for node in nodes_in(function) if node not in compared)


def _says_429(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return node.value == 429
    name = target_name(node) if isinstance(node, ast.Name | ast.Attribute) else ""
    return re.match(r"HTTP_429|TOO_MANY", name) is not None


def _asked_for(project: Project, module: Module, function: Function) -> Iterator[ast.AST]:
    """Where a function that refuses what comes too often finds out the address."""
    if _reads_header(function):
        yield next(
            (node for node in nodes_in(function) if _FORWARDED.fullmatch(key_of(node))), function
        )
        return
    for call in calls_in(function):
        meant = project.resolve(module, dotted(call.func))
        own = isinstance(meant.node, ast.FunctionDef | ast.AsyncFunctionDef)
        if own and meant.node is not None and _reads_header(meant.node):
            yield call
            return
