"""Whose rows they are: what a caller reaches by naming it, and nobody compares."""

import ast
import re
from collections.abc import Container, Iterator

from ....engine.finding import Finding, Place, Severity
from ..facts import meant
from ..facts.deciding import decided_by_user, knows_caller, looked_after, narrowed
from ..facts.handlers import Handler, comes_from
from ..facts.modules import Project
from ..facts.newcomers import serves_many
from ..facts.shared import classes_in, of_shown, subject
from ..facts.stored import along, statement
from ..facts.storing import SQL_WRITE, is_query, is_write
from ..facts.syntax import (
    assigns_in,
    called,
    calls_in,
    chain,
    dotted,
    found,
    key_of,
    names_in,
    place,
    strings_in,
    words_in,
)
from ..facts.walking import nodes_in

_OWNED = re.compile(
    r"^(user|owner|author|customer|driver|client|patient|student|carrier|seller|account|company|"
    r"tenant|organi[sz]ation|org|sender|receiver|member|employee|creator|vendor|buyer|host|guest)"
    r"_?(id|uid|email)$|^(created_by|owner|user|author|email|phone)(_id)?$",
)
CATALOGUE = re.compile(
    r"product|categor|menu|service|article|post|blog|faq|setting|config|country|city|catalog|"
    r"courses?\b|movie|event|room|table|item",
    re.IGNORECASE,
)
_TO_READ = re.compile(r"reviews?\b|ratings?\b|comments?\b|testimonials?\b", re.IGNORECASE)
"""What is written about somebody for others to read."""
IDENTITY = re.compile(
    r"^(user_?id|owner_?id|author_?id|created_by|sender_?id|account_?id|customer_?id|uid|userId)$"
)
PERSONAL = re.compile(
    r"users?\b|customers?|clients?\b|patients?|orders?\b|bookings?|appointments?|inquir|enquir|"
    r"contacts?\b|loans?\b|expenses?\b|prescriptions?\b|messages?\b|leads?\b|subscribers?|payments?|invoices?|transactions?|employees?|"
    r"students?\b|members?\b|admin|export|backup|salar|payroll|donors?\b|reservations|balances?\b|"
    r"wallets?\b|ledgers?\b|applications?\b|applicants?\b|disputes?\b|complaints?\b|payslips?\b"
    r"|payouts?\b|refunds?\b|(audit|security|access|activity)[-_/ ](logs?|trail)",
    re.IGNORECASE,
)
_LONGEST_WAY = 2
_NEAR = 3
_ACCOUNTS = {"user", "users", "account", "accounts", "auth_user", "customer", "customers"}


def _is_anybodys(handler: Handler, call: ast.Call, key: str, shown: set[str]) -> bool:
    """Whether the row may be asked for, or changed, by whoever has an account."""
    route = handler.route
    if handler.uses_user and (narrowed(handler, call) or not is_owned(handler, call)):
        return True
    if route.method == "POST" and not IDENTITY.match(key) and _only_refers(handler, call):
        return True
    if route.writes:
        unaltered = handler.uses_user and not _altered(handler, call)
        listed = CATALOGUE.search(route.path) is not None
        taken = subject(handler.project, handler.module, call) in shown and _adds_own(handler)
        return unaltered or listed or taken or _nobodys(handler, call)
    return (
        (meant.listed(handler) and not _kept_apart(handler, call))
        or meant.a_number(handler)
        or not is_owned(handler, call)
        or _TO_READ.search(route.path) is not None
        or _of_no_person(handler, call)
        or of_shown(handler.project, handler.module, call, key, shown)
    )


def _kept_apart(handler: Handler, call: ast.Call) -> bool:
    """What is called like a thing on offer, and whose lists show each caller their own."""
    return subject(handler.project, handler.module, call) in handler.kept


_COLUMNS = re.compile(r"^\s*select\s+(.+?)\s+from\b", re.IGNORECASE | re.DOTALL)
_TELLS_NOBODY = re.compile(
    r"(\w+\.)?(id|status|state|type|kind|(created|updated)_at|date|day|start\w*|end\w*|rating|score)"
    r"|count\(.*\)",
    re.IGNORECASE | re.DOTALL,
)


def _of_no_person(handler: Handler, call: ast.Call) -> bool:
    """`SELECT status, created_at FROM stays WHERE room_id = ?` says of nobody anything."""
    told = _COLUMNS.match(statement(handler.module, call))
    return told is not None and all(
        _TELLS_NOBODY.fullmatch(one.strip()) for one in told[1].split(",")
    )


def _adds_own(handler: Handler) -> bool:
    """A booking of the caller's own, which takes one of the places that all are shown."""
    if handler.route.method != "POST" or handler.path_parameters:
        return False
    return any(
        handler.of_the_user(call)
        and (called(call)[:1].isupper() or statement(handler.module, call).startswith("INSERT"))
        for call in handler.calls
    )


def foreign_rows(
    handler: Handler, shown: set[str], listed: set[str]
) -> Iterator[tuple[Finding, ast.AST]]:
    """IDOR: rows by an id from the request, and the caller is never looked at.

    That who calls is only written down, or told in the answer, looks after nothing.
    `shown` are those that the service lists for everybody, `listed` also those that are people's
    own: who sees all of them learns nothing more from one.
    """
    route = handler.route
    if not knows_caller(handler) or looked_after(handler) or not serves_many(handler):
        return
    for call in handler.calls:
        key = request_key(handler, call)
        if not key or not (is_query(call) or is_write(call) or called(call) == "get"):
            continue
        if _is_anybodys(handler, call, key, shown):
            continue
        identity = IDENTITY.match(key)
        rule = "authz.client-supplied-identity" if identity else "authz.idor"
        verb = "changes" if route.writes else "reads"
        yield found(
            rule, handler.module, call,
            f"{route.label} {verb} rows by {key} from the request, and never {_never(handler)}.",
            severity=Severity.HIGH if _grave(handler, call, listed) else Severity.MEDIUM,
            symbol=route.function.name,
            also=[
                *declared(handler, call),
                *(place(handler.module, it) for it in looked_up(handler) if it is not call),
            ],
        ), route.function  # fmt: skip
        return


def _altered(handler: Handler, call: ast.Call) -> bool:
    """Whether the rows that a call asks for are changed: there, or where they are held later."""
    whole = handler.whole(call)
    if is_write(call) or is_write(whole) or SQL_WRITE.match(statement(handler.module, whole)):
        return True
    if any(called(one) in {"delete", "update"} for one in along(whole)):
        return True
    rows: set[str] = set()
    for _ in range(_LONGEST_WAY + 1):
        for target, value in assigns_in(handler.function):
            if isinstance(target, ast.Name) and (call in nodes_in(value) or names_in(value) & rows):
                rows.add(target.id)
    return any(_changed(handler, row) for row in rows)


def _never(handler: Handler) -> str:
    beside = "compares whose they are with who calls"
    return beside if handler.uses_user else "looks at who calls"


def looked_up(handler: Handler) -> list[ast.Call]:
    """The queries for a row that the request names: where its owner would be compared."""
    asked = [call for call in handler.calls if is_query(call) and request_key(handler, call)]
    return [call for call in asked if not is_write(call)][:2]


def declared(handler: Handler, call: ast.expr | ast.stmt) -> list[Place]:
    """Where the route begins, if its row is taken further below."""
    far = call.lineno - handler.route.line > _NEAR
    return [place(handler.module, handler.route.line, handler.function.name)] if far else []


def _only_refers(handler: Handler, call: ast.Call) -> bool:
    """Whether the row is only looked for, because a new one names it: `role_id` of a new user."""
    if handler.path_parameters:
        return False
    if is_write(call):
        return called(call) in {"add", "insert_one"}
    if called(handler.whole(call)) in {"delete", "update"} and is_write(handler.whole(call)):
        return False
    counted = set(_counted(handler))
    return not any(
        _changed(handler, row, counted) for row, given in _rows(handler) if call in calls_in(given)
    )


_TALLY = re.compile(
    r"(^|_)(counts?|views?|likes?|votes?|helpful|downloads|clicks|shares|bookings?|reviews?|orders?|sold|stock|quantity|seats?|spots?|slots"
    r"|occupied|available|enrolled|rating|average)(_count|_left)?$",
    re.IGNORECASE,
)


def _counted(handler: Handler) -> Iterator[ast.AST]:
    """`room.total_bookings = room.total_bookings + 1`, beside the booking that is made; and what is
    worked out anew of all that there are.
    """
    for node in handler.body:
        target: ast.expr | None = node.target if isinstance(node, ast.AugAssign) else None
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            same = dotted(node.targets[0])
            told = (dotted(one) for one in nodes_in(node.value) if isinstance(one, ast.Attribute))
            target = node.targets[0] if same in told else None
        if isinstance(node, ast.Assign) and not comes_from(node.value, handler.inputs):
            target = node.targets[0]
        if isinstance(target, ast.Attribute) and _TALLY.search(target.attr):
            yield target


def _grave(handler: Handler, call: ast.Call, listed: set[str]) -> bool:
    read = not handler.route.writes
    known = read and subject(handler.project, handler.module, call) in listed
    return is_owned(handler, call) and not known


_REFERENCE = re.compile(r"^(\w+_)?(ref|reference)$|^(order|booking|invoice|payment)_(no|number)$")
"""What numbers a row for its owner, and is told to others on the way."""


def request_key(handler: Handler, call: ast.Call) -> str:
    for argument in [*call.args, *(word.value for word in call.keywords)]:
        for node in nodes_in(argument):
            if isinstance(node, ast.Name) and node.id in handler.inputs:
                if re.search(r"(^|_)(id|uuid|email|username|phone)s?$", node.id):
                    return node.id
                if _REFERENCE.match(node.id):
                    return node.id
            elif re.search(r"(^|_)id$", key_of(node)) and comes_from(node, handler.inputs):
                return key_of(node)
    return ""


_OWNERS = re.compile(
    r"^(user|owner|author|creator|account|tenant|org|organi[sz]ation|company|customer|client|seller)"
    r"_?(id|uid|email)$|^(created|owned)_by$",
    re.IGNORECASE,
)


def _nobodys(handler: Handler, call: ast.Call) -> bool:
    """A collection of which no code of the service says whose its documents are."""
    names = chain(call)
    if (
        len(names) != 3
        or names[0] not in {"db", "database", "mongo"}
        or names[1] in {"query", "session"}
    ):
        return False
    return not any(
        _OWNERS.match(word)
        for module in handler.project.service
        for function in module.functions
        if any(chain(other)[:2] == names[:2] for other in calls_in(function))
        for word in strings_in(function) | words_in(function)
    )


def is_owned(handler: Handler, call: ast.Call) -> bool:
    """Whether the rows belong to somebody: by the model's columns, else by the name."""
    if subject(handler.project, handler.module, call) in handler.kept:
        return True
    models = list(classes_in(handler.project, handler.module, nodes_in(call)))
    if models:
        return any(model_is_owned(handler.project, one) for one in models)
    words = " ".join([handler.route.path, *words_in(call), *strings_in(call)])
    return bool(PERSONAL.search(words.replace("_", " ")))


def model_is_owned(project: Project, model: ast.ClassDef, depth: int = 0) -> bool:
    """It has a column that names an owner, or refers to a row that has one."""
    for item in model.body:
        for target in _targets(item):
            if isinstance(target, ast.Name) and _OWNED.match(target.id):
                return True
    tables = {text.partition(".")[0] for text in strings_in(model) if re.match(r"^\w+\.id$", text)}
    if depth > _LONGEST_WAY or tables & _ACCOUNTS:
        return bool(tables & _ACCOUNTS)
    return any(
        model_is_owned(project, there[1], depth + 1)
        for table in sorted(tables)
        if (there := project.tables.get(table)) is not None and there[1] is not model
    )


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


# a row that is changed beside the check


def changed_unasked(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """The row that the request names is changed; the caller is asked for, but not about it."""
    route = handler.route
    if not route.writes or not knows_caller(handler) or not serves_many(handler):
        return
    if not handler.uses_user or CATALOGUE.search(route.path) or decided_by_user(handler):
        return
    counted = set(_counted(handler)) if route.method == "POST" else set()
    for row, call in _rows(handler):
        changed = _changed(handler, row, counted) and is_owned(handler, call)
        if not changed or handler.of_the_user(call):
            continue
        yield found(
            "authz.idor", handler.module, call,
            f"{route.label} changes the row that the request names, and never compares whose it is "
            "with who calls.",
            severity=Severity.HIGH, symbol=route.function.name, also=declared(handler, call),
        ), route.function  # fmt: skip
        return


def _rows(handler: Handler) -> Iterator[tuple[str, ast.Call]]:
    """`row = Model.query.get(row_id)`: the name, and the query with something of the request."""
    for target, given in assigns_in(handler.function):
        value = given.value if isinstance(given, ast.Await) else given
        if not isinstance(target, ast.Name) or not isinstance(value, ast.Call):
            continue
        asks = called(value) in {"get", "get_or_404", "first", "first_or_404", "find_one"}
        if asks and any(request_key(handler, call) for call in calls_in(value)):
            yield target.id, value


def changed_rows(handler: Handler, *, tallies: bool = True) -> Iterator[ast.Call]:
    """The queries for rows that the request names, and that are changed afterwards: without
    `tallies` more than by counting on.
    """
    counted = set() if tallies else set(_counted(handler))
    return (call for row, call in _rows(handler) if _changed(handler, row, counted))


def _changed(handler: Handler, row: str, but: Container[ast.AST] = ()) -> bool:
    changes = (node for node in handler.body if node not in but)
    return any(_sets(node, row) or _hands_over(node, row) for node in changes)


def _sets(node: ast.AST, row: str) -> bool:
    stored = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    return stored and dotted(node) != row and dotted(node).rpartition(".")[0] == row


def _hands_over(node: ast.AST, row: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and called(node) in {"delete", "setattr", "update_one", "delete_one"}
        and any(row in names_in(argument) for argument in node.args)
    )


def any_file(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`/files/{path:path}` for whoever is signed in: the path alone says whose file it is."""
    route = handler.route
    free = [name for name in handler.path_parameters if f"{name}:path}}" in route.path]
    if route.access != "caller" or not free or handler.uses_user or not serves_many(handler):
        return
    answers = any(
        called(call) in {"Response", "StreamingResponse", "FileResponse"} for call in handler.calls
    )
    given = next((call for call in handler.calls if names_in(call) & set(free)), None)
    if answers and given is not None:
        yield found(
            "authz.idor", handler.module, route.line,
            f"{route.label} hands out any file that is stored, whosever it is.",
            severity=Severity.MEDIUM, symbol=route.function.name,
            also=[place(handler.module, given)],
        ), route.function  # fmt: skip
