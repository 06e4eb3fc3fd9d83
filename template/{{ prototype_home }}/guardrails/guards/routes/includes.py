"""Related rows that a public answer brings along as they are: `include` where `select` is meant."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding
from ..braces import closing_brace
from .access import Case
from .accounts import answered_whole
from .meant import not_in_production
from .middleware import Access
from .models import prisma_model
from .program import Piece, Program
from .say import HIGH, at_route, finding, place
from .source import Binding

_READ = re.compile(
    r"\s*(?:await\s+)?(?:prisma|db|tx)\.(\w+)\.(?:findMany|findUnique|findFirst)\w*\(\s*\{"
)
_INCLUDE = re.compile(r"\binclude\s*:\s*\{")
_SELECT = re.compile(r"\bselect\s*:\s*\{")
_KEY = re.compile(r"\s*(\w+)\s*:\s*(?:(true)\b|(\{))")
_PRIVATE = re.compile(
    r"(?m)^\s*(password\w*|\w*[pP]asswordHash|email|phone\w*|stripe(?:Connect|Customer|Account)\w*"
    r"|\w*[bB]alance|bank\w*|iban|taxId\w*|ssn|\w*(?:access|refresh|reset)_?[tT]oken\w*|dateOfBirth)\s"
)


_PEOPLE = re.compile(
    r"(?:user|account|customer|student|patient|member|employee|profile)s?$", re.IGNORECASE
)
_REACHED_AT = re.compile(r"\b(email|phone(?:_?[nN]umber)?)\s*:\s*true\b")


def includes(case: Case) -> Iterator[Finding]:
    """A page for everybody that hands out whole rows of people, their accounts included."""
    if case.access is not Access.PUBLIC or case.route.method != "GET" or not case.route.known:
        return
    if not_in_production(case):
        return
    for piece in case.pieces[:2]:
        for binding in piece.module.bindings_in(piece.start, piece.end):
            told = _told(case.program, piece, binding)
            if told is None or not (piece.depth or answered_whole(piece, binding)):
                continue
            at, relation, column = told
            message = (
                f"{case.route.label} needs no sign-in and returns all of {relation}, {column} "
                f"included"
            )
            where = place(piece.module, at, case.route.label)
            yield finding("authz.pii-exposed", where, message, HIGH, [at_route(case)])
            return


def _told(program: Program, piece: Piece, binding: Binding) -> tuple[int, str, str] | None:
    value = piece.module.slice(binding)
    read = _READ.match(value)
    if read is None or len(value) > 4_000:
        return None
    found = _listed(read, value) or _whole(program, read[1], value, read.end())
    return (binding.start + found[0], found[1], found[2]) if found else None


def _listed(read: "re.Match[str]", text: str) -> tuple[int, str, str] | None:
    """People, one after another, and among the columns that are chosen how to reach them."""
    if not _PEOPLE.match(read[1]) or ".findMany(" not in read[0]:
        return None
    for chosen in _SELECT.finditer(text, read.end(), closing_brace(text, read.end())):
        last = closing_brace(text, chosen.end())
        if _depth(text, read.end(), chosen.start()):
            continue
        for column in _REACHED_AT.finditer(text, chosen.end(), last):
            if not _depth(text, chosen.end(), column.start()):
                return column.start(), f"the {read[1]}s that it finds", column[1]
    return None


def _whole(program: Program, model: str, text: str, at: int) -> tuple[int, str, str] | None:
    """The first relation below `at`, the inside of an object, that comes with all its columns."""
    end = closing_brace(text, at)
    opened = _INCLUDE.search(text, at, end)
    if opened is None or _depth(text, at, opened.start()):
        return None
    inside = opened.end()
    last = closing_brace(text, inside)
    while (key := _KEY.match(text, inside, last)) is not None:
        target = _target(program, model, key[1])
        body = (key.end(), closing_brace(text, key.end())) if key[3] else (key.end(), key.end())
        if target and not _chosen(text, *body):
            private = _PRIVATE.search(prisma_model(program, target))
            if private:
                return key.start(1), key[1], private[1]
        if target and key[3] and (deeper := _whole(program, target, text, body[0])):
            return deeper
        comma = text.find(",", body[1] + (1 if key[3] else 0), last)
        if comma < 0:
            return None
        inside = comma + 1
    return None


def _chosen(text: str, at: int, end: int) -> bool:
    """Whether the columns are chosen: a `select` of its own, not one further in."""
    return any(_depth(text, at, one.start()) == 0 for one in _SELECT.finditer(text, at, end))


def _target(program: Program, model: str, field: str) -> str:
    """The model behind a relation's field."""
    found = re.search(rf"(?m)^\s*{re.escape(field)}\s+(\w+)", prisma_model(program, model))
    return found[1] if found else ""


def _depth(text: str, start: int, end: int) -> int:
    return text.count("{", start, end) - text.count("}", start, end)
