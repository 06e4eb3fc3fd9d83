"""What a caller may send, and where it ends up: statements, commands, pages, files, addresses."""

import ast
import re
from collections.abc import Iterator
from typing import TypeGuard

from ....engine.finding import Finding, Severity
from ..facts.access import Gatekeeper
from ..facts.handlers import Handler, comes_from, spread
from ..facts.modules import Definition, Function, Module, Project, is_script
from ..facts.routes import RouteTable
from ..facts.syntax import (
    argument,
    called,
    calls_in,
    dotted,
    found,
    is_true,
    keyword,
    names_in,
    own_body,
    parameters,
    place,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in
from . import forms, hosts, paths, queries, redirects, shapes

_SQL = re.compile(
    r"\b(select\s.+\bfrom|insert\s+into|update\s+\S+\s+set|delete\s+from|drop\s+table)\b",
    re.IGNORECASE | re.DOTALL,
)
_SQL_CALLS = {
    "execute",
    "executemany",
    "text",
    "raw",
    "read_sql",
    "read_sql_query",
    "exec_driver_sql",
}
_COMMANDS = {"system", "popen", "getoutput", "getstatusoutput"}
_PROCESSES = {"run", "call", "Popen", "check_output", "check_call"}
_FETCHERS = {"get", "post", "put", "request", "head", "urlopen", "stream", "urlretrieve"}
_HOST = re.compile(
    r"^(hostname|netloc)$|allow\w*_?(host|domain|url|origin)|(is|check|validate|ensure)_?\w*(url|host)",
    re.IGNORECASE,
)
_CLIENTS = re.compile(r"^(requests|httpx|urllib|aiohttp|client|session|http_client)", re.IGNORECASE)
_ESCAPES = re.compile(
    r"escape|sanitize|clean|bleach|quote|secure_filename|is_safe|urlparse|allowed"
)
_HTML = re.compile(r"<(p|div|td|tr|h[1-6]|li|strong|b|span|html|body|a|br)\b[^<]*>?", re.IGNORECASE)
_SAFE_VALUE = re.compile(
    r"(_id|id|count|total|amount|price|date|year|code|otp|url|link|color|html|css)$"
)
_CHECKED = re.compile(
    r"content_type|mimetype|allowed|extension|suffix|splitext|endswith|max_size|content_length|"
    r"file_size|MAX_|imghdr|magic|filetype|validate|verify|rsplit",
    re.IGNORECASE,
)


def look(table: RouteTable, keeper: Gatekeeper) -> Iterator[Finding]:
    handlers = [Handler(table.project, keeper, route) for route in table.routes if route.served]
    once = {handler.function: handler for handler in handlers}
    any_host = not hosts.listed(table.project)
    for handler in once.values():
        yield from _of_handler(handler)
        yield from hosts.look(handler) if any_host else ()
        yield from queries.look(handler)
    yield from forms.look(table, list(once.values()))
    for module in table.project.service:
        if is_script(module.path):
            continue
        for function in module.functions:
            yield from _statements(module, function, once.get(function))
            yield from _html(module, function)
    yield from shapes.look(table, list(once.values()))


def _of_handler(handler: Handler) -> Iterator[Finding]:
    yield from _commands(handler)
    yield from _addresses(handler)
    yield from paths.look(handler, cleaned=_cleaned(handler))
    yield from _uploads(handler)


def _tainted(handler: Handler, node: ast.AST | None) -> bool:
    return node is not None and comes_from(node, handler.inputs)


def _cleaned(handler: Handler) -> bool:
    return any(_ESCAPES.search(dotted(call.func)) for call in handler.calls)


# statements and commands


def _statements(module: Module, function: Function, handler: Handler | None) -> Iterator[Finding]:
    """SQL built from a parameter of the function, or from the request."""
    known = (
        handler.inputs
        if handler
        else spread(
            function,
            {item.arg for item, _ in parameters(function)} - {"self", "cls", "db", "session"},
        )
    )
    for call in own_body(function):
        if not isinstance(call, ast.Call) or called(call) not in _SQL_CALLS:
            continue
        built = _built(function, argument(call, 0, "statement", "query", "sql"))
        if built is None or not _SQL.search(" ".join(strings_in(built))):
            continue
        loose = [node for node in _pieces(built) if comes_from(node, known) and not _is_marks(node)]
        if loose:
            sure = handler is not None and bool(handler.inputs)
            name = next(iter(sorted(names_in(loose[0]))), "a value")
            yield found(
                "injection.sql", module, call,
                f"{function.name} puts {name} into the text of an SQL statement.",
                severity=None if sure else Severity.MEDIUM,
            )  # fmt: skip
            return


def _is_marks(node: ast.expr) -> bool:
    """Placeholders and column names, which are no values."""
    return any(
        re.search(
            r"placeholder|marks|columns?|fields?|where|clause|set_|updates?|conditions?|"
            r"table|order_by|sort|direction|interval|limit|filters?|sql|query",
            word,
            re.IGNORECASE,
        )
        for word in words_in(node)
    )


def _built(function: Function, node: ast.expr | None) -> ast.expr | None:
    """A string put together: f-string, `%`, `+`, `.format`; a variable is looked up."""
    if isinstance(node, ast.Call) and called(node) == "text" and node.args:
        return _built(function, node.args[0])
    if isinstance(node, ast.Name):
        for inner in own_body(function):
            if isinstance(inner, ast.Assign) and dotted(inner.targets[0]) == node.id:
                return (
                    _built(function, inner.value) if not isinstance(inner.value, ast.Name) else None
                )
        return None
    is_sum = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod)
    is_text = isinstance(node, ast.JoinedStr) or (node is not None and called(node) == "format")
    return node if is_sum or is_text else None


def _pieces(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.JoinedStr):
        return [item.value for item in node.values if isinstance(item, ast.FormattedValue)]
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.Call):
        return [*node.args, *(word.value for word in node.keywords)]
    return []


def _commands(handler: Handler) -> Iterator[Finding]:
    for call in handler.calls:
        name, first = called(call), argument(call, 0, "args", "cmd", "command")
        shell = name in _COMMANDS and dotted(call.func).startswith(("os.", "subprocess."))
        shell = shell or (name in _PROCESSES and is_true(keyword(call, "shell")))
        if shell and _tainted(handler, first):
            yield found(
                "injection.command", handler.module, call,
                f"{handler.route.label} hands what the caller sent to a shell.",
            )  # fmt: skip
        elif name == "render_template_string" and _tainted(handler, first):
            yield found(
                "injection.template", handler.module, call,
                f"{handler.route.label} renders what the caller sent as a template.",
            )  # fmt: skip
        elif (
            name in {"eval", "exec"}
            and isinstance(call.func, ast.Name)
            and _tainted(handler, first)
        ):
            yield found(
                "injection.eval", handler.module, call,
                f"{handler.route.label} runs what the caller sent as Python.",
            )  # fmt: skip


# addresses and files


def _addresses(handler: Handler) -> Iterator[Finding]:
    if _looks_at_host(handler.function):
        return
    yield from redirects.look(handler, _whole)
    if _cleaned(handler):
        return
    for call in handler.calls:
        name, first = called(call), argument(call, 0, "url")
        if name in _FETCHERS and _CLIENTS.search(dotted(call.func)) and _whole(handler, first):
            yield found(
                "web.ssrf", handler.module, call,
                f"{handler.route.label} fetches whatever address the caller names.",
            )  # fmt: skip
        elif any(_whole(handler, given) for given in _fetched_by(handler, call)):
            yield found(
                "web.ssrf", handler.module, call,
                f"{handler.route.label} hands {name} whatever address the caller names, and it "
                "fetches that.",
            )  # fmt: skip


def _fetched_by(handler: Handler, call: ast.Call) -> Iterator[ast.expr]:
    """What a call hands to a function of the project that fetches it as an address."""
    there, given = _handed(handler.project, handler.module, call)
    if there.module is None or not isinstance(there.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    fetched = _fetches(handler.project, there.module, there.node)
    yield from (value for name, value in given if name in fetched)


_LATER = {"add_task", "create_task", "submit", "delay", "apply_async", "to_thread"}
_LONGEST_WAY = 3


def _handed(
    project: Project, module: Module, call: ast.Call
) -> tuple[Definition, list[tuple[str, ast.expr]]]:
    """The function that a call, or a task made of it, runs, and what it is given by name."""
    later = called(call) in _LATER and bool(call.args)
    there = project.resolve(module, dotted(call.args[0] if later else call.func))
    if not isinstance(there.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return there, []
    taken = [item.arg for item, _ in parameters(there.node)]
    taken = [name for name in taken if name not in {"self", "cls"}]
    given = list(zip(taken, call.args[1:] if later else call.args, strict=False))
    return there, given + [(word.arg, word.value) for word in call.keywords if word.arg]


def _fetches(
    project: Project, module: Module, function: Function, left: int = _LONGEST_WAY
) -> set[str]:
    """The parameters of a function that it fetches, itself or through what it calls."""
    if _looks_at_host(function):
        return set()
    fetched = set()
    for inner in calls_in(function):
        if called(inner) in _FETCHERS and _CLIENTS.search(dotted(inner.func)):
            fetched.add(dotted(argument(inner, 0, "url")))
        elif left:
            there, given = _handed(project, module, inner)
            node = there.node if there.module is not None else None
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node is not function:
                further = _fetches(project, there.module or module, node, left - 1)
                fetched |= {dotted(value) for name, value in given if name in further}
    return fetched & {item.arg for item, _ in parameters(function)}


def _looks_at_host(function: ast.AST) -> bool:
    return any(_HOST.search(word) for word in words_in(function))


def _whole(handler: Handler, node: ast.expr | None) -> bool:
    """The caller chooses the address as a whole, not a piece behind a fixed host."""
    if node is None or isinstance(node, ast.BinOp | ast.JoinedStr):
        return False
    if isinstance(node, ast.Name):
        for inner in handler.body:
            if isinstance(inner, ast.Assign) and dotted(inner.targets[0]) == node.id:
                return _whole(handler, inner.value)
        return node.id in handler.inputs and bool(
            re.search(r"url|uri|link|next|target|dest|redirect", node.id)
        )
    if isinstance(node, ast.Call) and called(node) in {"unquote", "str"} and node.args:
        return _whole(handler, node.args[0])
    if isinstance(node, ast.Call) and called(node) in {"get", "strip"}:
        return _tainted(handler, node)
    return isinstance(node, ast.Attribute | ast.Subscript) and _tainted(handler, node)


def _uploads(handler: Handler) -> Iterator[Finding]:
    words = {word for node in [handler.function] for word in words_in(node)}
    if not ({"UploadFile", "files"} & words) or not handler.route.writes:
        return
    takes = "UploadFile" in words or any(
        dotted(node) == "request.files" for node in handler.body if isinstance(node, ast.Attribute)
    )
    stores = [call for call in handler.calls if _stores(handler, call)]
    if not takes or not stores:
        return
    texts = " ".join({*words, *strings_in(handler.function)})
    for _, function in handler.reached():
        texts += " " + " ".join(words_in(function))
    if not _CHECKED.search(texts):
        yield found(
            "upload.unchecked", handler.module, stores[0],
            f"{handler.route.label} stores any file: neither its size nor its type is looked at.",
        )  # fmt: skip


_STORES = {
    "save", "copyfileobj", "write", "upload", "put_object", "upload_fileobj", "write_bytes",
    "upload_file",
}  # fmt: skip


def _stores(handler: Handler, call: ast.Call) -> bool:
    """A file is put away: here, or by a function of the program's own that it is handed to."""
    if called(call) in _STORES:
        return True
    there = handler.project.resolve(handler.module, dotted(call.func)).node
    return (
        bool(call.args)
        and re.search(r"upload|save|store", called(call)) is not None
        and isinstance(there, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(called(inner) in _STORES for inner in calls_in(there))
    )


# pages and mails


def _html(module: Module, function: Function) -> Iterator[Finding]:
    """Values put into HTML by an f-string, in a function that nothing escapes in."""
    if any(
        _ESCAPES.search(dotted(node.func))
        for node in nodes_in(function)
        if isinstance(node, ast.Call)
    ):
        return
    if "streamlit" in {target.partition(".")[0] for target in module.imports.values()}:
        return
    places = [
        node
        for node in own_body(function)
        if isinstance(node, ast.JoinedStr)
        and _HTML.search(" ".join(strings_in(node)))
        and any(_is_free(item) for item in node.values)
        and module.owners.get(node) is function
    ]
    if places:
        yield found(
            "xss.html-injection", module, places[0],
            f"{function.name} puts values into HTML without escaping them.",
            symbol=function.name,
            also=[
                *(place(module, node, function.name) for node in places[1:]),
                *(place(module, line, function.name) for line in _lines(module, places)),
            ],
        )  # fmt: skip


def _lines(module: Module, places: list[ast.JoinedStr]) -> Iterator[int]:
    """Where the first such value of each long text stands."""
    for node in places:
        value = next((item.value for item in node.values if _is_value(item)), None)
        wanted = "{" + ast.unparse(value) if value is not None else ""
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
            if wanted and wanted in module.lines[line - 1]:
                if line != node.lineno:
                    yield line
                break


def _is_value(item: ast.expr) -> TypeGuard[ast.FormattedValue]:
    return isinstance(item, ast.FormattedValue) and _is_free(item)


def _is_free(item: ast.expr) -> bool:
    """A piece that may hold what somebody typed."""
    if not isinstance(item, ast.FormattedValue) or item.format_spec is not None:
        return False
    value = item.value
    if isinstance(value, ast.Constant | ast.IfExp) or (
        isinstance(value, ast.Call) and called(value) != "get"
    ):
        return False
    name = dotted(value).rpartition(".")[2]
    if isinstance(value, ast.Call) and value.args:
        name = text_of(value.args[0]) or name
    if isinstance(value, ast.Subscript):
        name = text_of(value.slice) or name
    return bool(
        re.search(
            r"name|message|notes?|comment|subject|title|body|text|email|phone|address|"
            r"description|location|company|content|^[vk]$|value|reason",
            name,
        )
    ) and not (_SAFE_VALUE.search(name) or name.isupper())
