"""Two requests at once: looked for and then added, and one place given to two."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.models import model_text, only_once, prisma_model
from ..facts.program import Piece
from ..facts.queries import stem
from ..facts.source import Binding, Call
from .say import at_route, finding, place

_LOOKS = re.compile(
    r"\s*await\s+(?:(?:prisma|db|tx)\.(?P<prisma>\w+)|(?P<model>[A-Z]\w*))\s*\.(?:findOne|findFirst|findUnique|exists)"
    r"\(\s*(?:\{\s*where\s*:\s*)?\{(?P<keys>[^{}]*)"
)
_KEY = re.compile(r"(?:^|,)\s*['\"]?(?:\w+\.)*([A-Za-z_]\w*)['\"]?\s*(?=[:,]|$)")
_CAUGHT = re.compile(
    r"\b11000\b|P2002|UniqueConstraintError|isolationLevel|Serializable|withTransaction"
)


def races(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.route.writes and not _CAUGHT.search(case.code):
            yield from _added_twice(case)
            yield from _given_twice(case)
    seen: set[tuple[str, int]] = set()
    for case in cases:
        for piece in case.pieces:
            begins = _TRANSACTION.search(piece.code) is not None
            if begins and (piece.module.path, piece.start) not in seen:
                seen.add((piece.module.path, piece.start))
                yield from _through_the_pool(case, piece)


def _added_twice(case: Case) -> Iterator[Finding]:
    """`findOne`, then `create` where there is none, and the store takes a second one."""
    for piece in case.pieces[:2]:
        for binding in piece.module.bindings_in(piece.start, piece.end):
            looks = _LOOKS.match(piece.module.slice(binding))
            if looks is None or not _refuses(piece, binding):
                continue
            name = looks["prisma"] or looks["model"]
            keys = _KEY.findall(looks["keys"])
            text = (
                prisma_model(case.program, name)
                if looks["prisma"]
                else model_text(case.program, piece.module, name)
            )
            added = _adds(piece, binding, name)
            if not text or not keys or not added or only_once(text, keys):
                continue
            message = (
                f"{case.route.label} looks for a {name} with the same {', '.join(keys[:3])} and "
                f"adds one if there is none: of two at once both are added"
            )
            where = place(piece.module, binding.start, case.route.label)
            also = [place(piece.module, added), at_route(case)]
            yield finding("data.check-then-insert", where, message, also=also)
            return


def _refuses(piece: Piece, binding: Binding) -> bool:
    """Whether one that is there already ends it."""
    name = binding.names.strip()
    if not re.fullmatch(r"\w+", name):
        return False
    test = re.compile(rf"\bif\s*\(\s*{name}\s*\)\s*\{{?[^{{}}]{{0,120}}?\b(?:return|throw)\b")
    return (
        test.search(piece.module.code, binding.end, min(binding.end + 400, piece.end)) is not None
    )


def _adds(piece: Piece, binding: Binding, name: str) -> int:
    """Where a row of the same kind is added later on, or 0."""
    adds = re.compile(rf"\b(?:(?:prisma|db|tx)\.)?{name}\.(?:create|insertMany)\(|\bnew\s+{name}\(")
    found = adds.search(piece.module.code, binding.end, piece.end)
    return found.start() if found else 0


_BOOKS = re.compile(
    r"^(?:(?:prisma|db|tx)\.)?(\w*(?:[bB]ooking|[rR]eservation|[aA]ppointment))\.create$"
    r"|^(\w*(?:Booking|Reservation|Appointment))$"
)
_WHAT = re.compile(
    r"\b(?:room|bed|seat|table|slot|doctor|cab|car|vehicle|court|property|cabin|hall|stylist|barber"
    r"|venue|apartment|listing|staff)(?:_?[iI]d|_?[nN]umber)?\s*[,:}\n]"
)
_WHEN = re.compile(
    r"\b(?:check_?[iI]n\w*|start_?(?:[dD]ate|[tT]ime)|date|slot\w*|time_?[sS]lot|booking_?[dD]ate"
    r"|appointment_?[dD]ate|pickup_?[dD]ate|from_?[dD]ate|time)\s*[,:}\n]"
)


def _given_twice(case: Case) -> Iterator[Finding]:
    """A booking of a thing for a time, and no booking is ever looked at before."""
    for piece in case.pieces[:1]:
        for call in piece.module.calls_in(piece.start, piece.end):
            named = _BOOKS.match(call.callee)
            if named is None or not _of_a_time(piece, call):
                continue
            name = named[1] or named[2]
            if _looked_at(case, name) or _kept_apart(case, piece, name):
                continue
            message = (
                f"{case.route.label} adds a booking and never looks whether the time is taken: the "
                f"same one is given to two"
            )
            where = place(piece.module, call.start, case.route.label)
            yield finding("data.double-booking", where, message, also=[at_route(case)])
            return


def _of_a_time(piece: Piece, call: Call) -> bool:
    given = " ".join(piece.module.slice(one) for one in call.arguments[:1]) + "\n"
    return bool(given.startswith("{") and _WHAT.search(given) and _WHEN.search(given))


def _looked_at(case: Case, name: str) -> bool:
    """Whether rows of the same kind, or what is free, are read anywhere on the way."""
    reads = (
        rf"(?i)\b{name}\.(?:find|count|exists|aggregate)|availab|overlap|conflict|is_?booked|taken"
    )
    return re.search(reads, case.code) is not None or any(
        stem(one) == stem(name) for one in re.findall(r"(?i)\bFROM\s+[\"`]?(\w+)", case.code)
    )


def _kept_apart(case: Case, piece: Piece, name: str) -> bool:
    text = prisma_model(case.program, name) or model_text(case.program, piece.module, name)
    return bool(re.search(r"@@unique\(|\.index\([^;]*unique\s*:\s*true", text))


_TRANSACTION = re.compile(r"BEGIN|TRANSACTION|begin\b")
_BEGINS = re.compile(r"\s*['\"`]\s*(?:BEGIN|START\s+TRANSACTION)\b", re.IGNORECASE)
_POOL = re.compile(r"\bnew\s+(?:\w+\.)?Pool\(|\bcreatePool\(")
_THROUGH = re.compile(r"\b(\w*[pP]ool\w*)\.query\(")


def _through_the_pool(case: Case, piece: Piece) -> Iterator[Finding]:
    """`pool.query("BEGIN")`: each statement may run on a connection of its own."""
    for call in piece.module.calls_in(piece.start, piece.end):
        first = piece.module.slice(call.arguments[0]) if call.arguments else ""
        if _BEGINS.match(first) and _is_pool(case, piece, call):
            message = (
                f"{case.route.label} begins a transaction through the pool: the statements after "
                f"it may run on other connections, and are neither kept nor undone together"
            )
            where = place(piece.module, call.start, case.route.label)
            yield finding("data.no-transaction", where, message, also=[at_route(case)])
            return


def _is_pool(case: Case, piece: Piece, call: Call) -> bool:
    head, _, method = call.callee.rpartition(".")
    if method not in {"query", "execute"}:
        return False
    if not head:
        helper = case.program.function(piece.module, method)
        return helper is not None and _THROUGH.search(helper[0].slice(helper[1])) is not None
    there = case.program.find(piece.module, head) if "." not in head else None
    binding = there and there[0].outer_values.get(there[1])
    return bool(there and binding and _POOL.search(there[0].slice(binding)))
