"""Rows that the service lists for whoever asks: to name one of them leaks nothing."""

import ast
import re
from collections.abc import Iterable, Iterator

from ...private_rows import PRIVATE
from .handlers import Handler
from .modules import Module, Project
from .stored import table
from .storing import is_query
from .syntax import (
    assigned,
    assigns_in,
    called,
    calls_in,
    chain,
    dotted,
    key_of,
    names_in,
    text_of,
)
from .walking import nodes_in

_MANY = {"all", "to_list", "scalars", "paginate", "fetchall", "aggregate", "find"}


def rows_for_all(handlers: list[Handler]) -> set[str]:
    """Models and collections of which a route lists rows for any account, whoever it is."""
    read = {name for handler in handlers if _open_row(handler) for name in _read(handler)}
    return {name for name in read | rows_listed(handlers) if not PRIVATE.search(name)}


def rows_listed(handlers: list[Handler]) -> set[str]:
    """The same, though they are people's own."""
    return {name for handler in handlers if _open_list(handler) for name in _listed(handler)}


def subject(project: Project, module: Module, call: ast.Call) -> str:
    """The model of a query, or its collection: `Boat` of `Boat.query.get(1)`."""
    for found in classes_in(project, module, [*nodes_in(call), *behind(module, call)]):
        return found.name
    if said := table(module, call) or _held_in(project, module, call) or _begun(module, call):
        return said
    names = chain(call)
    if len(names) > 2 and names[0] in {"db", "database", "mongo"}:
        return names[1]
    return collection(project, module, call)


def classes_in(
    project: Project, module: Module, nodes: Iterable[ast.AST]
) -> Iterator[ast.ClassDef]:
    """The classes of the project that are named, in the order in which they stand: `Boat`, and
    `models.Boat`.
    """
    named = [
        node
        for node in nodes
        if isinstance(node, ast.Name)
        or (isinstance(node, ast.Attribute) and node.attr[:1].isupper())
    ]
    for node in sorted(named, key=lambda it: (it.lineno, it.col_offset)):
        found = project.resolve(module, dotted(node)).node
        if isinstance(found, ast.ClassDef):
            yield found


def _begun(module: Module, call: ast.Call) -> str:
    """`notes` of `query.eq("user_id", me)`, where `query = supabase.table("notes").select("*")`."""
    function = module.owners.get(call)
    started = dotted(call.func).partition(".")[0]
    made = assigned(function, started) if function is not None and started else []
    begun = (table(module, one) for one in made if isinstance(one, ast.Call))
    return next((name for name in begun if name), "")


def _held_in(project: Project, module: Module, call: ast.Call) -> str:
    """`orders` of `ORDERS = mongo.db.orders`, where a name of the module holds a collection."""
    started = dotted(call.func).partition(".")[0]
    kept = getattr(project.resolve(module, started).node, "value", None) if started else None
    if isinstance(kept, ast.Attribute) and _BASE.search(dotted(kept.value)):
        return kept.attr
    if isinstance(kept, ast.Subscript) and _BASE.search(dotted(kept.value)):
        return text_of(kept.slice) or ""
    return ""


def collection(project: Project, module: Module, call: ast.Call) -> str:
    """`orders` of `db["orders"].find_one(…)`, also where a name of the tree's own holds it."""
    for node in nodes_in(call.func):
        if isinstance(node, ast.Subscript) and _BASE.search(dotted(node.value)):
            kept = project.resolve(module, dotted(node.slice)).node
            held = node.slice if isinstance(node.slice, ast.Constant) else None
            return text_of(held or getattr(kept, "value", None)) or ""
    return ""


_BASE = re.compile(r"(^|[._])(db|database|mongo|mongodb)$", re.IGNORECASE)


def behind(module: Module, call: ast.Call) -> list[ast.AST]:
    """`boats.all()`, where `boats = Boat.query` a line above."""
    function = module.owners.get(call)
    started = dotted(call.func).partition(".")[0]
    if function is None or not started:
        return []
    return [
        node
        for target, value in assigns_in(function)
        if isinstance(target, ast.Name) and target.id == started
        for node in nodes_in(value)
    ]


def of_shown(project: Project, module: Module, call: ast.Call, key: str, shown: set[str]) -> bool:
    """Whether the rows are shown to all, or hang on one that is: the reviews of a room."""
    about = subject(project, module, call)
    hangs_on = key.removesuffix("_id").replace("_", "").lower()
    hangs = bool({hangs_on, f"{hangs_on}s"} & {one.replace("_", "").lower() for one in shown})
    return about in shown or (hangs and not PRIVATE.search(about))


def _open_list(handler: Handler) -> bool:
    route = handler.route
    if route.method != "GET" or route.access not in {"public", "caller"}:
        return False
    asks = handler.uses_user and not _all_but_own(handler)
    return not handler.path_parameters and not asks and "admin" not in route.path


def _all_but_own(handler: Handler) -> bool:
    """`User.id != me.id`: everybody's rows, without one's own."""
    about = [
        node
        for node in handler.body
        if isinstance(node, ast.Compare) and names_in(node) & handler.users
    ]
    read = [
        node for node in handler.body if isinstance(node, ast.Name) and node.id in handler.users
    ]
    return len(about) == len(read) and all(isinstance(it.ops[0], ast.NotEq) for it in about)


def _open_row(handler: Handler) -> bool:
    route = handler.route
    of_people = any(PRIVATE.search(name) for name in handler.path_parameters)
    by_id = bool(handler.path_parameters) and not of_people
    return route.method == "GET" and route.access == "public" and by_id


def _read(handler: Handler) -> Iterator[str]:
    """What a stranger is shown by its id."""
    for call in handler.calls:
        name = subject(handler.project, handler.module, call) if is_query(call) else ""
        if name:
            yield name


def _listed(handler: Handler) -> Iterator[str]:
    for module, function in handler.reached():
        for call in calls_in(function):
            if called(call) not in _MANY or (_names_one(call) and not _of_a_listed(function, call)):
                continue
            name = subject(handler.project, module, call)
            if name:
                yield name


def _of_a_listed(function: ast.AST, call: ast.Call) -> bool:
    """`rooms_of(house["id"])` for each house that is listed: all of the rooms are, too."""
    each = {
        node.target.id
        for node in nodes_in(function)
        if isinstance(node, ast.For | ast.AsyncFor) and isinstance(node.target, ast.Name)
    }
    ids = [node for node in nodes_in(call) if re.search(r"(^|_)id$", key_of(node))]
    return bool(ids) and all(dotted(node).partition(".")[0] in each for node in ids)


def _sorted_by(call: ast.Call) -> Iterator[ast.AST]:
    """`Boat.id` of `order_by(Boat.id.desc())`, which leaves none of them out."""
    if called(call) in {"order_by", "sort"}:
        for given in call.args:
            yield from nodes_in(given)


def _names_one(call: ast.Call) -> bool:
    """`filter(Boat.owner_id == owner_id)` lists what is somebody's."""
    sorts = {below for inner in calls_in(call) for below in _sorted_by(inner)}
    said = [inner for inner in nodes_in(call) if inner not in sorts]
    keywords = {inner.arg or "" for inner in said if isinstance(inner, ast.keyword)}
    texts = {text_of(inner) or "" for inner in said}
    named = {inner.id for inner in said if isinstance(inner, ast.Name)} | texts | keywords
    named |= {inner.attr for inner in said if isinstance(inner, ast.Attribute)}
    named -= {"id"} if any(isinstance(it, ast.NotEq) for it in nodes_in(call)) else set()
    return any(re.search(r"(^|_)id$", word) for word in named)
