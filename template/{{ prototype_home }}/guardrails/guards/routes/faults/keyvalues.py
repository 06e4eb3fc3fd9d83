"""Records under keys, behind the service key: `kv.set(`booking:${id}`, booking)`.

One table of keys and values holds everybody's records, and no policy stands before it: whose a
record is, and who may change what belongs to the house, each route has to ask by itself.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ....engine.finding import Finding, Severity
from ..facts.access import Case, Spot
from ..facts.flow import Names, mentions
from ..facts.meant import first_start, not_in_production
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.signs import LOGIN_PATH, ROLE_TEST, TENANT_ID, WEBHOOK_NAME
from ..facts.source import Call
from ..facts.ties import tied
from .say import CRITICAL, HIGH, MEDIUM, at_route, at_spot, finding

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
    r"setting|config|team|staff|member|user|role|admin|employee|permission|price|plan\b",
    re.IGNORECASE,
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
    again: bool = False
    """A record of the kind was looked up before."""
    counts: bool = False
    """What is counted or noted beside the records."""


def key_values(cases: list[Case]) -> Iterator[Finding]:
    """One finding for a file and a kind of harm, at the first route that does it."""
    files: dict[str, list[_Route]] = defaultdict(list)
    companies = {case.route.app for case in cases if _OF_A_COMPANY.search(case.code)}
    for case in cases:
        if case.route.kind in {"server", "edge", "next"} and (kept := list(_kept(case))):
            files[case.route.module.path].append((case, kept))
    for routes in files.values():
        owned = {one.kind for _, kept in routes for one in kept if one.verb == "set" and one.theirs}
        yield from _of_file([one for one in routes if _asks_no_more(one[0])], owned)
        yield from _of_companies([one for one in routes if one[0].route.app in companies])
        yield from _by_whole_key(routes)


_Route = tuple[Case, list[_Kept]]
_OF_A_COMPANY = re.compile(
    rf"\b{TENANT_ID}\b\s*[!=]==?(?!\s*(?:null|undefined|['\"]))|[!=]==?\s*[\w$.?!]*\.{TENANT_ID}\b"
)
"""`record.businessId !== staff.businessId`: the house has several, and somebody thought of it."""
_OVER_ALL = re.compile(r"super_?-?admin|platform|root|system_?-?admin", re.IGNORECASE)
_ACCOUNT = re.compile(r"\.auth\.admin\.(?:updateUserById|deleteUser)$")


def _of_companies(routes: list[_Route]) -> Iterator[Finding]:
    """A role is asked for, and not of which company: that of another one has it as well."""
    told: list[_Found] = []
    for case, kept in routes:
        own = case.own
        apart = case.access is Access.ROLE and not _OVER_ALL.search(own + case.route.path)
        if not apart or _OF_A_COMPANY.search(own) or not case.route.writes:
            continue
        account = _account_named(case)
        changed = next((one for one in kept if _changes_any(one)), None)
        if account is not None:
            told.append((case, account, CRITICAL))
        elif changed is not None and not _listed(own):
            told.append((case, changed.spot, HIGH))
    if told:
        case, spot, severity = max(told, key=lambda one: one[2])
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        does = "an account" if severity is CRITICAL else "a record"
        message = (
            f"{case.route.label}{more} changes {does} by its id for whoever has the role in their "
            f"own company: whether it belongs to that company is never asked"
        )
        also = [place for one in told for place in (at_route(one[0]), at_spot(one[1]))]
        yield finding("authz.idor", at_spot(spot, case.route.label), message, severity, also)


def _changes_any(kept: _Kept) -> bool:
    return kept.verb in {"set", "del"} and kept.chosen and not kept.theirs and not kept.counts


def _listed(code: str) -> bool:
    """`if (!ofTheirs.includes(id)) refuse`"""
    return re.search(r"\.includes\(\s*\w*[iI]d\s*\)", code) is not None


def _account_named(case: Case) -> Spot | None:
    piece = case.pieces[0]
    names = case.flow.of(piece)
    for call in piece.module.calls_in(piece.start, piece.end):
        given = piece.module.slice(call.arguments[0]) if call.arguments else ""
        if _ACCOUNT.search(call.callee) and names.has_sent(given) and not names.has_caller(given):
            return Spot(piece, call.start)
    return None


def _by_whole_key(routes: list[_Route]) -> Iterator[Finding]:
    """`kv.get(c.req.query("key"))`: each record of everybody, under whatever key."""
    for case, kept in routes:
        open_ = case.access is Access.CALLER or (
            case.access is Access.PUBLIC and case.route.known and case.route.method == "GET"
        )
        one = next((one for one in kept if not one.kind and one.chosen), None)
        if open_ and one is not None and not case.token_in_hand:
            verb = "hands out" if one.verb.startswith("get") else "changes"
            yield finding(
                "authz.idor" if case.access is Access.CALLER else "authz.unauthenticated-endpoint",
                at_spot(one.spot, case.route.label),
                f"{case.route.label} {verb} whichever record the request names by its whole key: "
                f"everything is kept there",
                CRITICAL,
                [at_route(case)],
            )


_Found = tuple[Case, Spot, Severity]


def _of_file(routes: list[_Route], owned: set[str]) -> Iterator[Finding]:
    told: dict[tuple[str, str], list[_Found]] = defaultdict(list)
    for case, kept in routes:
        for one in kept:
            if one.kind and one.chosen and not one.theirs and (harm := _harm(case, one, owned)):
                told[harm[0], harm[1]].append((case, one.spot, harm[2]))
                break
    for (rule, does), found in told.items():
        case, spot, severity = max(found, key=lambda one: one[2])
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        also = [place for one in found for place in (at_route(one[0]), at_spot(one[1]))]
        where = at_spot(spot, case.route.label)
        yield finding(rule, where, f"{case.route.label}{more} {does}", severity, also)


def _harm(case: Case, kept: _Kept, owned: set[str]) -> tuple[str, str, Severity] | None:
    whose = kept.kind in owned or (_PRIVATE.search(kept.kind) and not _HOUSE.search(kept.kind))
    if kept.verb in {"set", "del"}:
        if not _overwrites(case, kept) or kept.counts:
            return None
        if whose:
            does = (
                "changes a record by its key alone: whose it is is never compared with the caller"
            )
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


def _overwrites(case: Case, kept: _Kept) -> bool:
    """Whether a record that was there is another afterwards, and not one more of them."""
    path = case.route.path
    if _TAKES_PART.search(path):
        return False
    changes = case.route.method in {"PUT", "PATCH", "DELETE"} or _CHANGES.search(path) is not None
    return changes or (kept.again and case.route.writes)


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
    for piece in case.pieces:
        if piece.depth > _DEEP:
            continue
        names = case.flow.of(piece)
        read: set[str] = set()
        for call in piece.module.calls_in(piece.start, piece.end):
            verb = _WORKS.search(call.callee)
            if verb is None or not call.arguments:
                continue
            key, *value = (piece.module.slice(one) for one in call.arguments)
            key = _spelled(piece, key)
            prefix = _PREFIX.match(key)
            if prefix is None and not _WHOLE.fullmatch(key):
                continue
            kind = prefix[1].lower() if prefix else ""
            given = " ".join(value)
            if verb[1] == "get":
                read.add(kind)
            yield _Kept(
                Spot(piece, call.start),
                verb[1],
                kind,
                names.has_caller(key) or (verb[1] == "set" and _hers(names, call, given)),
                _chooses(names, verb[1], key, given),
                verb[1] == "set" and kind in read,
                _BESIDE.search(kind) is not None,
            )


_DEEP = 1
_WHOLE = re.compile(r"[A-Za-z_$][\w$.]*(?:\(\s*['\"]\w+['\"]\s*\))?")
_BESIDE = re.compile(
    r"log|audit|counter|cache|event$|metric|rate_?limit|index|list$", re.IGNORECASE
)


def _spelled(piece: Piece, key: str) -> str:
    """The key behind a name: `const bookingKey = `booking:${id}``."""
    if not re.fullmatch(r"\w+", key):
        return key
    found = [
        piece.module.slice(one).strip()
        for one in piece.module.bindings_in(piece.start, piece.end)
        if one.names.strip() == key
    ]
    return found[-1] if found and found[-1][:1] in "'\"`" else key


def _hers(names: Names, call: Call, given: str) -> bool:
    """`{ userId: user.id, ... }`: who has put it there is written into it."""
    owner = re.search(
        r"\b\w*(?:user|owner|author|creat|customer|client|seller|host)\w*\s*:([^,}]+)", given
    )
    return bool(call.arguments) and owner is not None and names.has_caller(owner[1])


def _chooses(names: Names, verb: str, key: str, given: str) -> bool:
    parts = _FILLED.findall(key) if key[:1] in "'\"`" else [key]
    if parts:
        return any(names.has_sent(one) for one in parts)
    return verb == "getByPrefix" or (verb == "set" and names.has_sent(given))
