"""Records under keys, behind the service key: `kv.set(`booking:${id}`, booking)`.

One table of keys and values holds everybody's records, and no policy stands before it: whose a
record is, and who may change what belongs to the house, each route has to ask by itself.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ...engine.finding import Finding, Severity
from .access import Case, Spot
from .flow import Names, mentions
from .meant import first_start, not_in_production
from .middleware import Access
from .say import HIGH, MEDIUM, at_route, at_spot, finding
from .signs import LOGIN_PATH, ROLE_TEST, WEBHOOK_NAME
from .source import Call
from .ties import tied

_WORKS = re.compile(r"(?:^|\.)(?:kv|kvStore|kv_store)\.(get|set|del|getByPrefix)$")
_FILLED = re.compile(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}")
_PREFIX = re.compile(r"['\"`]([A-Za-z][\w-]*?)s?(?:[:/_-]*['\"`]|[:/_-]+\$\{|:)")
_TAKES_PART = re.compile(
    r"/(?:like|unlike|upvote|vote|views?|click|react\w*|comments?|repl(?:y|ies)|follow|join|leave|rsvp|share"
    r"|reviews?|rat(?:e|ings?)|book|register|enrol\w*|claim|apply|messages?|favou?rites?|bookmark|save"
    r"|report|attend|check-?in|submit|contact|read|seen|track)/?$",
    re.IGNORECASE,
)
"""What everybody may add to what is somebody else's."""
_CHANGES = re.compile(r"(?:update|edit|delete|remove|status|approve|reject|assign|cancel)[\w-]*/?$")
_HOUSE = re.compile(
    r"setting|config|team|staff|member|user|role|admin|employee|permission|price|plan\b", re.IGNORECASE
)
_PRIVATE = re.compile(
    r"user|order|booking|reservation|appointment|message|chat|conversation|transaction|payment|wallet"
    r"|invoice|expense|patient|medical|prescription|diary|journal|health|address|notification"
    r"|application|document|customer|client|student|loan|account|kyc|salary|attendance|complaint",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Kept:
    """A call of the store: what is done, to which kind of record, and who chooses which."""

    spot: Spot
    verb: str
    kind: str
    theirs: bool
    """The caller's own id is part of the key, or of what is put there."""
    chosen: bool
    """The request says which record it is, or what is put under the one key there is."""


def key_values(cases: list[Case]) -> Iterator[Finding]:
    """One finding for a file and a kind of harm, at the first route that does it."""
    files: dict[str, list[tuple[Case, list[_Kept]]]] = defaultdict(list)
    for case in cases:
        if case.route.kind in {"server", "edge", "next"} and (kept := list(_kept(case))):
            files[case.route.module.path].append((case, kept))
    for routes in files.values():
        owned = {one.kind for _, kept in routes for one in kept if one.verb == "set" and one.theirs}
        yield from _of_file([one for one in routes if _asks_no_more(one[0])], owned)


_Found = tuple[Case, _Kept, Severity]


def _of_file(routes: list[tuple[Case, list[_Kept]]], owned: set[str]) -> Iterator[Finding]:
    told: dict[tuple[str, str], list[_Found]] = defaultdict(list)
    for case, kept in routes:
        for one in kept:
            if one.chosen and not one.theirs and (harm := _harm(case, one, owned)):
                told[harm[0], harm[1]].append((case, one, harm[2]))
                break
    for (rule, does), found in told.items():
        case, worst, severity = max(found, key=lambda one: one[2])
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        also = [place for one in found for place in (at_route(one[0]), at_spot(one[1].spot))]
        where = at_spot(worst.spot, case.route.label)
        yield finding(rule, where, f"{case.route.label}{more} {does}", severity, also)


def _harm(case: Case, kept: _Kept, owned: set[str]) -> tuple[str, str, Severity] | None:
    whose = kept.kind in owned or (_PRIVATE.search(kept.kind) and not _HOUSE.search(kept.kind))
    if kept.verb in {"set", "del"}:
        if not _overwrites(case):
            return None
        if whose:
            does = "changes a record by its key alone: whose it is is never compared with the caller"
            return "authz.idor", does, HIGH
        does = "changes what is everybody's for whoever is signed in: no role is asked for"
        return "authz.missing-role-check", does, HIGH if _HOUSE.search(kept.kind) else MEDIUM
    if case.route.method != "GET" or not _PRIVATE.search(kept.kind) or not _told(kept):
        return None
    if kept.verb == "getByPrefix":
        does = "hands out the records of all people to whoever is signed in"
        return "authz.idor", does, MEDIUM
    does = "reads a record by its key alone: whose it is is never compared with the caller"
    return "authz.idor", does, HIGH if kept.kind in owned else MEDIUM


def _told(kept: _Kept) -> bool:
    """Whether what was found goes out, and not only how much of it there is."""
    piece = kept.spot.piece
    held: set[str] = set()
    for one in piece.module.bindings_in(piece.start, piece.end):
        value = piece.module.slice(one)
        found = one.start <= kept.spot.at < one.end
        follows = mentions(value, held) and not _SUMMED.search(value)
        if (found or follows) and re.fullmatch(r"\w+", one.names.strip()):
            held.add(one.names.strip())
    return any(
        mentions(_SUMMED_UP.sub("", piece.module.slice(one)), held)
        for call in piece.module.calls_in(piece.start, piece.end)
        if _ANSWERS.search(call.callee)
        for one in call.arguments
    )


_SUMMED = re.compile(r"\.(?:reduce\(|length\b|size\b)")
_SUMMED_UP = re.compile(r"[\w.?]+\??\.(?:length|size)\b")
_ANSWERS = re.compile(r"(?:^|\.)json$|Response$")


def _overwrites(case: Case) -> bool:
    path = case.route.path
    if _TAKES_PART.search(path):
        return False
    return case.route.method in {"PUT", "PATCH", "DELETE"} or _CHANGES.search(path) is not None


def _asks_no_more(case: Case) -> bool:
    """Whether all that a route asks is that somebody is signed in."""
    return (
        case.access is Access.CALLER
        and not case.token_in_hand
        and not WEBHOOK_NAME.search(case.route.path)
        and not LOGIN_PATH.search(case.route.path)
        and not ROLE_TEST.search(case.own)
        and not first_start(case)
        and not not_in_production(case)
        and not tied(case)
    )


def _kept(case: Case) -> Iterator[_Kept]:
    for piece in case.pieces[:1]:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            verb = _WORKS.search(call.callee)
            if verb is None or not call.arguments:
                continue
            key, *value = (piece.module.slice(one) for one in call.arguments)
            key = _spelled(case, piece.start, piece.end, key)
            kind = _PREFIX.match(key)
            if kind is None:
                continue
            given = " ".join(value)
            yield _Kept(
                Spot(piece, call.start),
                verb[1],
                kind[1].lower(),
                names.has_caller(key) or (verb[1] == "set" and _hers(names, call, given)),
                _chooses(names, verb[1], key, given),
            )


def _spelled(case: Case, start: int, end: int, key: str) -> str:
    """The key behind a name: `const bookingKey = `booking:${id}``."""
    module = case.pieces[0].module
    if not re.fullmatch(r"\w+", key):
        return key
    found = [
        module.slice(one).strip() for one in module.bindings_in(start, end) if one.names.strip() == key
    ]
    return found[-1] if found else key


def _hers(names: Names, call: Call, given: str) -> bool:
    """`{ userId: user.id, ... }`: who has put it there is written into it."""
    owner = re.search(r"\b\w*(?:user|owner|author|creat|customer|client|seller|host)\w*\s*:([^,}]+)", given)
    return bool(call.arguments) and owner is not None and names.has_caller(owner[1])


def _chooses(names: Names, verb: str, key: str, given: str) -> bool:
    parts = _FILLED.findall(key)
    if parts:
        return any(names.has_sent(one) for one in parts)
    return verb == "getByPrefix" or (verb == "set" and names.has_sent(given))
