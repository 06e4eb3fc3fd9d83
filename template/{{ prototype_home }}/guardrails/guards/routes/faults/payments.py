"""Money: prices that the client names, what is sent twice, and webhooks that count twice."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case, Spot
from ..facts.middleware import Access
from ..facts.signs import WEBHOOK_NAME
from .prices import prices
from .say import HIGH, MEDIUM, at_route, finding, place

_ONCE = re.compile(
    r"event\.id|eventId|event_id|upsert|onConflict|on conflict|duplicate|idempot|already|23505"
    r"|status\s*[!=]==?\s*['\"](?:paid|completed|confirmed|succeeded)|maybeSingle|existing"
    r"|INSERT OR IGNORE|findUnique|findFirst|findOne",
    re.IGNORECASE,
)
_KEEPS_A_LOG = re.compile(
    r"(?:from\(\s*|INTO\s+)['\"`]?\w*(?:logs?|audit|history|notifications?|events?|activit\w+)"
    r"['\"`]?\s*\)?\s*$"
)
_KEPT = re.compile(r"\.from\([^()]*\)\s*$|\b(?:prisma|db|tx)\.\w+$")
_ADDS = re.compile(
    r"\.insert\(|\.create\(|(?i:INSERT INTO)|\.rpc\(\s*['\"]\w*(?:increment|add|credit)"
    r"|\$inc|increment"
)
_COOKIE_CLIENT = re.compile(
    r"\bcreate(?:Server|RouteHandler|ServerSupabase|ServerComponent)?\w*Client\w*\("
)


def payments(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        yield from prices(case)
        yield from _paid_out_twice(case)
        yield from _another_key(case)
        yield from _webhook(case)


def _adds(case: Case) -> Spot | None:
    """Where a record is added, or something counted up; a second line in a log does no harm."""
    for piece in case.pieces:
        for match in _ADDS.finditer(piece.code):
            if not _KEEPS_A_LOG.search(piece.code[max(0, match.start() - 120) : match.start()]):
                return Spot(piece, piece.start + match.start())
    return None


def _paid_out_twice(case: Case) -> Iterator[Finding]:
    """Money goes out with no key by which the provider would know the second request."""
    if case.access is Access.SIGNATURE or re.search(r"(?i)idempot", case.code):
        return
    for piece in case.pieces:
        for call in piece.module.calls_in(piece.start, piece.end):
            if re.search(r"\b(?:transfers|payouts)\.create$", call.callee) and call.arguments:
                message = (
                    f"{case.route.label} sends money without an idempotency key: two requests at "
                    f"once, or one that is repeated, send it twice"
                )
                where = place(piece.module, call.start, case.route.label)
                yield finding("payments.no-idempotency", where, message, MEDIUM, [at_route(case)])
                return


_NEW_KEY = re.compile(
    r"[iI]dempotency-?_?[kK]ey['\"]?\s*:\s*(?:`[^`]*\$\{\s*)?(?:Date\.now\(|crypto\.randomUUID\(|uuid(?:v4)?\("
    r"|Math\.random\()"
)
_BACK = re.compile(r"refund|payout|transfer|withdraw", re.IGNORECASE)


def _another_key(case: Case) -> Iterator[Finding]:
    """A key that is another one at each try keeps no second try from counting."""
    for piece in case.pieces:
        made = _NEW_KEY.search(piece.code)
        if made and _BACK.search(piece.code[max(0, made.start() - 500) : made.start()]):
            message = (
                f"{case.route.label} sends money with an idempotency key that is new each time: "
                f"the provider cannot know a second request for the first"
            )
            where = place(piece.module, piece.start + made.start(), case.route.label)
            yield finding("payments.no-idempotency", where, message, MEDIUM, [at_route(case)])
            return


_BRANCH = re.compile(
    r"\b(?:event|evt|payload|body)\.(?:type|event_?[tT]ype|event)\s*===?\s*['\"]|\bcase\s+['\"]"
)


def _branch(case: Case) -> Iterator[Finding]:
    """One kind of event is counted each time, whatever is looked at for the other kinds."""
    for piece in case.pieces[:1]:
        marks = [one.start() for one in _BRANCH.finditer(piece.code)]
        if not marks or _ONCE.search(piece.code[: marks[0]]):
            return
        for match in re.finditer(r"\.insert\(|\.create\(", piece.code):
            before = piece.code[max(0, match.start() - 120) : match.start()]
            first = max((one for one in marks if one < match.start()), default=None)
            last = min((one for one in marks if one > match.start()), default=len(piece.code))
            if first is None or not _KEPT.search(before) or _KEEPS_A_LOG.search(before):
                continue
            if not _ONCE.search(piece.code[first:last]):
                message = (
                    f"{case.route.label} adds a record for each delivery of this event: the "
                    f"provider sends it again until it hears 200"
                )
                where = place(piece.module, piece.start + match.start(), case.route.label)
                yield finding("payments.no-idempotency", where, message, MEDIUM, [at_route(case)])
                return


_COUNTS = re.compile(r"\{\s*(?:increment|decrement)\s*:|\$inc\b")
_STILL_OPEN = re.compile(r"\bwhere\s*:\s*\{[^{}]*\bstatus\b|\bstatus\s*:\s*\{\s*(?:not|in|\$ne)\b")
"""Only what is not paid yet is changed."""


def _counted(case: Case) -> Iterator[Finding]:
    """Stock and balances are moved before anything asks whether the event was there already."""
    for piece in case.pieces:
        moved = _COUNTS.search(piece.code) if "constructEvent" in piece.code else None
        before = piece.code[: moved.start()] if moved else ""
        if moved and not _ONCE.search(before) and not _STILL_OPEN.search(before):
            message = (
                f"{case.route.label} counts again for each delivery: the provider sends an event "
                f"again until it hears 200"
            )
            where = place(piece.module, piece.start + moved.start(), case.route.label)
            yield finding("payments.no-idempotency", where, message, HIGH, [at_route(case)])
            return


_DIGEST = re.compile(r"\bcreate(?:Hash|Hmac)\(|\bsubtle\.(?:sign|digest)\(")


def _is_signed(case: Case) -> bool:
    """By a header, or by what stands in the body beside the rest: a digest with the shared key."""
    if case.access is Access.SECRET:
        return _DIGEST.search(case.code) is not None
    named = re.search(r"constructEvent|webhook", case.code, re.IGNORECASE)
    return case.access is Access.SIGNATURE and named is not None


def _webhook(case: Case) -> Iterator[Finding]:
    if not _is_signed(case):
        return
    if not WEBHOOK_NAME.search(case.route.path) and "constructEvent" not in case.code:
        return
    adds = _adds(case)
    if adds and _ONCE.search(case.code):
        yield from list(_branch(case)) or _counted(case)
    elif adds:
        message = (
            f"{case.route.label} adds a record for each delivery: the provider sends "
            f"an event again until it hears 200"
        )
        yield finding(
            "payments.no-idempotency",
            place(adds.piece.module, adds.at, case.route.label),
            message,
            HIGH,
            [at_route(case)],
        )
    client = case.first(_COOKIE_CLIENT, own=True)
    if (
        client
        and adds
        and case.bound_by_rows
        and re.search(r"cookies\(|ANON_KEY|PUBLISHABLE", case.code)
    ):
        message = (
            f"{case.route.label} writes with the client of a browser session, but a "
            f"provider's call has none"
        )
        yield finding(
            "payments.webhook-wrong-client",
            place(client.piece.module, client.at, case.route.label),
            message,
            HIGH,
            [at_route(case)],
        )
