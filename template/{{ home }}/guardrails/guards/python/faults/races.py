"""Looked for and then added: of two requests at once both are."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.at_once import is_refused, waits
from ..facts.modules import Function, Module, Project
from ..facts.storing import is_query, is_write
from ..facts.syntax import (
    assigned,
    assigns_in,
    called,
    calls_in,
    chain,
    dotted,
    ends,
    found,
    names_in,
    own_body,
    place,
    strings_in,
    text_of,
    words_in,
)
from ..facts.walking import nodes_in

_LOOKS = {"find_one", "first", "one_or_none", "scalar_one_or_none", "scalar", "exists", "scalars"}
_LISTS = {"all", "to_list", "fetchall"}
_CONSTRAINTS = {"UniqueConstraint", "ExcludeConstraint", "unique_together"}
_ADDS = {"insert_one", "add", "add_all", "insert", "create", "save"}


def added_twice(project: Project, module: Module, function: Function) -> Iterator[Finding]:
    """`if find_one(…): raise`, then `insert_one`, where the store takes a second one."""
    if is_refused(function):
        return
    for statement in own_body(function):
        if not isinstance(statement, ast.If) or not ends(statement):
            continue
        asked = _looked_up(function, statement.test)
        there = _query(project, module, asked)
        if asked is None or there is None or not _added_after(function, statement, there[1]):
            continue
        keys = _keys(there[1])
        if not keys or _only_once(project, *there, keys):
            continue
        yield found(
            "data.check-then-insert", module, asked,
            f"{function.name} looks for a row with the same {', '.join(sorted(keys)[:3])} and adds "
            "one if there is none: of two at once both are added.",
            symbol=function.name,
        )  # fmt: skip
        return


def _looked_up(function: Function, test: ast.expr) -> ast.Call | None:
    """The call whose row, if there is one, makes the test true."""
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot):
        test = test.left
    test = _looked_through(test)
    made: ast.expr | None = test
    if isinstance(test, ast.Name):
        values = [
            node.value
            for node in own_body(function)
            if isinstance(node, ast.Assign)
            and dotted(node.targets[0]) == test.id
            and node.lineno <= test.lineno
        ]
        made = values[-1] if values else None
    made = made.value if isinstance(made, ast.Await) else made
    return made if isinstance(made, ast.Call) else None


def _looked_through(test: ast.expr) -> ast.expr:
    """`rows` of `any(overlaps(row) for row in rows)`."""
    if isinstance(test, ast.Call) and called(test) == "any" and test.args:
        given = test.args[0]
        if isinstance(given, ast.GeneratorExp | ast.ListComp):
            return given.generators[0].iter
    return test


def _query(
    project: Project, module: Module, call: ast.Call | None
) -> tuple[Module, ast.Call] | None:
    """The query itself, where it is made or in the function of one's own that makes it."""
    if call is None:
        return None
    if called(call) in _LOOKS | _LISTS and any(is_query(inner) for inner in calls_in(call)):
        return module, call
    there = project.resolve(module, dotted(call.func))
    if not isinstance(there.node, ast.FunctionDef | ast.AsyncFunctionDef) or there.module is None:
        return None
    for node in own_body(there.node):
        value = node.value if isinstance(node, ast.Return) else None
        value = value.value if isinstance(value, ast.Await) else value
        if isinstance(value, ast.Call) and called(value) in _LOOKS:
            return there.module, value
    return None


def _subject(call: ast.Call) -> str:
    """The collection or the model that a query is about."""
    names = chain(call)
    if called(call) == "find_one" and len(names) > 1:
        return names[-2]
    models = [word for word in sorted(words_in(call)) if re.match(r"[A-Z][a-z]\w*$", word)]
    return next(iter(models), "")


def _added_after(function: Function, statement: ast.If, looks: ast.Call) -> bool:
    subject = _subject(looks)
    adds = [
        node
        for node in own_body(function)
        if isinstance(node, ast.Call) and node.lineno > statement.lineno and called(node) in _ADDS
    ]
    if any(called(node) == "insert_one" and chain(node)[-2:-1] == [subject] for node in adds):
        return True
    makes = any(
        isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == subject
        for node in own_body(function)
    )
    return bool(subject) and makes and any(called(node) != "insert_one" for node in adds)


def _keys(looks: ast.Call) -> set[str]:
    """The columns or fields that are asked for."""
    keys: set[str] = set()
    for node in nodes_in(looks):
        if isinstance(node, ast.Dict):
            keys |= {text for key in node.keys if (text := text_of(key))}
        elif isinstance(node, ast.Call) and called(node) == "filter_by":
            keys |= {word.arg for word in node.keywords if word.arg}
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute):
            keys.add(node.left.attr)
    return {key for key in keys if not key.startswith("$")} - {"_id", "id"}


def _only_once(project: Project, module: Module, looks: ast.Call, keys: set[str]) -> bool:
    """Whether an index or a constraint refuses the second row."""
    if called(looks) == "find_one":
        return any(
            called(call) in {"create_index", "create_indexes", "IndexModel"}
            and strings_in(call) & keys
            and "unique" in {word.arg for word in call.keywords}
            for other in project.modules
            for call in other.calls
        )
    meant = project.resolve(module, _subject(looks))
    if not isinstance(meant.node, ast.ClassDef):
        return True
    if _CONSTRAINTS & words_in(meant.node):
        return True
    return any(_is_unique(item, keys) for item in meant.node.body)


def _is_unique(item: ast.stmt, keys: set[str]) -> bool:
    if not isinstance(item, ast.Assign | ast.AnnAssign) or item.value is None:
        return False
    target = item.targets[0] if isinstance(item, ast.Assign) else item.target
    return dotted(target) in keys and any(
        word.arg in {"unique", "primary_key"}
        for call in calls_in(item.value)
        for word in call.keywords
    )


_IS_FREE = re.compile(
    r"availab|conflict|overlap|bookable|booked|clash|is_(free|open)|(is|are|already|get)_(taken|busy)"
    r"|taken_(slots?|times?|seats?)|slot_",
    re.IGNORECASE,
)
_BOOKS = re.compile(
    r"book(?!mark)|reserv|appointment|rental|session|ticket|seat|slot|schedul", re.IGNORECASE
)


def booked_twice(project: Project, module: Module, function: Function) -> Iterator[Finding]:
    """`if not check_availability(…): raise`, then the booking is added: of two, both are."""
    if is_refused(function) or waits(function) or not _BOOKS.search(function.name):
        return
    if any(_is_constrained(project, module, call) for call in calls_in(function)):
        return
    made = dict(_answers_of(project, module, function))
    for statement in own_body(function):
        if not isinstance(statement, ast.If) or not ends(statement):
            continue
        asked = [made[name] for name in sorted(names_in(statement.test) & set(made))]
        asked += [call for call in calls_in(statement.test) if _says_free(project, module, call)]
        adds = [
            node
            for node in own_body(function)
            if isinstance(node, ast.Call)
            and node.lineno > statement.lineno
            and _adds_row(project, module, node)
        ]
        if asked and adds:
            yield found(
                "data.check-then-insert", module, asked[0],
                f"{function.name} asks {called(asked[0])} and adds the row afterwards: of two at "
                "once both are told that it is free.",
                symbol=function.name, also=[place(module, adds[0], function.name)],
            )  # fmt: skip
            return


def _is_constrained(project: Project, module: Module, made: ast.Call) -> bool:
    """`Booking(…)`, of whose rows the store takes one for a time only."""
    model = project.resolve(module, dotted(made.func)).node if called(made)[:1].isupper() else None
    return isinstance(model, ast.ClassDef) and bool(_CONSTRAINTS & words_in(model))


def _adds_row(project: Project, module: Module, call: ast.Call) -> bool:
    """`session.add`, `insert_one`, or a function of one's own that adds one."""
    if called(call) in {"insert_one", "add"}:
        return is_write(call)
    there = project.resolve(module, dotted(call.func)).node
    if isinstance(there, ast.FunctionDef | ast.AsyncFunctionDef):
        return any(
            called(node) in {"insert_one", "add"} and is_write(node) for node in own_body(there)
        )
    return _keeps_itself(module, call)


def _keeps_itself(module: Module, call: ast.Call) -> bool:
    """`await booking.insert()`, where `booking = Booking(…)` was made a line above."""
    function = module.owners.get(call)
    if called(call) not in {"insert", "save", "create"} or call.args or function is None:
        return False
    made = assigned(function, dotted(call.func).rpartition(".")[0])
    return any(called(one)[:1].isupper() for one in made)


def _answers_of(
    project: Project, module: Module, function: Function
) -> Iterator[tuple[str, ast.Call]]:
    for target, given in assigns_in(function):
        value = given.value if isinstance(given, ast.Await) else given
        if not (isinstance(target, ast.Name) and isinstance(value, ast.Call)):
            continue
        if _says_free(project, module, value):
            yield target.id, value


def _says_free(project: Project, module: Module, call: ast.Call) -> bool:
    """A function of one's own that looks whether something is free, itself or by asking another."""
    return _IS_FREE.search(called(call)) is not None and _looks(project, module, call)


def _looks(project: Project, module: Module, call: ast.Call, left: int = 2) -> bool:
    meant = project.resolve(module, dotted(call.func))
    there, home = meant.node, meant.module
    if not isinstance(there, ast.FunctionDef | ast.AsyncFunctionDef) or home is None:
        return False
    inside = list(calls_in(there))
    if any(is_query(inner) for inner in inside):
        return True
    return left > 0 and any(_looks(project, home, inner, left - 1) for inner in inside)


_STATES = re.compile(
    r"^(status|state|is_(booked|available|used|redeemed|claimed|taken|sold)|booked|"
    r"used|redeemed|claimed|available|\w*(driver|mentor|assigned|owner|rider)\w*)$"
)
_MINE = re.compile(r"\b(current_user|user_id|request\.user|g\.user|session)\b")


def claimed(module: Module, function: Function) -> Iterator[Finding]:
    """`if spot.status != "free": return`, then `spot.status = "taken"`: of two, both have it."""
    if waits(function) or is_refused(function):
        return
    if not any(
        isinstance(node, ast.Call) and called(node) == "commit" for node in own_body(function)
    ):
        return
    for statement in own_body(function):
        if not isinstance(statement, ast.If) or not ends(statement):
            continue
        asked = {
            ast.unparse(node): node
            for node in nodes_in(statement.test)
            if isinstance(node, ast.Attribute) and _STATES.match(node.attr)
        }
        for node in own_body(function):
            if not isinstance(node, ast.Assign) or node.lineno <= statement.lineno:
                continue
            target = ast.unparse(node.targets[0])
            if target in asked and (_takes(statement.test, node) or _claims(function, target)):
                yield found(
                    "data.read-modify-write", module, statement,
                    f"{function.name} looks whether {target} is free and sets it afterwards: of "
                    "two at once both get it.",
                    symbol=function.name,
                )  # fmt: skip
                return


_FREE = re.compile(
    r"^(available|free|open|vacant|unassigned|unclaimed|active|a|booked|reserved|taken|claimed|sold|"
    r"redeemed|used|occupied|rented|o)$",
    re.IGNORECASE,
)


_WHOSE = re.compile(r"\.(driver|rider|courier|assigned\w*|claimed\w*|mentor|worker)(_id|_to|_by)?$")


def _claims(function: Function, target: str) -> bool:
    """`job.driver_id = me.id` beside `job.status = "accepted"`."""
    row = target.rpartition(".")[0]
    return any(
        isinstance(node, ast.Assign)
        and dotted(node.targets[0]).rpartition(".")[0] == row
        and _WHOSE.search(dotted(node.targets[0]))
        and not isinstance(node.value, ast.Constant)
        for node in own_body(function)
    )


def _takes(test: ast.expr, given: ast.Assign) -> bool:
    """Whether what is free becomes somebody's: a change of another kind may come twice."""
    if _MINE.search(ast.unparse(given.value)):
        return True
    told = strings_in(test) | strings_in(given.value)
    flag = isinstance(given.value, ast.Constant) and isinstance(given.value.value, bool)
    return flag or (bool(strings_in(given.value)) and any(_FREE.match(text) for text in told))
