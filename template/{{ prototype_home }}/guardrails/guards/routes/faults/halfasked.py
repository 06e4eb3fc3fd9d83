"""Whose a record is, asked of one kind of user: `role === "customer" && order.user !== me`."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Piece, Program
from ..facts.queries import queries
from ..facts.signs import READS
from ..facts.source import Condition
from .parties import OF_A_BUSINESS
from .say import HIGH, MEDIUM, at_route, finding, place

_OF_A_ROLE = re.compile(r"[\w$.?!]*\b\w*[rR]ole\s*===?\s*['\"](\w+)['\"]")
_ANY_ROLE = re.compile(
    r"\b\w*[rR]ole\w*\s*[!=]==?\s*['\"](\w+)['\"]|\[([^\[\]]*)\]\s*\.includes\(\s*[\w.?!]*[rR]ole"
)
_COMPARED = re.compile(r"!==?|!\s*[\w$.]+\.equals\(")
_REFUSES = re.compile(r"\b40[134]\b|\bthrow\b|[fF]orbidden|FORBIDDEN")
_QUOTED = re.compile(r"['\"](\w+)['\"]")
_DECLARED = (
    re.compile(r"\brole['\"]?\s*:\s*\{[^{}]*\benum\s*:\s*\[([^\]]*)\]"),
    re.compile(r"\brole['\"]?\s*:\s*\w+\([^;\n]*\benum\s*:\s*\[([^\]]*)\]"),
    re.compile(r"(?i)\brole[`\"]?\s+ENUM\s*\(([^()]*)\)"),
    re.compile(r"(?i)\brole[`\"]?\s+IN\s*\(([^()]*)\)"),
)
_PRISMA = re.compile(r"(?m)^enum\s+\w*Role\w*\s*\{([^}]*)\}")
_OF_THE_HOUSE = re.compile(
    r"admin|super|staff|manager|moderator|support|employee|operator|cashier|system|root|owner",
    re.IGNORECASE,
)
"""Who works there may look after everybody's."""
_NEAR = 4
"""The handler, what stands before it, and the service it calls."""


def half_asked(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access not in {Access.CALLER, Access.ROLE} or ":" not in case.route.path:
            continue
        for piece in case.pieces[:_NEAR]:
            asked = next(filter(None, (_half(piece, it, case) for it in _tests(piece))), None)
            if asked is None or not any(one.alone for one in queries(case)):
                continue
            left = _left(case, piece)
            if left:
                yield _told(case, piece, asked, left)
                break


def _tests(piece: Piece) -> Iterator[Condition]:
    return (one for one in piece.module.conditions if piece.start <= one.start < piece.end)


def _half(piece: Piece, test: Condition, case: Case) -> Condition | None:
    """The test, if it turns away those of one kind whose record it isn't."""
    code = piece.module.slice(test.test)
    role = _OF_A_ROLE.search(code)
    if role is None or "||" in code.replace("?.", ""):
        return None
    rest = code.replace(role[0], "")
    compares = "&&" in code and _COMPARED.search(rest) is not None
    names = case.flow.of(piece)
    of_another = _of_a_row(piece, role[0]) and not names.has_caller(role[0])
    known = compares and not of_another and names.has_caller(rest)
    return test if known and _REFUSES.search(piece.module.slice(test.then)) else None


def _of_a_row(piece: Piece, test: str) -> bool:
    """`target.role === "admin"`, where the target was looked up: what kind of user that one is."""
    head = re.match(r"\w+", test.strip())
    return head is not None and any(
        one.names.strip() == head[0] and READS.search(piece.module.slice(one))
        for one in piece.module.bindings_in(piece.start, piece.end)
    )


def _left(case: Case, piece: Piece) -> list[str]:
    """The kinds of user that nothing is asked of: none where it is not said which there are."""
    named = {one.lower() for it in _ANY_ROLE.finditer(piece.code) for one in _names(it)}
    before = {
        one.lower() for guarding in case.route.guards for one in _QUOTED.findall(guarding.code)
    }
    there = _roles(case.program) & _given(case.program)
    before |= _let_in(piece)
    there = there & before or there
    left = there - named
    return sorted(one for one in left if OF_A_BUSINESS.match(one) or not _OF_THE_HOUSE.search(one))


_LETS_IN = re.compile(
    r"(?:require|check|assert|ensure|has|allow|restrict|authori[sz]e)\w*$", re.IGNORECASE
)


def _let_in(piece: Piece) -> set[str]:
    """`requireRole(user, "KEEPER", "ADMIN")`: who comes further is one of these."""
    return {
        one.lower()
        for call in piece.module.calls_in(piece.start, piece.end)
        if _LETS_IN.search(call.callee) and call.end - call.start < _LONGEST
        for one in _QUOTED.findall(piece.module.slice(call))
    }


_LONGEST = 300


def _names(found: re.Match[str]) -> list[str]:
    return [found[1]] if found[1] else list(_QUOTED.findall(found[2]))


_GIVEN = re.compile(r"\b\w*[rR]ole['\"]?\s*(?:[!=]==?|[:=])\s*['\"](\w+)['\"]")


def _given(program: Program) -> set[str]:
    """Which the code gives or asks for: a list may have kept names that nobody has any more."""
    return {one.lower() for _, module in program.parsed() for one in _GIVEN.findall(module.code)}


def _roles(program: Program) -> set[str]:
    """Which roles accounts may have, as models and tables say it."""
    texts = [module.code for _, module in program.parsed()]
    texts += [program.tree.text(path) or "" for path in program.tree.ending(".sql")]
    found = {
        one.lower()
        for text in texts
        for sign in _DECLARED
        for declared in sign.findall(text)
        for one in _QUOTED.findall(declared)
    }
    for path in program.tree.ending(".prisma"):
        for body in _PRISMA.findall(program.tree.text(path) or ""):
            found |= {one.lower() for one in re.findall(r"(?m)^\s*(\w+)", body)}
    return found


def _told(case: Case, piece: Piece, test: Condition, left: list[str]) -> Finding:
    one = next(iter(_OF_A_ROLE.findall(piece.module.slice(test.test))))
    message = (
        f"{case.route.label} asks whose it is of the role {one} alone: {' and '.join(left[:3])} "
        f"reach everybody's"
    )
    where = place(piece.module, test.start, case.route.label)
    severity = HIGH if case.route.writes else MEDIUM
    return finding("authz.idor", where, message, severity, [at_route(case)])
