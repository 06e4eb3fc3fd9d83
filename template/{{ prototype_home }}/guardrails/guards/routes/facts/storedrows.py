"""Accounts that a store of Drizzle's hands out whole: the hash of each password goes along."""

import re
from collections.abc import Iterator

from .access import Case
from .answered import answered_whole
from .program import Piece, Program
from .shapes import definition
from .signs import LOGIN_PATH
from .source import Binding, Function, Module

_JOINS = re.compile(r"regist|sign-?_?up|/auth/", re.IGNORECASE)
_ASKED = re.compile(r"\s*(?:await\s+)?([\w$.]+)\(")
_WHOLE_ROWS = re.compile(
    r"\.select\(\s*\)\s*\.from\(\s*(\w+)\s*\)|\.query\.(\w+)\.find\w+\((?![^;]*\bcolumns\s*:)"
    r"|\.(?:insert|update)\(\s*(\w+)\s*\)[^;]*\.returning\(\s*\)"
)
_HASH = re.compile(r"(?m)^\s*(?:hashed_?)?[pP]assword\w*\s*:")
_TAKEN_OUT = re.compile(
    r"[pP]assword\w*\s*(?:,|:\s*_)[^;{}]*\}\s*=|delete\s+\w+\.\w*[pP]assword|omit\w*\("
)


def stored_rows(case: Case, piece: Piece) -> Iterator[tuple[int, str]]:
    """`res.json(await storage.getUser(req.params.id))`, and `{ ...order, buyer }` in a list."""
    if piece.depth or LOGIN_PATH.search(case.route.path) or _JOINS.search(case.route.path):
        return
    names = case.flow.of(piece)
    for one in piece.module.bindings_in(piece.start, piece.end):
        value = piece.module.slice(one)
        asked = _ASKED.match(value)
        if asked is None or names.has_caller(value) or len(value) > 400:
            continue
        found = case.program.function(piece.module, asked[1])
        if found and _of_accounts(case.program, *found) and _goes_out(piece, one):
            yield one.start, "whole accounts"


def _of_accounts(program: Program, module: Module, function: Function) -> bool:
    code = module.slice(function)
    rows = _WHOLE_ROWS.search(code)
    if rows is None or _TAKEN_OUT.search(code):
        return False
    made = definition(program, module, rows[1] or rows[2] or rows[3])
    return made is not None and _HASH.search(made[1]) is not None


def _goes_out(piece: Piece, binding: Binding) -> bool:
    name = binding.names.strip()
    if not re.fullmatch(r"[\w$]+", name):
        return False
    if answered_whole(piece, binding):
        return True
    later = piece.module.code[binding.end : piece.end]
    kept = rf"\breturn\s*\{{[^{{}};]*(?<![\w$.:])(?:\.\.\.)?{name}\s*[,}}]"
    made = rf"\b(?:const|let)\s+\w+\s*=\s*\{{[^{{}};]*(?<![\w$.:]){name}\s*[,}}]"
    listed = re.search(kept, later) or re.search(made, later)
    return listed is not None and re.search(r"\.json\(\s*\w+\s*\)", later) is not None
