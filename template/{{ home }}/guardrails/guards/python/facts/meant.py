"""Why a route that asks nobody may be meant: a first start, a code in the address, a job."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Severity
from .handlers import Handler, comes_from, fields_of
from .modules import Function, Module
from .storing import is_query, is_write
from .syntax import assigns_in, called, dotted, keyword, names_in, text_of, words_in
from .walking import nodes_in

_FIRST = re.compile(
    r"first|set_?-?up|bootstrap|\binit|install|seed|create_?-?(admin|owner)", re.IGNORECASE
)
_REGISTERS = re.compile(r"sign_?up\w*form|regist\w*form|usercreationform", re.IGNORECASE)
_CODE = re.compile(r"^(\w+_)?(code|token|slug|hash|pin)$|^(share|invite|public)_(id|key)$")
_LISTED = re.compile(
    r"/(?:(jobs?|vacanc\w+|listings?|events?|courses?|articles?|vehicles?|recipes?|restaurants?"
    r"|hotels?|venues?)|compan(?:y|ies)|employers?)/?(?:[{<][^/]*[}>]/?)?$",
    re.IGNORECASE,
)
_OF_ONE = re.compile(r"\b(?:bookings?|reservations?|orders?|payments?|invoices?|applications?)\b")
"""`/bookings/hotel/{id}`: who comes to the hotel, and not the hotel."""
_REACHES = re.compile(r"^(\w+_)?(email|phone|phone_number|mobile)$")
_VACANCIES = re.compile(r"/(?:jobs?|vacanc\w+)\b", re.IGNORECASE)


def listed(handler: Handler) -> bool:
    """It reads what is put up for others to read: a vacancy, and the company that has some."""
    found = _LISTED.search(handler.route.path)
    if found is None or _OF_ONE.search(handler.route.path[: found.start()]):
        return False
    if found[1]:
        return True
    return any(
        _VACANCIES.search(line) for module in handler.project.service for line in module.lines
    )


def first_start(handler: Handler, name: str) -> bool:
    """It does nothing any more as soon as there is a row, whatever the request says."""
    if not _FIRST.search(name):
        return False
    there = set(_rows_already(handler))
    return any(
        isinstance(node, ast.If)
        and not isinstance(node.test, ast.UnaryOp)
        and names_in(node.test) & there
        and not names_in(node.test) & handler.inputs
        and any(isinstance(inner, ast.Return | ast.Raise) for inner in node.body)
        for node in handler.body
    )


def _rows_already(handler: Handler) -> Iterator[str]:
    """What is asked of the store before anything else, with nothing of the request in it."""
    for target, value in assigns_in(handler.function):
        asks = any(
            isinstance(inner, ast.Call)
            and (
                is_query(inner)
                or called(inner) in {"count", "exists", "first", "estimated_document_count"}
            )
            and not is_write(inner)
            for inner in nodes_in(value)
        )
        sent = comes_from(value, handler.inputs) or names_in(value) & handler.inputs
        if asks and isinstance(target, ast.Name) and not sent:
            yield target.id


def takes_on(handler: Handler) -> bool:
    """It fills in a form of registration, whatever the route is called."""
    return any(_REGISTERS.search(word) for word in words_in(handler.function))


def free_places(name: str) -> bool:
    """What is still to be had is shown to whoever may want it."""
    return re.search(r"availab|slots|seat_?map", name, re.IGNORECASE) is not None


_FRAME = re.compile(r"_?(endpoints?|handler|route|view|api|async|page|json|data|list)$")
_NARROWED = re.compile(r"_(by|for|with|in|of|from|to)_.*")
_EACH = {"all", "list", "recent", "export", "download", "csv", "search", "history", "get"}
"""What is said of the rows, which the word before names."""


def told_of(handler: Handler) -> str:
    """What a route hands out, by its name: the menu of `/users/menu`, and no users."""
    words = [
        part
        for part in re.split(r"[/.-]", handler.route.path)
        if part and part[0] not in "{<" and part.lower() not in _EACH
    ]
    name = handler.function.name
    while (short := _FRAME.sub("", name)) != name:
        name = short
    last = _NARROWED.sub("", name).rpartition("_")[2]
    return f"{words[-1].replace('_', ' ') if words else ''} {last}"


def said_open(handler: Handler) -> bool:
    """It says of itself that it is for everybody."""
    told = ast.get_docstring(handler.function) or ""
    return re.search(r"(?i)\bpublic\b|no auth", told) is not None


_A_NUMBER = re.compile(r"\b(count|totals?|stats|statistics|summary|metrics)\b", re.IGNORECASE)


def a_number(handler: Handler) -> bool:
    return _A_NUMBER.search(told_of(handler)) is not None


def a_list(handler: Handler) -> bool:
    many = {
        "find",
        "to_list",
        "all",
        "fetchall",
        "fetch",
        "aggregate",
        "scalars",
        "filter",
        "query",
    }
    return any(called(call) in many for call in handler.all_calls)


def shows_people(handler: Handler, *, many: bool) -> bool:
    """What it answers with is declared, and is a row, or a list, by which people can be reached."""
    for mark in handler.function.decorator_list:
        answer = keyword(mark, "response_model") if isinstance(mark, ast.Call) else None
        listed_ = isinstance(answer, ast.Subscript) and dotted(answer.value).lower() == "list"
        if answer is None or listed_ != many:
            continue
        row = answer.slice if isinstance(answer, ast.Subscript) else answer
        meant = handler.project.resolve(handler.module, dotted(row))
        if isinstance(meant.node, ast.ClassDef) and meant.module is not None:
            return any(
                _REACHES.match(name)
                for name in fields_of(handler.project, meant.module, meant.node)
            )
    return False


def shows_accounts(handler: Handler) -> bool:
    """A list of people who are there to be found, with the address that each signs in by."""
    for mark in handler.function.decorator_list:
        answer = keyword(mark, "response_model") if isinstance(mark, ast.Call) else None
        for row in _listed_in(handler, handler.module, answer) if answer is not None else ():
            if {"user_id", "email"} <= row.keys():
                return True
    return False


_NAMED = re.compile(r"^(patient|customer|client|guest|student|tenant)_?(full_?)?name$")


def names_people(handler: Handler) -> bool:
    """Each row of what it answers with is declared to say by name whose it is."""
    for mark in handler.function.decorator_list:
        answer = keyword(mark, "response_model") if isinstance(mark, ast.Call) else None
        if answer is not None:
            rows = list(_listed_in(handler, handler.module, answer))
            return any(_NAMED.match(name) for row in rows for name in row)
    return False


def _listed_in(
    handler: Handler, module: Module, answer: ast.expr, *, left: int = 1
) -> Iterator[dict[str, ast.AnnAssign]]:
    """The fields of `Row` in `list[Row]`, and of the lists that a class holds."""
    if isinstance(answer, ast.Subscript):
        if dotted(answer.value).lower().rpartition(".")[2] != "list":
            return
        there = handler.project.resolve(module, dotted(answer.slice))
        if isinstance(there.node, ast.ClassDef) and there.module is not None:
            yield fields_of(handler.project, there.module, there.node)
        return
    there = handler.project.resolve(module, dotted(answer))
    if left and isinstance(there.node, ast.ClassDef) and there.module is not None:
        for field in fields_of(handler.project, there.module, there.node).values():
            yield from _listed_in(handler, there.module, field.annotation, left=left - 1)


_CONTACT = re.compile(
    r"^(customer|recipient|buyer|client|patient|student|user|shipper|sender|receiver|guest|member"
    r"|applicant|donor|employee|tenant)s?_(phone|email|address|mobile)(_|$)"
)


def harm_of_contacts(handler: Handler) -> Severity | None:
    """A list that says under the names of its keys how to reach people."""
    if handler.route.method != "GET" or not a_list(handler):
        return None
    keys = {
        (text_of(key) or "").lower().replace(" ", "_")
        for node in nodes_in(handler.function)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if not isinstance(value, ast.Constant)
    }
    return Severity.CRITICAL if len([key for key in keys if _CONTACT.match(key)]) > 1 else None


def by_code(handler: Handler) -> bool:
    """Whoever has been given the code may: `/events/{code}/join`."""
    named = handler.path_parameters
    return bool(named) and all(_CODE.match(one) for one in named)


_INVITATION = re.compile(r"(^|_)(token|invite\w*|invitation\w*|nonce)$", re.IGNORECASE)


def by_invitation(handler: Handler) -> bool:
    """The row is asked for by a token that was sent to whom it is for."""
    return _named_by(handler, _INVITATION)


_KNOWN_TO_ONE = re.compile(
    r"(^|_)(e?_?mail(_address)?|phone(_number)?|mobile|token|nonce|code|pin|secret|last_?name|surname"
    r"|booking_?ref|reference(_(number|code))?)$",
    re.IGNORECASE,
)


def shows_knowledge(handler: Handler) -> bool:
    """Beside the row's number the request says what only whose it is knows of it: their address,
    a code that they were sent.
    """
    return _named_by(handler, _KNOWN_TO_ONE)


def _named_by(handler: Handler, known: re.Pattern[str]) -> bool:
    return any(
        known.search(key) and comes_from(value, handler.inputs)
        for node in handler.body
        for key, value in _compared(node)
    )


def _compared(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """The columns or keys that must be what is given."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
        left, right = node.left, node.comparators[0]
        return [(dotted(one).rpartition(".")[2], it) for one, it in ((left, right), (right, left))]
    if isinstance(node, ast.Call) and is_query(node):
        return [(word.arg or "", word.value) for word in node.keywords]
    if isinstance(node, ast.Dict):
        return [(text_of(key) or "", it) for key, it in zip(node.keys, node.values, strict=True)]
    return []


def only_starts(handler: Handler) -> bool:
    """What it does is the same whoever calls: nothing of the request is used, nothing deleted."""
    uses = handler.inputs or any(
        comes_from(node, handler.inputs) for node in handler.body if isinstance(node, ast.expr)
    )
    deletes = any(re.match(r"delete|drop|truncate", called(call)) for call in handler.all_calls)
    return not uses and not deletes


_RESETS = re.compile(r"(reset|forgot|change|update|new|set|edit)", re.IGNORECASE)
_SETS_PASSWORD = re.compile(
    r"\bupdate\b.+\bset\b[^;]*\b(password|password_hash|hashed_password|passwd)\s*=",
    re.IGNORECASE | re.DOTALL,
)
_PROOF = re.compile(
    r"otp|token|(^|_)codes?(_|$)|verif|check_?pass|checkpw|check_password_hash|compare|answer|"
    r"(old|current|existing)_?pass|secret|recovery",
    re.IGNORECASE,
)


def takes_over(handler: Handler, name: str) -> bool:
    """A new password for the account that the request names, with no proof that it is theirs."""
    if not _RESETS.search(name):
        return False
    reached = [function for _, function in handler.reached()]
    words = {
        word
        for function in reached
        for word in words_in(function) | _keys_used(function)
        if " " not in word
    }
    words |= {
        field
        for _, module, model in handler.models
        for field in fields_of(handler.project, module, model)
    }
    return password_set(handler) is not None and not any(_PROOF.search(word) for word in words)


def password_set(handler: Handler) -> tuple[Module, ast.AST] | None:
    """Where an account is given another password."""
    for module, function in handler.reached():
        for node in nodes_in(function):
            if _sets_password(node):
                return module, node
    return None


def _keys_used(function: Function) -> set[str]:
    """The texts of a function, but keys that are only asked for whether they are there:
    `if not data.get("token")`, `required = ["email", "token"]`.
    """
    asked = {
        inner
        for node in nodes_in(function)
        if (isinstance(node, ast.If) and _asks_presence(node.test)) or isinstance(node, ast.List)
        for inner in nodes_in(node.test if isinstance(node, ast.If) else node)
    }
    return {
        node.value
        for node in nodes_in(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in asked
    }


def _asks_presence(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp):
        return all(_asks_presence(part) for part in test.values)
    if isinstance(test, ast.UnaryOp):
        return _asks_presence(test.operand)
    if isinstance(test, ast.Compare):
        return isinstance(test.ops[0], ast.In | ast.NotIn | ast.Is)
    taken = called(test) in {"get", "all", "any"} if isinstance(test, ast.Call) else True
    return taken and isinstance(test, ast.Name | ast.Attribute | ast.Subscript | ast.Call)


def _sets_password(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _SETS_PASSWORD.search(node.value) is not None
    if isinstance(node, ast.Assign):
        last = dotted(node.targets[0]).rpartition(".")
        return bool(last[0]) and last[2] in {"password", "password_hash", "hashed_password"}
    return False


_REFUNDS = re.compile(
    r"(^|\.)(refunds?|transfers?|payouts?|ephemeral_?keys?)\.create(_async)?$"
    r"|\.(create_)?refund(_payment)?$",
    re.IGNORECASE,
)


def gives_back(handler: Handler) -> ast.Call | None:
    """Where the provider is asked to give money back or to pay it out, or for a customer's key."""
    return next((call for call in handler.all_calls if _REFUNDS.search(dotted(call.func))), None)
