"""What a signed-in caller names beside their own: a file, or a record that theirs hangs on."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.queries import Query, queries, stem
from ..facts.signs import ADMIN_PATH, WEBHOOK_NAME
from ..facts.source import Call
from ..facts.ties import tied
from .say import HIGH, MEDIUM, at_route, finding, place

_ADDS = re.compile(r"(?:^|\.)(?:create|insert|insertOne|values|save)$")
_NAMES = re.compile(
    r"(?<![\w$.])(\w+?)(?:_id|Id)\s*(?::\s*([\w$.?!]+)(?:\s*(?:\|\||\?\?)\s*[\w.]+)?)?\s*(?=[,}\n])"
    r"|(?<![\w$.])(\w+)\s*:\s*([\w$.?]+[iI]d)\s*(?=[,}\n])"
)
_SOMEBODYS = {
    stem(one)
    for one in (
        "account", "address", "application", "appointment", "booking", "card", "cart",
        "conversation", "document", "enrollment", "enrolment", "invoice", "loan", "order",
        "prescription", "project", "reservation", "session", "shipment", "team", "thread",
        "wallet", "workspace",
    )
}  # fmt: skip
_NOT_THEIRS = re.compile(
    r"track|analytics|event|(?<!re)view|visit|log|chat|message|socket|stream", re.IGNORECASE
)
_ASIDE = re.compile(r"console|logger|z\.|res\.|Number$|String$|parseInt$")
_KEPT_IN = re.compile(r"startsWith\(|\.includes\(\s*(?:user|session)|split\(\s*['\"]/['\"]\s*\)")


def references(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access is Access.CALLER and not case.bound_by_rows and not _exempt(case):
            yield from _foreign(case)
            yield from _other_party(case)
            yield from _files(case)


def _exempt(case: Case) -> bool:
    label = case.route.label
    return bool(WEBHOOK_NAME.search(label) or ADMIN_PATH.search(case.route.path))


def _foreign(case: Case) -> Iterator[Finding]:
    """A record that is added hangs on another, and nobody looks whose that one is."""
    if _compared(case):
        return
    found = [one for one in queries(case) if not one.inserts]
    unasked = _private(case, found)
    looked_up = {stem(one.table) for one in found} - unasked
    for piece in case.pieces[:2]:
        for call in piece.module.calls_in(piece.start, piece.end):
            named = _hangs_on(case, piece, call, _SOMEBODYS - looked_up)
            if named is None:
                continue
            at, what = named
            if stem(what) not in unasked and re.search(
                rf"(?i)\b{what}s?\b['\"`)]?\s*\.(?:find|select|get|count|first)", case.code
            ):
                continue
            message = (
                f"{case.route.label} hangs what it adds on the {what} that the request names, and "
                f"never looks whose that is"
            )
            where = place(piece.module, at, case.route.label)
            also = [at_route(case), place(piece.module, call.start, case.route.label)]
            yield finding("authz.idor", where, message, MEDIUM, also)
            return


BETWEEN_TWO = {
    stem(one)
    for one in (
        "appointment", "booking", "chat", "conversation", "invoice", "order", "prescription",
        "reservation", "thread", "ticket", "wallet",
    )
}  # fmt: skip
"""What is of one or two people, whoever else is in the application."""
_MEANT_FOR_OTHERS = re.compile(
    r"accept|claim|\bbids?\b|offer|quote|propos|appl(?:y|ic)|assign|deliver|join|pick-?up|dispatch",
    re.IGNORECASE,
)


def _private(case: Case, found: list[Query]) -> set[str]:
    """What is looked up by its id alone, and in the end never compared with anybody."""
    if tied(case) or _MEANT_FOR_OTHERS.search(case.route.label):
        return set()
    told = {stem(one.table) for one in found if one.writes or not one.alone}
    return ({stem(one.table) for one in found} & BETWEEN_TWO) - told


_PARTY = re.compile(
    r"[{,]\s*(?P<party>owner|seller|host|landlord|vendor)(?:_?[iI]d)?\s*(?::\s*(?P<value>[\w$.?!]+))?\s*(?=[,}])"
)
_THING = re.compile(
    r"[{,]\s*(?P<thing>listing|product|property|item|gig|car|vehicle|room|venue|event|space|unit)(?:_?[iI]d)?"
    r"\s*(?::\s*(?P<value>[\w$.?!]+))?\s*(?=[,}])"
)


def _other_party(case: Case) -> Iterator[Finding]:
    """`{ listing: listingId, renter: user.id, owner: ownerId }`: whose the listing is, the request
    says, so one asks for a thing and grants it oneself.
    """
    for piece in case.pieces[:2]:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            given = piece.module.slice(call.arguments[0]) if call.arguments else ""
            party, thing = _PARTY.search(given), _THING.search(given)
            if not (_ADDS.search(call.callee) and party and thing and names.has_caller(given)):
                continue
            named = party["value"] or party[0].strip("{, \n")
            about = thing["value"] or thing[0].strip("{, \n")
            if (
                names.has_sent(named)
                and names.has_sent(about)
                and not names.has_caller(named)
                and not re.search(
                    rf"\b(?!req|body)\w+\??\.{party['party']}(?:_?[iI]d)?\b", case.code
                )
            ):
                message = (
                    f"{case.route.label} takes from the request who the {party['party']} of the "
                    f"{thing['thing']} is, beside which {thing['thing']} it is"
                )
                where = place(
                    piece.module, call.arguments[0].start + party.start(), case.route.label
                )
                also = [at_route(case)]
                yield finding("authz.client-supplied-identity", where, message, MEDIUM, also)
                return


def _compared(case: Case) -> bool:
    """Whether anything is compared with the caller on the way, and not only to tell the other."""
    return any(
        re.search(r"[!=]==?|\.equals\(|\.includes\(", line) and case.flow.of(piece).has_caller(line)
        for piece in case.pieces
        for line in _CHOOSES.sub(" ", piece.code).splitlines()
    )


_CHOOSES = re.compile(r"=\s*[\w$.?!]+\s*===?\s*[\w$.?!]+\s*\?[^.?;][^;]*;")
"""`const other = chat.buyerId === me ? chat.sellerId : chat.buyerId`: nobody is refused."""


def _hangs_on(case: Case, piece: Piece, adds: Call, foreign: set[str]) -> tuple[int, str] | None:
    if not _ADDS.search(adds.callee) or not adds.arguments or adds.end - adds.start > 2_500:
        return None
    given, names = piece.module.slice(adds.arguments[0]), case.flow.of(piece)
    of_caller = names.has_caller(given)
    if not of_caller and (case.route.method != "POST" or _NOT_THEIRS.search(case.route.path)):
        return None
    for one in _NAMES.finditer(given) if given.startswith("{") else ():
        what, value = one[1] or one[3], one[2] or one[4] or one[0].rstrip()
        unasked = of_caller or not _asked_with(piece, adds, value)
        if (
            stem(what) in foreign
            and unasked
            and names.has_sent(value)
            and not names.has_caller(value)
        ):
            return adds.arguments[0].start + one.start(), what
    return None


def _asked_with(piece: Piece, adds: Call, value: str) -> bool:
    """Whether anything else is asked with it: a query, or a function of one's own."""
    used = re.compile(rf"(?<![\w$.]){re.escape(value)}\b")
    return any(
        used.search(piece.module.slice(one))
        for call in piece.module.calls_in(piece.start, piece.end)
        if not (call.start <= adds.start < call.end or adds.start <= call.start < adds.end)
        and not _ASIDE.match(call.callee)
        for one in call.arguments
    )


def _files(case: Case) -> Iterator[Finding]:
    """Any file, by the address or the path that the request names."""
    if tied(case) or _KEPT_IN.search(case.own):
        return
    for piece in case.pieces[:2]:
        names = case.flow.of(piece)
        blob = (entry := piece.module.imports.get("del")) and entry.source == "@vercel/blob"
        for call in piece.module.calls_in(piece.start, piece.end):
            removes = (blob and call.callee == "del") or _from_bucket(piece, call)
            if removes and call.arguments and names.has_sent(piece.module.slice(call.arguments[0])):
                message = (
                    f"{case.route.label} deletes whichever file is named: whose it is is never "
                    f"compared with the caller"
                )
                where = place(piece.module, call.start, case.route.label)
                yield finding("authz.idor", where, message, HIGH, [at_route(case)])
                return


def _from_bucket(piece: Piece, call: Call) -> bool:
    return call.callee.endswith(".remove") and ".storage" in piece.module.slice(call)
