"""What a statement is about where no model says it: a table in SQL, a collection by its name."""

import ast
import re
from collections.abc import Iterator

from .modules import Module
from .syntax import assigned, called, strings_in, text_of

_RUN = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "fetch_one", "fetch_all", "text"}
_NAMED = re.compile(r"\b(?:from|join|into|update)\s+[\"`\[]?(?:\w+\.)?(\w+)", re.IGNORECASE)
_MAKES = {"table", "from_", "collection"}


def along(node: ast.AST) -> Iterator[ast.Call]:
    """The calls of a chain, outermost first: `c`, `b` and `a` of `a().b().c()`."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Await | ast.Subscript):
        if isinstance(node, ast.Call):
            yield node
        node = node.func if isinstance(node, ast.Call) else node.value


def statement(module: Module, call: ast.Call) -> str:
    """The SQL that is run, written in place or kept in a variable of the function."""
    for run in along(call):
        if called(run) in _RUN and run.args:
            return " ".join(text for text in strings_in(_kept(module, run)) if " " in text)
    return ""


def _kept(module: Module, run: ast.Call) -> ast.expr:
    given = run.args[0]
    function = module.owners.get(run)
    if isinstance(given, ast.Name) and function is not None:
        return next(iter(assigned(function, given.id)), given)
    return given


def table(module: Module, call: ast.Call) -> str:
    """`notes` of `SELECT … FROM notes`, of `supabase.table("notes")`, `db.collection("notes")`."""
    if found := _NAMED.search(statement(module, call)):
        return found[1].lower()
    named = (text_of(one.args[0]) for one in along(call) if called(one) in _MAKES and one.args)
    return next((name for name in named if name), "")


_WHERE = re.compile(r"\bwhere\b(.*)", re.IGNORECASE | re.DOTALL)


def condition(module: Module, call: ast.Call) -> str:
    """What stands after WHERE."""
    found = _WHERE.search(statement(module, call))
    return found[1] if found else ""
