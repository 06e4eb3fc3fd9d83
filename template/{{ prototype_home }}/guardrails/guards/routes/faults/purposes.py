"""Tokens that open more than they were made for: of another kind of account, or for another end."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access, guard_pieces
from ..facts.program import Piece, Program
from ..facts.source import Module
from .say import HIGH, MEDIUM, at_route, finding, place

_VERIFIES = re.compile(r"(?:^|\.)(?:jwt|JWT|jsonwebtoken)\.verify$|^verify$")
_SIGNS = re.compile(r"(?:^|\.)(?:jwt|JWT|jsonwebtoken)\.sign$|^sign$")
_ENV = re.compile(r"\b(?:process\.env|env|config)\.(\w+)")
_OF_SETTINGS = re.compile(
    r"(?:\w+\.)*\w*(?:[cC]onfig|[sS]ettings|CONFIG|[eE]nv|ENV)\w*\.(?:\w+\.)?(\w+)"
)
_SAYS_WHICH = re.compile(
    r"\b(?:(?:user|account|token)_?)?(?:roles?|types?|kind)\b|\b(?:purpose|scope|aud|audience|intent|is_?admin)\b",
    re.IGNORECASE,
)
_LOOKS_UP = re.compile(r"\.(?:find\w*|query|select|get\w*)\(|\bsql`")
_COMPARES = re.compile(r"[!=]==?\s*(?!null\b|undefined\b|['\"`\d])")
_OF_THE_HOUSE = re.compile(
    r"doctor|admin|staff|owner|seller|vendor|driver|provider|teacher|employee|agent|partner",
    re.IGNORECASE,
)
_FOR_ANOTHER_END = re.compile(
    r"reset|forg[eo]t|verif\w*-?e?mail|confirm|activat|magic|refresh", re.IGNORECASE
)
_NUMBER = re.compile(r"\{\s*['\"]?(?:_?id|user_?[iI]d|sub)['\"]?\s*:\s*(\w+)\??\._?id\b[^{}:]*\}")


@dataclass(frozen=True)
class _Door:
    name: str
    piece: Piece
    at: int
    key: str


def purposes(cases: list[Case]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        doors = _doors(of_app)
        yield from _of_two_kinds(of_app, doors)
        keys = {one.key for one in doors}
        for case in of_app:
            yield from _for_another_end(case, keys)


def _doors(cases: list[Case]) -> list[_Door]:
    """The middlewares that open for a token, each once."""
    found: dict[tuple[str, int], _Door] = {}
    for case in cases:
        for one in case.route.guards:
            pieces, _ = guard_pieces(case.program, one)
            for piece in case.program.reach(pieces)[:4] if pieces else ():
                for at, key in _verified(case.program, piece):
                    first = pieces[0]
                    name = first.function.name if first.function else one.code.strip()
                    found.setdefault((first.module.path, first.start), _Door(name, first, at, key))
    return list(found.values())


def _verified(program: Program, piece: Piece) -> Iterator[tuple[int, str]]:
    for call in piece.module.calls_in(piece.start, piece.end):
        if _VERIFIES.search(call.callee) and len(call.arguments) > 1:
            key = _key(program, piece.module, piece.module.slice(call.arguments[1]).strip())
            if key:
                yield call.start, key


def _signed(program: Program, piece: Piece) -> Iterator[tuple[int, str]]:
    """Where a token is made that says an id and nothing else."""
    for call in piece.module.calls_in(piece.start, piece.end):
        given = [piece.module.slice(one).strip() for one in call.arguments[:2]]
        alone = _SIGNS.search(call.callee) and len(given) > 1 and _NUMBER.fullmatch(given[0])
        key = _key(program, piece.module, given[1]) if alone else ""
        if key:
            yield call.start, key


def _key(program: Program, module: Module, text: str) -> str:
    """The variable of the environment that holds the key: one that is put together is its own."""
    text = re.sub(r"\s+as\s+\w+$|!$", "", text)
    if found := _ENV.fullmatch(text) or _OF_SETTINGS.fullmatch(text):
        return found[1]
    there = program.find(module, text) if re.fullmatch(r"\w+", text) else None
    value = there and there[0].outer_values.get(there[1])
    found = _ENV.search(there[0].slice(value)) if there and value else None
    return found[1] if found else ""


def _of_two_kinds(cases: list[Case], doors: list[_Door]) -> Iterator[Finding]:
    """`authDoctor` opens for whatever `authUser` opens for: nothing in the token says which."""
    by_key: dict[str, list[_Door]] = defaultdict(list)
    for one in doors:
        code = one.piece.code
        if _COMPARES.search(code):
            continue
        if not _SAYS_WHICH.search(re.sub(r"['\"][^'\"]*['\"]|headers\.\w+", "", code)) and not (
            _LOOKS_UP.search(code)
        ):
            by_key[one.key].append(one)
    for key, same in by_key.items():
        holders = _holders(cases, key)
        if len({one.name for one in same}) < 2 or len(holders) < 2:
            continue
        same.sort(key=lambda one: not _OF_THE_HOUSE.search(one.name))
        first, second = same[:2]
        message = (
            f"{first.name} lets in whoever has a token for {second.name}: both are signed with "
            f"{key} and say an id alone, not of which kind of account"
        )
        where = place(first.piece.module, first.at, first.name)
        also = [place(one.piece.module, one.at, one.name) for one in same[1:]]
        yield finding("auth.token-confusion", where, message, HIGH, also)


def _holders(cases: list[Case], key: str) -> set[str]:
    """Whose ids the tokens hold that are signed with the key, where they say nothing else."""
    found: set[str] = set()
    for case in cases:
        for piece in case.pieces:
            for call in piece.module.calls_in(piece.start, piece.end):
                given = [piece.module.slice(one) for one in call.arguments[:2]]
                signs = _SIGNS.search(call.callee) and len(given) > 1
                if signs and _key(case.program, piece.module, given[1].strip()) == key:
                    number = _NUMBER.fullmatch(given[0].strip())
                    found |= {number[1].lower()} if number else set()
    return found


def _for_another_end(case: Case, keys: set[str]) -> Iterator[Finding]:
    """A link for a new password that is a session's token, and the other way round."""
    inside = case.access is Access.PUBLIC or case.why.startswith("the caller, line")
    if not inside or not _FOR_ANOTHER_END.search(case.route.path):
        return
    asks = re.search(r"forg[eo]t", case.route.path) is not None
    for piece in case.pieces:
        for at, key in _signed(case.program, piece) if asks else ():
            if key in keys:
                message = (
                    f"{case.route.label} sends a token that a session opens with as well: it is "
                    f"signed with the same {key}, and says an id alone"
                )
                where = place(piece.module, at, case.route.label)
                yield finding("auth.token-confusion", where, message, MEDIUM, [at_route(case)])
                return
        for at, key in _verified(case.program, piece):
            if key not in keys or _SAYS_WHICH.search(
                re.sub(r"['\"`][^'\"`]*['\"`]", "", piece.code)
            ):
                continue
            message = (
                f"{case.route.label} takes any token that a session opens with: it is signed with "
                f"the same {key}, and nobody asks what it was made for"
            )
            where = place(piece.module, at, case.route.label)
            yield finding("auth.token-confusion", where, message, MEDIUM, [at_route(case)])
            return
