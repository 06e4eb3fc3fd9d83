"""Persons whom the request names: taken for who calls, or told of to whoever asks."""

import re
from collections.abc import Iterator, Sequence

from ....engine.finding import Finding, Place
from ..facts.access import Case, Spot
from ..facts.flow import Names
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.queries import Query, answered, stem
from ..facts.shared import listed
from ..facts.signs import ADMIN_PATH, MONEY, OPEN_READ, PERSONAL, WEBHOOK_NAME
from ..facts.ties import tied
from .say import CRITICAL, HIGH, at_route, at_spot, finding, place

_KIND = (
    r"(?:user|participant|customer|client|member|student|patient|employee|driver|rider|seller|vendor"
    r"|buyer|owner|account|profile|player|tenant|donor|borrower|investor|subscriber|volunteer)"
)
_WHOSE = rf"(?:(?:\w+_)?e?mail|\w+Email|username|user_name|{_KIND}_?(?:[iI]d|[nN]ame))"
_NAMED = (
    rf"\.eq\(\s*['\"](?P<a>{_WHOSE}|_?id)['\"]\s*,\s*(?P<av>[\w$.?!]+(?:\([^()]*\))*)\s*\)",
    (
        rf"\b(?:where\s*:|findOne\w*\(|updateOne\(|deleteOne\()\s*\{{\s*(?P<b>{_WHOSE}|_?id)\b"
        r"\s*(?::\s*(?P<bv>[\w$.?!]+(?:\([^()]*\))*))?\s*[,}]"
    ),
    rf"\beq\(\s*\w+\.(?P<c>{_WHOSE}|_?id)\s*,\s*(?P<cv>[\w$.?!]+)\s*\)",
    rf"\b(?P<d>{_WHOSE})\s*=\s*\$\{{\s*(?P<dv>[^{{}}]+)\}}",
)
_FILTER = tuple(map(re.compile, _NAMED))
_PERSONS_ID = re.compile(rf"(?:^|[.?!]){_KIND}_?[iI]d$|(?:^|\.)uid$")
_OTHERS_MEANT = re.compile(
    r"invit|share|search|look-?_?up|\bfind|check|exist|availab|add-?_?member|assign|follow|message|chat"
    r"|register|sign-?_?up|log-?in|forgot|reset|verif|otp",
    re.IGNORECASE,
)
"""Who is invited, looked for or written to is somebody else."""
_TOLD = re.compile(r"\.(?:response|error|ok|success|status|message|code)\b")
_ADDRESS_OF_MONEY = re.compile(r"wallet|iban|account_?number|payout|bank", re.IGNORECASE)
_WHOLE_ROW = re.compile(
    r"\.select\(\s*(?:['\"`]\s*\*|\))|\.find(?:One|First|Unique)\w*\(|SELECT\s+\*"
)


def persons(cases: list[Case], found: Sequence[Finding]) -> Iterator[Finding]:
    told = {
        one.place.symbol
        for one in found
        if one.rule in {"authz.idor", "authz.client-supplied-identity"}
    }
    asking = {case.route.module.path for case in cases if case.access is Access.ROLE}
    open_ = {one.place.symbol for one in found if one.rule == "authz.unauthenticated-endpoint"}
    callers = [case for case in cases if case.access is Access.CALLER]
    shown = {name for case in callers for name in listed(case)}
    for case in cases:
        if case.route.label in told or case.bound_by_rows or case.scoped:
            continue
        if case.token_in_hand or not case.route.known:
            continue
        if WEBHOOK_NAME.search(case.route.label) or _OTHERS_MEANT.search(case.route.label):
            continue
        if case.access is Access.CALLER and not ADMIN_PATH.search(case.route.path):
            yield from _taken_for(case, shown)
        elif case.access is Access.PUBLIC and (case.route.method == "GET" or _only_asks(case)):
            yield from _told_of(case)
            if case.route.module.path in asking and case.route.label not in open_:
                yield from _list_of_staff(case)


_NOBODY_ELSES = re.compile(
    r"request|claim|order|user|profile|customer|withdraw|payment|payout|top_?up|transaction|deposit"
    r"|ticket|report|log|message|booking|application|complaint|dispute|contact|lead|invoice|kyc",
    re.IGNORECASE,
)
"""What only who decides upon it may read; kinds, settings and prices are for everybody."""


def _list_of_staff(case: Case) -> Iterator[Finding]:
    """The other method of an address under /admin asks for a role, and the list asks nobody."""
    if not ADMIN_PATH.search(case.route.path) or OPEN_READ.search(case.route.path):
        return
    spot = case.first(_ALL_OF_THEM, own=True)
    read = _ALL_OF_THEM.match(spot.piece.module.code, spot.at) if spot else None
    if spot and read and _NOBODY_ELSES.search(read[1] or read[2]):
        message = (
            f"{case.route.label} hands {read[1] or read[2]} out to anybody: only another method "
            f"of the address asks who calls"
        )
        rule, also = "authz.unauthenticated-endpoint", [at_spot(spot)]
        yield finding(rule, at_route(case), message, HIGH, also)


_ALL_OF_THEM = re.compile(
    r"\.from\(\s*['\"](\w+)['\"]\s*\)\s*\.select\(\s*(?:['\"`]\s*\*|\))"
    r"|\b(?:prisma|db)\.(\w+)\.findMany\("
)


def _taken_for(case: Case, shown: set[str]) -> Iterator[Finding]:
    """Whoever is signed in is anybody: who it is, is asked, and then the request is believed."""
    piece = case.pieces[0] if case.pieces else None
    if piece is None or not _never_used(piece, case.flow.of(piece)) or tied(case):
        return
    names = case.flow.of(piece)
    named = next(_named(piece, names), None)
    if named is None:
        return
    at, value = named
    reads = case.route.method in {"GET", "HEAD"}
    also = [*_where_sent(piece, names, value), at_route(case)]
    where = place(piece.module, piece.start + at, case.route.label)
    told = f"{case.route.label} asks who is signed in, never looks at the answer, and"
    if reads or not {name for name, _ in case.effects()} & {"write", "delete"}:
        tables = list(_OF_TABLE.finditer(piece.code, 0, at + 40))
        if tables and stem(tables[-1][1] or tables[-1][2]) in shown:
            return  # Colleagues: whoever is signed in may list them all.
        message = f"{told} reads what belongs to whomever the request names"
        yield finding("authz.idor", where, message, HIGH, also)
        return
    message = f"{told} acts for whomever the request names"
    money = MONEY.search(case.own) or _ADDRESS_OF_MONEY.search(case.own)
    grave = CRITICAL if money else HIGH
    yield finding("authz.client-supplied-identity", where, message, grave, also)


_OF_TABLE = re.compile(r"\.from\(\s*['\"](\w+)['\"]|\b(?:prisma|db|tx)\.(\w+)\.\w+\(")


_OF_A_PERSON = re.compile(r"/(?:profile|account|me|user|customer)s?/?$", re.IGNORECASE)


def _only_asks(case: Case) -> bool:
    """`POST /auth/profile` with an address in the body: it changes nothing, and tells as much."""
    asks = case.route.method == "POST" and _OF_A_PERSON.search(case.route.path) is not None
    return asks and not {name for name, _ in case.effects()} & {"write", "delete"}


def _told_of(case: Case) -> Iterator[Finding]:
    """`GET /me?email=…`: the row of whoever is named, for anybody."""
    path = case.route.path
    meant = OPEN_READ.search(path) and not _OF_A_PERSON.search(path)
    if meant or ":" in path or not case.pieces:
        return
    piece = case.pieces[0]
    names = case.flow.of(piece)
    row = _WHOLE_ROW.search(piece.code) or PERSONAL.search(piece.code)
    named = next(_named(piece, names), None)
    if named is None or not row or not _answered(piece, piece.start + named[0]):
        return
    message = (
        f"{case.route.label} hands out what is known of whomever the request names, and asks "
        f"nobody who they are"
    )
    also = [place(piece.module, piece.start + named[0]), at_route(case)]
    where = at_route(case)
    yield finding("authz.unauthenticated-endpoint", where, message, HIGH, also)


def _answered(piece: Piece, at: int) -> bool:
    """Whether the row that was looked for is in the answer."""
    for one in piece.module.bindings_in(piece.start, piece.end):
        if one.start <= at < one.end:
            code = piece.module.slice(one)
            asked = Query(Spot(piece, at), "", code, False, False, True, Spot(piece, one.start))
            return answered(asked)
    return True


def _named(piece: Piece, names: Names) -> Iterator[tuple[int, str]]:
    """Where a person is chosen by what was sent: an address, a name, an id that is a person's."""
    for sign in _FILTER:
        for match in sign.finditer(piece.code):
            found = match.groupdict()
            column = next(filter(None, (found.get(one) for one in "abcd")), "")
            value = next(filter(None, (found.get(f"{one}v") for one in "abcd")), column).strip()
            if column in {"id", "_id"} and not _PERSONS_ID.search(value):
                continue
            if names.has_sent(value) and not names.has_caller(value):
                yield match.start(), value


def _never_used(piece: Piece, names: Names) -> bool:
    """Whether who calls is only asked: what is found out is tested, and never used."""
    tests = [(one.test.start, one.test.end) for one in piece.module.conditions]
    made = [(one.at, one.start) for one in piece.module.bindings_in(piece.start, piece.end)]
    for name in names.caller:
        if re.search(r"(?i)err(?:or)?$|response$", name):
            continue
        for match in re.finditer(rf"(?<![\w$.'\"]){re.escape(name)}(?![\w$'\"])", piece.code):
            at = piece.start + match.start()
            if any(start <= at < end for start, end in (*tests, *made)):
                continue
            if not _TOLD.match(piece.code, match.end()):
                return False
    return True


def _where_sent(piece: Piece, names: Names, value: str) -> Iterator[Place]:
    """Where the request's word for the person got its name."""
    word = re.match(r"[\w$]+", value)
    for one in piece.module.bindings_in(piece.start, piece.end) if word else ():
        named = re.search(rf"(?<![\w$]){re.escape(word[0])}(?![\w$])", one.names) if word else None
        if named and names.has_sent(piece.module.slice(one)):
            yield place(piece.module, one.at)
