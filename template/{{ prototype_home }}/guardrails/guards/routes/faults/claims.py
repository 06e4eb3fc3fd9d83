"""What a handler reads of a token that nobody puts in: where Prisma filters by it, by nothing."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access, guard_pieces
from ..facts.paths import property_of
from ..facts.program import Piece
from ..facts.source import Argument, Module
from .say import HIGH, at_route, finding, place

_SIGNS = re.compile(r"(?:^|\.)(?:jwt|JWT|jsonwebtoken|jwtService|jwtServer)\.sign(?:Async)?$")
_KEY = re.compile(r"[{,]\s*['\"]?(\w+)['\"]?\s*(?=[:,}])")
_ALWAYS = {"iat", "exp", "sub", "iss", "aud", "jti", "nbf"}
_SETS_USER = re.compile(r"\breq(?:uest)?\.user\s*=(?!=)\s*([^;\n]*)")
_DIRECT = re.compile(
    r"\s*(?:await\s+)?(?:(?:jwt|jsonwebtoken)\.verify\(|(?:decoded|payload|verified)\b\s*(?:as\b.*)?$)"
)
_VERIFIED = re.compile(
    r"\b(?:decoded|payload|verified)\b[^=;]*=\s*(?:await\s+)?(?:\w+\.)*(?:verify|jwtVerify)\w*\("
)
_READS = re.compile(
    r"\b(?:req|request)\.user\b\s*(?:as\s+\w+\s*)?\)?[!?]?\.(\w+)\b(?!\s*\()(?!\s*(?:\|\||\?\?))"
)
_PRISMA = re.compile(r"\b(?:prisma|db|tx)\.\w+\.(?:find|update|delete|count|aggregate)\w*$")


def claims(cases: list[Case]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        known = _signed(of_app)
        if not known or not _as_signed(of_app):
            continue
        told: dict[str, Finding] = {}
        for case in of_app:
            if case.access in {Access.CALLER, Access.ROLE} and case.route.kind == "server":
                for one in _filtered_by_nothing(case, known):
                    first = told.setdefault(one.place.path, one)
                    if first is not one:
                        also = (*first.also, one.place, *one.also)
                        told[one.place.path] = replace(first, also=tuple(dict.fromkeys(also))[:20])
        yield from told.values()


def _modules(cases: list[Case]) -> dict[str, Module]:
    guards = [
        piece
        for case in cases
        for one in case.route.guards
        for piece in guard_pieces(case.program, one)[0]
    ]
    pieces = [*guards, *(piece for case in cases for piece in case.pieces)]
    return {piece.module.path: piece.module for piece in pieces}


def _signed(cases: list[Case]) -> set[str]:
    """What the application's tokens say; nothing where that can't be told."""
    found: set[str] = set()
    for module in _modules(cases).values():
        for call in module.calls:
            if not _SIGNS.search(call.callee) or not call.arguments:
                continue
            keys = _keys(module, call.arguments[0])
            if not keys:
                return set()
            found |= keys
    return found


def _keys(module: Module, argument: Argument) -> set[str]:
    given = module.slice(argument)
    if made := module.bound_once.get(given.strip()):
        given = module.slice(made)
    given = given.strip().removesuffix("as const").strip()
    plain = given.startswith("{") and given.endswith("}") and "..." not in given
    return set(_KEY.findall(given)) if plain else set()


def _as_signed(cases: list[Case]) -> bool:
    """Whether what is read of the request's user is the token as it was signed."""
    modules = _modules(cases).values()
    made = [(module, value) for module in modules for value in _SETS_USER.findall(module.code)]
    if made:
        return all(
            _DIRECT.match(value) and (".verify(" in value or _VERIFIED.search(module.code))
            for module, value in made
        )
    texts = [module.code for module in modules] + [cases[0].route.module.code]
    return any("fastify" in text for text in texts) and not any(
        "formatUser" in text for text in texts
    )


def _filtered_by_nothing(case: Case, known: set[str]) -> Iterator[Finding]:
    for piece in case.pieces[:1]:
        for read in _READS.finditer(piece.code):
            filters = read[1] not in known | _ALWAYS and _filter_of(case)
            if not filters:
                continue
            there, at = filters
            message = (
                f"{case.route.label} filters by the `{read[1]}` of the token, which is signed with "
                f"{', '.join(sorted(known)[:5])} and nothing else: Prisma leaves out a filter that "
                f"is undefined, and finds everybody's"
            )
            where = place(piece.module, piece.start + read.start(), case.route.label)
            also = [place(there.module, at), at_route(case)]
            yield finding("authz.idor", where, message, HIGH, also)
            return


def _filter_of(case: Case) -> tuple[Piece, int] | None:
    """A query of Prisma that asks for what is the caller's."""
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if _PRISMA.search(call.callee) and call.arguments:
                given = property_of(piece.module.slice(call.arguments[0]), "where")
                if names.has_caller(given):
                    return piece, call.start
    return None
