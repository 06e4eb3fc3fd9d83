"""Related rows that a public answer brings along as they are: `include` where `select` is meant."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ...braces import closing_brace, depth
from ..facts.access import Case
from ..facts.answered import answered_whole
from ..facts.meant import not_in_production
from ..facts.middleware import Access
from ..facts.program import Piece, Program
from ..facts.source import Binding
from .hashes import brought
from .say import HIGH, at_route, finding, place

_READ = re.compile(
    r"\s*(?:await\s+)?(?:prisma|db|tx)\.(\w+)\.(?:findMany|findUnique|findFirst)\w*\(\s*\{"
)
_SELECT = re.compile(r"\bselect\s*:\s*\{")
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
    found = _listed(read, value) or brought(program, read[1], value, read.end(), _PRIVATE)
    return (binding.start + found[0], found[1], found[2]) if found else None


def _listed(read: "re.Match[str]", text: str) -> tuple[int, str, str] | None:
    """People, one after another, and among the columns that are chosen how to reach them."""
    if not _PEOPLE.match(read[1]) or ".findMany(" not in read[0]:
        return None
    for chosen in _SELECT.finditer(text, read.end(), closing_brace(text, read.end())):
        last = closing_brace(text, chosen.end())
        if depth(text, read.end(), chosen.start()):
            continue
        for column in _REACHED_AT.finditer(text, chosen.end(), last):
            if not depth(text, chosen.end(), column.start()):
                return column.start(), f"the {read[1]}s that it finds", column[1]
    return None
