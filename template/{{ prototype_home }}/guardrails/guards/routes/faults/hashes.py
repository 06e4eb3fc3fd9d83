"""Whole accounts in an answer: the hash of each password goes along."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ....engine.finding import Finding
from ...braces import closing_brace, depth
from ..facts.access import Case
from ..facts.answered import answered_whole
from ..facts.meant import proves_it
from ..facts.middleware import Access
from ..facts.models import HASH, keeps_hash, model_text, prisma_model
from ..facts.paths import property_of
from ..facts.populated import SIGNS_IN_BY, accounts_of_a_model
from ..facts.program import Piece, Program
from ..facts.signs import LOGIN_PATH
from ..facts.source import Binding, Call
from ..facts.storedrows import stored_rows
from .say import HIGH, MEDIUM, at_route, finding, on_the_way, place


def hashes(cases: list[Case]) -> Iterator[Finding]:
    files: dict[tuple[str, bool], list[tuple[Case, Piece, int, str]]] = defaultdict(list)
    for case in cases:
        own = list(_own(case))
        yield from own
        for piece in () if own else case.pieces:
            told = (*_handed_out(case, piece), *stored_rows(case, piece), *_by_model(case, piece))
            for at, what in told:
                trusted = case.access is Access.ROLE
                files[piece.module.path, trusted].append((case, piece, at, what))
    told_of: set[tuple[str, int]] = set()
    for (path, trusted), every in sorted(files.items(), key=lambda one: one[0][1]):
        hits = [one for one in every if (path, one[2]) not in told_of]
        told_of |= {(path, one[2]) for one in hits}
        if not hits:
            continue
        case, piece, at, what = hits[0]
        others = len({one[0].route.label for one in hits}) - 1
        more = f", and so do {others} more routes" if others else ""
        message = (
            f"{case.route.label} answers with {what}, the hash of each password included{more}"
        )
        also = [*on_the_way(piece), *(place(one[1].module, one[2]) for one in hits[1:])]
        also += [one for hit in hits[1:] for one in on_the_way(hit[1])[-1:]]
        severity = MEDIUM if trusted else HIGH
        where = place(piece.module, at, case.route.label)
        yield finding("authz.pii-exposed", where, message, severity, [at_route(case), *also])


_READ = re.compile(
    r"\s*(?:await\s+)?(?:(?:prisma|db|tx)\.(\w+)|([A-Z]\w*))\s*\.(?:find|findAll|findMany|findById|findByPk"
    r"|findOne|findUnique|findFirst)\("
)
_SOME = re.compile(
    r"\.select\(|\bselect\s*:|attributes\s*:|\bomit\s*:|exclude|password|\.map\(|\.limit\(0"
    r"|\}\s*,\s*['\"{]"
)
"""Not the whole row."""


def _own(case: Case) -> Iterator[Finding]:
    """Whole accounts in the answer, the hashes of their passwords with them."""
    for piece in case.pieces[:1]:
        names = case.flow.of(piece)
        for binding in piece.module.bindings_in(piece.start, piece.end):
            value = piece.module.slice(binding)
            read = _READ.match(value)
            if read is None or _SOME.search(value) or names.has_caller(value):
                continue
            if not _keeps_hash(case, piece, read[1], read[2]) or not answered_whole(piece, binding):
                continue
            message = (
                f"{case.route.label} answers with whole accounts, the hash of each password "
                f"included"
            )
            own = LOGIN_PATH.search(case.route.path) or proves_it(case)
            severity = MEDIUM if own or case.access is Access.ROLE else HIGH
            where = place(piece.module, binding.start, case.route.label)
            yield finding("authz.pii-exposed", where, message, severity, [at_route(case)])
            return


def _keeps_hash(case: Case, piece: Piece, by_prisma: str | None, model: str | None) -> bool:
    if by_prisma:
        return HASH.search(prisma_model(case.program, by_prisma)) is not None
    text = model_text(case.program, piece.module, model) if model else ""
    people = model is not None and _PEOPLE.match(model) is not None
    return keeps_hash(text) and (people or SIGNS_IN_BY.search(text) is not None)


_ROWS = re.compile(
    r"\.(?:findMany|findFirst|findUnique|findFirstOrThrow|findUniqueOrThrow|create|update|upsert)$"
)
_OF_PRISMA = re.compile(r"(?:prisma|db|tx)\.(\w+)\.\w+$")


def _handed_out(case: Case, piece: Piece) -> Iterator[tuple[int, str]]:
    """What a query of Prisma brings along, where the row is what is answered."""
    names = case.flow.of(piece)
    for call in piece.module.calls_in(piece.start, piece.end):
        model = _OF_PRISMA.search(call.callee)
        if not _ROWS.search(call.callee) or model is None:
            continue
        given = piece.module.slice(call.arguments[0]) if call.arguments else "{}"
        if property_of(given, "select") or property_of(given, "omit"):
            continue
        along = brought(case.program, model[1], given, given.find("{") + 1, HASH)
        rows = call.callee.endswith("findMany") or not names.has_caller(property_of(given, "where"))
        at = call.start
        if along:
            what, at = f"whole accounts (`{along[1]}`)", call.arguments[0].start + along[0]
        elif rows and HASH.search(prisma_model(case.program, model[1])) and not _made(call):
            what = "whole accounts"
        else:
            continue
        if _answered(case, piece, call):
            yield at, what


_PEOPLE = re.compile(
    r"(?:user|account|member|person|customer|admin|student|employee)", re.IGNORECASE
)


def _by_model(case: Case, piece: Piece) -> Iterator[tuple[int, str]]:
    """What Mongoose reads of an account, where it is what is answered."""
    calls = {one.start: one for one in piece.module.calls_in(piece.start, piece.end)}
    for at, what in accounts_of_a_model(case, piece):
        if _answered(case, piece, calls[at]):
            yield at, what


def _made(call: Call) -> bool:
    """Whoever makes an account, or changes one, has sent its password."""
    return call.callee.endswith((".create", ".upsert", ".update"))


_INCLUDE = re.compile(r"\binclude\s*:\s*\{")
_SELECT = re.compile(r"\bselect\s*:\s*[{\w]")
_KEY = re.compile(r"\s*(\w+)\s*:\s*(?:(true)\b|(\{))")


def brought(
    program: Program, model: str, text: str, at: int, private: re.Pattern[str]
) -> tuple[int, str, str] | None:
    """The first relation below `at`, the inside of an object, that comes with all its columns, and
    which of them is private.
    """
    end = closing_brace(text, at)
    opened = _INCLUDE.search(text, at, end)
    if opened is None or depth(text, at, opened.start()):
        return None
    inside = opened.end()
    last = closing_brace(text, inside)
    while (key := _KEY.match(text, inside, last)) is not None:
        target = _target(program, model, key[1])
        body = (key.end(), closing_brace(text, key.end())) if key[3] else (key.end(), key.end())
        whole = target and not _chosen(text, *body)
        if whole and (found := private.search(prisma_model(program, target))):
            return key.start(1), key[1], found[1]
        if target and key[3] and (deeper := brought(program, target, text, body[0], private)):
            return deeper
        comma = text.find(",", body[1] + (1 if key[3] else 0), last)
        if comma < 0:
            return None
        inside = comma + 1
    return None


def _chosen(text: str, at: int, end: int) -> bool:
    """Whether the columns are chosen: a `select` of its own, not one further in."""
    return any(depth(text, at, one.start()) == 0 for one in _SELECT.finditer(text, at, end))


def _target(program: Program, model: str, field: str) -> str:
    """The model behind a relation's field."""
    found = re.search(rf"(?m)^\s*{re.escape(field)}\s+(\w+)", prisma_model(program, model))
    return found[1] if found else ""


_RETURNS = re.compile(r"(?:\breturn|=>)\s*\(?\s*(?:await\s+)?$")
_SENDS = re.compile(r"(?:\.json|\.send)\(\s*(?:\{[^{}]*)?(?:await\s+)?$")


def _answered(case: Case, piece: Piece, call: Call, depth: int = 0) -> bool:
    """Whether what a call brings is handed back as it is, up to the answer."""
    code = piece.module.code
    before = code[max(piece.start, call.start - 120) : call.start]
    if _SENDS.search(before):
        return True
    bindings = piece.module.bindings_in(piece.start, piece.end)
    into = next((one for one in bindings if one.start <= call.start < one.end), None)
    if into is not None and piece.module.slice(into).count("=>"):
        return False
    returned = into is None and _RETURNS.search(before) is not None
    if into is not None:
        if answered_whole(piece, into):
            return True
        returned = _returned_whole(piece, into)
    if not returned or depth > _DEEPEST:
        return False
    giver = piece.giver
    if giver is None:
        return case.route.kind == "nest"
    return any(
        _answered(case, giver, one, depth + 1)
        for one in giver.module.calls_in(giver.start, giver.end)
        if one.arguments == piece.given
        and (there := case.program.function(giver.module, one.callee))
        and there[1] is piece.function
    )


_DEEPEST = 3


def _returned_whole(piece: Piece, into: Binding) -> bool:
    """`return { mission }`, and not one of its fields, nor what is left without the password."""
    name = re.sub(r"[\[\]\s]", "", into.names).split(",")[0]
    if not re.fullmatch(r"[\w$]+", name):
        return False
    later = piece.module.code[into.end : piece.end]
    if re.search(rf"{name}\.password\w*\s*=|delete\s+{name}\.|\}}\s*=\s*{name}\b", later):
        return False
    whole = rf"(?:\.\.\.|:\s*)?(?<![\w$.]){name}(?![\w$.(\[?]|\s*:)"
    return (
        re.search(rf"\breturn\s+{name}\s*[;}}\n]", later) is not None
        or re.search(rf"\breturn\s+\{{[^;{{}}]*{whole}", later) is not None
    )
