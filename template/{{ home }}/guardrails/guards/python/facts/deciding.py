"""Whether who calls has any part in what is done: which rows are asked for, what is refused."""

import ast
import re
from collections.abc import Iterator

from .asking import asks_session
from .depends import parameter_checks
from .handlers import Handler
from .shared import subject
from .stored import along, condition, statement
from .storing import by_its_id, is_query, is_write
from .syntax import (
    assigned,
    assigns_in,
    called,
    calls_in,
    dotted,
    ends,
    names_in,
    parameters,
)
from .walking import nodes_in

_ACCOUNTS = re.compile(r"^(auth_)?(users?|accounts?|profiles?)$", re.IGNORECASE)
_OF_A_KIND = re.compile(
    r"^(patient|doctor|nurse|vendor|seller|merchant|supplier|farmer|driver|rider|courier|carrier"
    r"|customer|client|buyer|student|teacher|tutor|instructor|coach|trainer|mentor|landlord|host"
    r"|provider|freelancer|lawyer|therapist|pharmacist|organi[sz]er)s?(_?profiles?)?$",
    re.IGNORECASE,
)
"""What somebody is beside their account: that they are one says nothing of any row."""
_MINE = re.compile(
    r"user|owner|author|account|customer|client|creat|tenant|org|compan|email|who|by"
)


def knows_caller(handler: Handler) -> bool:
    """Any account may call it: a check stands before it, or the handler looks by itself whether
    anybody is signed in.
    """
    route = handler.route
    inside = route.before == "public" and route.access == "caller" and handler.uses_user
    return route.before == "caller" or inside


def looked_after(handler: Handler) -> bool:
    """Whether the handler, or what it depends on, uses who calls for more than to write it down,
    or to say it again.
    """
    if _asked_before(handler):
        return True
    return handler.uses_user and (decided_by_user(handler) or _asks_for_own(handler))


def _asked_before(handler: Handler) -> bool:
    """`hive: Hive = Depends(own_hive)`: what is handed in was asked for by its id and who calls."""
    project, named = handler.project, set(handler.path_parameters)
    for module, node in parameter_checks(project, handler.module, handler.function):
        there = project.resolve(module, dotted(node))
        if isinstance(there.node, ast.FunctionDef | ast.AsyncFunctionDef) and there.module:
            taken = {item.arg for item, _ in parameters(there.node)}
            asked = parameter_checks(project, there.module, there.node)
            if taken & named and any(handler.keeper.check(*one) is not None for one in asked):
                return True
    return False


def _asks_for_own(handler: Handler) -> bool:
    """Rows of the caller's own are asked for, other than the account that the session names."""
    return any(
        (is_query(call) or called(call) == "get")
        and not is_write(call)
        and narrowed(handler, call)
        and not _is_who(handler, call, subject(handler.project, handler.module, call))
        for call in handler.calls
    )


def _is_who(handler: Handler, call: ast.Call, about: str) -> bool:
    """The account of who calls, or the row that says what they are beside it."""
    of_a_kind = _OF_A_KIND.match(about) and not names_in(handler.whole(call)) & handler.inputs
    return bool(_ACCOUNTS.match(about) or of_a_kind)


def narrowed(handler: Handler, call: ast.Call) -> bool:
    """Whether something of who calls says which rows a statement takes."""
    whole = handler.whole(call)
    if said := statement(handler.module, whole):
        where = condition(handler.module, whole)
        return bool(_MINE.search(where or said)) and handler.of_the_user(whole)
    if is_write(call) and called(call) in {"update_one", "update_many", "find_one_and_update"}:
        return bool(call.args) and handler.of_the_user(call.args[0])
    of_their_own = dotted(whole).partition(".")[0] in handler.users  # `me.loans.filter_by(id=…)`
    return of_their_own or any(map(handler.of_the_user, _conditions(whole)))


def _conditions(call: ast.Call) -> Iterator[ast.expr]:
    """What the calls along a statement are given, but what is written into the rows."""
    for one in along(call):
        if called(one) not in {"update", "insert", "set"}:
            yield from (*one.args, *(word.value for word in one.keywords))


def decided_by_user(handler: Handler) -> bool:
    """Whether anything is decided by who calls, or handed to a function that may decide."""
    if handler.asks_about_row:
        return True
    found_by = {
        name
        for target, value in assigns_in(handler.function)
        if any(is_query(call) or by_its_id(call) for call in calls_in(value))
        for name in names_in(target)
    }
    told = {
        inner for node in handler.body if isinstance(node, ast.Dict) for inner in nodes_in(node)
    }  # what is only said in the answer decides nothing
    return any(_tests(handler, node, found_by) for node in handler.body if node not in told)


def _tests(handler: Handler, node: ast.AST, found_by: set[str]) -> bool:
    """`found_by` are rows: that the caller has one decides something where it ends there."""
    if isinstance(node, ast.Call):
        return _decides(handler, node) or _asked_of(handler, node, found_by)
    if isinstance(node, ast.Assign):
        return _takes_on(handler, node)
    if isinstance(node, ast.Compare):
        asks = handler.of_the_user(node, found_by) or _of_two_rows(handler, node)
        return asks and not _only_there(handler, node)
    if not isinstance(node, ast.If | ast.IfExp | ast.Assert | ast.While):
        return False
    if _only_there(handler, node.test):
        return False
    ended = isinstance(node, ast.If) and ends(node)
    return handler.of_the_user(node.test, set() if ended else found_by)


_IN_USE = re.compile(
    r"^(is_|email_|account_)*(active|verified|authenticated|anonymous|deleted|banned|blocked|disabled"
    r"|confirmed|enabled|suspended|locked)(_at)?$"
)


def _only_there(handler: Handler, test: ast.expr) -> bool:
    """Whether it only asks that there is a caller, and that their account is in use."""
    if isinstance(test, ast.BoolOp):
        return all(_only_there(handler, part) for part in test.values)
    if isinstance(test, ast.UnaryOp):
        return _only_there(handler, test.operand)
    if asks_session(test) and not _in_a_row(test):
        return True
    if isinstance(test, ast.Compare):
        side = test.comparators[0]
        plain = isinstance(side, ast.Constant) and side.value in {None, True, False}
        return plain and _only_there(handler, test.left)
    if isinstance(test, ast.Attribute) and _IN_USE.match(test.attr):
        test = test.value
    return isinstance(test, ast.Name) and test.id in handler.users and _is_account(handler, test.id)


def _in_a_row(test: ast.expr) -> bool:
    """`cart_id in session["carts"]` asks what is the caller's; `"user_id" in session` doesn't."""
    return isinstance(test, ast.Compare) and not isinstance(test.left, ast.Constant)


def _is_account(handler: Handler, name: str) -> bool:
    """It is handed in by a check, or is the account that the session or the token names."""
    return all(_names_account(handler, value) for value in assigned(handler.function, name))


def _names_account(handler: Handler, value: ast.expr) -> bool:
    if names_in(value) & handler.inputs:
        return False
    if _LOADS.search(called(value)):
        return True
    asked = [call for call in calls_in(value) if is_query(call) or called(call) == "get"]
    abouts = (subject(handler.project, handler.module, call) for call in asked)
    return all(not about or _ACCOUNTS.match(about) or _OF_A_KIND.match(about) for about in abouts)


_LOADS = re.compile(r"^_?(get|load|find|fetch|require)_(\w+_)?(user|account|me|profile)(_|$)")


def _of_two_rows(handler: Handler, node: ast.Compare) -> bool:
    """`job.driver_id != driver.id`, where the driver is the row of who calls."""
    sides = [node.left, node.comparators[0]]
    if not all(isinstance(side, ast.Attribute | ast.Subscript) for side in sides):
        return False
    first, second = (dotted(side).partition(".")[0] for side in sides)
    return first != second and bool({first, second} & handler.users)


_TAKES_ON = re.compile(
    r"(driver|rider|courier|assign\w*|claimed|taken|worker|mentor|agent|volunteer|provider)"
    r"(_?by|_?to)?(_?id)?$",
    re.IGNORECASE,
)


def _takes_on(handler: Handler, node: ast.Assign) -> bool:
    """`job.driver_id = me.id`: what waits for whoever comes first is nobody's as yet."""
    target = node.targets[0]
    taken = isinstance(target, ast.Attribute) and _TAKES_ON.search(target.attr) is not None
    return taken and handler.of_the_user(node.value)


def _decides(handler: Handler, call: ast.Call) -> bool:
    meant_ = handler.project.resolve(handler.module, dotted(call.func))
    own = isinstance(meant_.node, ast.FunctionDef | ast.AsyncFunctionDef)
    if not own or _RECORDS.search(called(call)) or _LOADS.search(called(call)):
        return False
    return any(handler.of_the_user(argument) for argument in call.args)


def _asked_of(handler: Handler, call: ast.Call, found_by: set[str]) -> bool:
    """`hive.assert_kept_by(me)`, `Policy(me).allow(hive)`: one is asked about the other."""
    if not isinstance(call.func, ast.Attribute) or _RECORDS.search(called(call)):
        return False
    given = [*call.args, *(word.value for word in call.keywords)]
    holder = call.func.value
    if dotted(holder).partition(".")[0] in found_by:
        return any(handler.of_the_user(one) for one in given)
    return handler.of_the_user(holder) and any(names_in(one) & found_by for one in given)


_RECORDS = re.compile(r"(^|_)(log|audit|activity|notif\w*|track|emit|e?mail)(_|$)", re.IGNORECASE)
"""It only writes down, or tells, who did it."""
