"""Routes that ask nobody: without authentication, switched off, unsigned, or open when unset."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from ....engine.finding import Finding, Place, Severity
from ..facts.access import Case, Spot
from ..facts.backoffice import of_the_house
from ..facts.meant import (
    by_cookie,
    card,
    counts_up,
    directory,
    first_start,
    guests,
    made_up,
    not_in_production,
    only_starts,
    profile,
    proves_it,
    public_form,
    reports,
    signs_up,
)
from ..facts.middleware import Access
from ..facts.platforms import EdgeProject
from ..facts.signs import (
    ADMIN_PATH,
    ASKS_CALLER,
    BODY,
    LOGIN_PATH,
    MAIL,
    MONEY,
    OPEN_CHANGE,
    OPEN_READ,
    PUBLIC_PATH,
)
from .bylink import listens, maintains, meant_for_nobody
from .callbacks import comes_back
from .disabled import disabled
from .edges import asks_back, edge, receives
from .edgesettings import config
from .emptykeys import empty_key
from .failopen import fail_open, unset
from .impostors import forged, forged_by_guard, session
from .kept import kept_beside
from .presence import only_seen
from .purses import fills_a_purse, told_by_action
from .relays import by_any_account, relay_of
from .say import CRITICAL, HIGH, MEDIUM, MOST_PLACES, at_route, at_spot, deeds, finding

_KNOWS_THE_RECORD = re.compile(
    r"\.\w*(?:[eE]mail|[pP]hone|[cC]ode)\w*(?:\??\.\w+\(\))*\s*[!=]==?\s*\w*(?:[eE]mail|[pP]hone|[cC]ode)"
)
"""Who asks must name what is in the record: `order.email === email`."""
_ASKED_WITH_ADDRESS = re.compile(
    r"\.findFirst\(\s*\{\s*where\s*:\s*\{(?=[^;]{0,200}\bid\b)[^;]{0,200}\b(?:email|phone)\b[^;]*;?\s*"
    r"if\s*\(\s*!"
)
"""`where: { id, contact: { email } }`, and who names another address finds nothing."""
_KNOWS_THE_PERSON = re.compile(
    r"\b(?:order|booking|reservation|appointment|stored|saved|record|customer|db)\w*(?:Email|Phone|Mobile)\w*"
    r"\s*!==?\s*\w*(?:[eE]mail|[pP]hone|[mM]obile)"
)


def holes(cases: list[Case], projects: list[EdgeProject]) -> Iterator[Finding]:
    off = list(disabled(cases))
    yield from off
    told = {(at.path, at.line) for one in off for at in one.also}
    edges = [case for case in cases if case.route.kind == "edge"]
    taken = _taken(cases, projects)
    yield from taken.values()
    told |= {(case.route.module.path, case.route.line) for case in cases if id(case) in taken}
    for case in edges:
        if id(case) not in taken:
            yield from list(edge(case, projects)) or list(forged(case, projects)) or only_seen(case)
    others = [case for case in cases if case.route.kind != "edge"]
    yield from _open(others, told)
    for case in cases:
        yield from fail_open(case)
        yield from unset(case)
        yield from empty_key(case)
        yield from by_any_account(case)
    for project in projects:
        yield from config(project)


def _taken(cases: list[Case], projects: list[EdgeProject]) -> dict[int, Finding]:
    """Who gets in as somebody else, or by any token, by the route: it is told of so alone."""
    taken = {id(case): found for case in cases for found in (*session(case), *_takeover(case))}
    for case in cases:
        if case.route.kind != "edge" and id(case) not in taken:
            taken |= {id(case): found for found in forged(case, projects)}
            taken |= {id(case): found for found in only_seen(case)}
            taken |= {id(case): found for found in forged_by_guard(case)}
    return taken


_SETS_PASSWORD = re.compile(
    r"\.updateUserById\(\s*[\w$.?!]+\s*,\s*\{[^{}]*\bpassword\b|\.password(?:_?[hH]ash)?\s*=(?!=)"
    r"|\bupdate\w*\(\s*\{[^;]{0,120}?\bdata\s*:\s*\{[^{}]*\bpassword\w*\s*[:,}]"
    r"|\b(?:findOneAndUpdate|updateOne|findByIdAndUpdate)\([^;]{0,120}?\bpassword\w*\s*[:,}]"
    r"|\bUPDATE\s+\w+\s+SET\s+[^;]{0,60}?\bpassword\w*\s*=|\.(?:set|update)\(\s*\{[^{}]*\bpassword\w*\s*[:,}]"
)
_RESETS = re.compile(
    r"(?:reset|forgot|change|update|new)-?_?password|password-?_?reset", re.IGNORECASE
)
_PROVES_IT = re.compile(
    r"(?<!access_)token|otp\b|\bcode\b|(?:old|current|existing)_?[pP]assword|\.compare\w*\("
    r"|verif(?:y|ied|ication)|secret|answer|recovery",
    re.IGNORECASE,
)
_CLEARED = re.compile(
    r"\w*(?:[tT]oken|[cC]ode|[oO]tp)\w*(?:Expir\w*)?\s*[=:]\s*(?:undefined|null)\b"
)


def _takeover(case: Case) -> Iterator[Finding]:
    """A new password for the account that the request names, with no proof that it is theirs."""
    if case.access is not Access.PUBLIC or first_start(case):
        return
    spot = case.first(_SETS_PASSWORD)
    named = _RESETS.search(case.route.label) or "updateUserById" in case.code
    asked = case.code if spot is not None and spot.piece.depth else case.own
    if spot is None or not named or _PROVES_IT.search(_CLEARED.sub("", asked)):
        return
    if not any(case.flow.of(piece).sent for piece in case.pieces):
        return
    edge_function = case.route.kind == "edge"
    yield finding(
        "edge-fn.unauthenticated" if edge_function else "authz.unauthenticated-endpoint",
        at_spot(spot, case.route.label),
        f"{case.route.label} sets a new password for the account that the request names, and "
        f"asks for no proof",
        CRITICAL,
        [at_route(case)],
    )


Hole = tuple[Case, Severity, str]


def _open(cases: list[Case], told: set[tuple[str, int]]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        files: dict[str, list[Hole]] = defaultdict(list)
        for case in of_app:
            at = (case.route.module.path, case.route.line)
            if at not in told and (judged := _public(case)):
                found, hole = judged
                if found is not None:
                    yield found
                elif hole is not None:
                    files[case.route.module.path].append((case, *hole))
        yield from _of_app(of_app, files)


def _of_app(of_app: list[Case], files: dict[str, list[Hole]]) -> Iterator[Finding]:
    """That nobody is asked anywhere is one fault, in however many files it shows."""
    if files and not any(case.access in {Access.CALLER, Access.ROLE} for case in of_app):
        rest = [at_route(case) for case in of_app if meant_for_nobody(case)]
        for one in _told([hole for of_file in files.values() for hole in of_file], False, True):
            also = dict.fromkeys(at for at in (*one.also, *rest) if at != one.place)
            yield replace(one, also=tuple(also)[:MOST_PLACES])
        return
    for path, holes_of in files.items():
        everywhere = all(
            one.access is Access.PUBLIC for one in of_app if one.route.module.path == path
        )
        yield from _told(holes_of, True, everywhere)


def _told(holes_of: list[Hole], asks: bool, everywhere: bool) -> Iterator[Finding]:
    if (asks and not everywhere) or len(holes_of) == 1:
        for case, severity, does in holes_of:
            rule = "authz.unauthenticated-endpoint" if asks else "authz.none"
            message = (
                f"{case.route.label} {does} for anybody: nothing on the way asks who is calling"
            )
            yield finding(rule, at_route(case), message, severity, _effect(case))
        return
    order = {"DELETE": 4, "PUT": 3, "PATCH": 3, "POST": 2}
    holes_of.sort(key=lambda one: (-one[1], -order.get(one[0].route.method, 0)))
    case, severity, does = holes_of[0]
    where = (
        "this application has no authentication"
        if not asks
        else "no route of this file asks who is calling"
    )
    others = f" (and {len(holes_of) - 1} more)" if len(holes_of) > 1 else ""
    also = [at_route(one[0]) for one in holes_of]
    also += [place_of for one in holes_of for place_of in _effect(one[0], 2)]
    rule = "authz.unauthenticated-endpoint" if asks else "authz.none"
    yield finding(
        rule,
        at_route(case),
        f"{case.route.label}{others} {does} for anybody: {where}",
        severity,
        also,
    )


def _effect(case: Case, most: int = 6) -> list[Place]:
    """What it does, for people who want to see it: what is read only where it only reads."""
    if found := deeds(case, most):
        return found
    effects = [spot for _, spot in case.effects() if case.route.method == "GET"]
    return [at_spot(spot) for spot in effects[:1] if spot.piece.module is case.route.module]


def _public(case: Case) -> tuple[Finding | None, tuple[Severity, str] | None] | None:
    """A public route's own finding, or how bad it is that it is public."""
    route = case.route
    effects = dict(case.effects())
    if (
        case.access is not Access.PUBLIC
        or not route.known
        or case.bound_by_rows
        or case.token_in_hand
        or not_in_production(case)
        or by_cookie(case)
        or first_start(case)
        or proves_it(case)
        or signs_up(case)
        or (route.method == "POST" and LOGIN_PATH.search(route.path))
    ):
        return None
    if route.method == "GET" or route.method in {"HEAD", "OPTIONS"}:
        read = _public_read(case, effects) or maintains(case) or listens(case)
        return (relay_of(case) if "mail" in effects else None), read
    if route.writes and receives(case):
        return _webhook(case, effects), None
    overwrites = route.method in {"PUT", "PATCH"} or _OVERWRITES.search(case.own)
    meant = OPEN_CHANGE if overwrites and ":" in route.path else PUBLIC_PATH
    harmless = meant.search(route.label if route.kind == "action" else route.path)
    deletes = route.method == "DELETE" or (route.method == "ANY" and "delete" in effects)
    if harmless and not (deletes or _more_than_named(case, harmless, overwrites)):
        return (relay, None) if (relay := relay_of(case)) else None
    relay, hole = relay_of(case), _public_write(case, effects)
    stores = "write" in effects or "delete" in effects
    if relay and not (stores and hole and hole[0] >= (relay.severity or HIGH)):
        return relay, None
    return None, hole or told_by_action(case)


def _more_than_named(case: Case, named: "re.Match[str]", overwrites: object) -> bool:
    """Whether it does what nobody lets strangers do, whatever it is called."""
    only_checks = named[0].lower().endswith("check-")
    return bool(
        ADMIN_PATH.search(case.route.path) or fills_a_purse(case) or (only_checks and overwrites)
    )


_OVERWRITES = re.compile(r"\.(?:update|updateOne|updateMany|findByIdAndUpdate)\(|\bUPDATE\s")
_CHANGES = re.compile(
    r"\b(?:update|upsert|save|replace|increment|mark|set|approve|reset)\w*\(|\$(?:set|inc|push)\b|\.set\("
    r"|findByIdAnd|findOneAnd|UPDATE\s|DELETE\s|\bput\(|\bdel\("
    r"|['\"]\w*admins?['\"]|\b(?:is_?|create|make|add)[aA]dmin\w*|[rR]ole\b"
)


def _knows_the_caller(case: Case) -> bool:
    """Whether the handler finds out who calls, by itself or by a helper of the tree."""
    if ASKS_CALLER.search(case.own):
        return True
    return any(case.flow.of(piece).caller for piece in case.pieces if piece.depth == 0)


def _public_write(case: Case, effects: dict[str, Spot]) -> tuple[Severity, str] | None:
    if _knows_the_caller(case):
        return None
    if "delete" in effects and case.route.method in {"DELETE", "ANY", "POST"}:
        return (MEDIUM, "adds data") if guests(case) else (CRITICAL, "deletes data")
    if "write" in effects or case.first(re.compile(r"\bput\(|\bdel\(")):
        return _written(case, case.route.method == "POST" and "write" in effects)
    if "mail" in effects or "message" in effects:
        return (MEDIUM if "mail" in effects and _to_us(case) else HIGH), "sends messages"
    if case.first(_TAKES_FILES) and _KEEPS_FILES.search(case.route.module.code):
        return HIGH, "stores files"
    spends = (MEDIUM, "spends money at a model's provider") if "llm" in effects else None
    return kept_beside(case) or spends


_TAKES_FILES = re.compile(r"\b\w*[uU]pload\w*\(\s*req\s*,\s*res\b|\breq\.files?\b|\.formData\(\)")
_KEEPS_FILES = re.compile(
    r"diskStorage|multer\(\s*\{\s*dest|CloudinaryStorage|multerS3|writeFile|\.upload\w*\(|PutObjectCommand"
)


def _written(case: Case, adds: bool) -> tuple[Severity, str] | None:
    if only_starts(case):
        worse = HIGH if ADMIN_PATH.search(case.route.path) else MEDIUM
        return worse, "starts work that is the same whoever calls,"
    if done := _harmless(case):
        return MEDIUM, done
    only = adds and not _CHANGES.search(case.code)
    if only and (public_form(case) or _OF_A_FORM.search(case.own)):
        return None
    return (HIGH, "adds data") if only else (CRITICAL, "changes data")


def _harmless(case: Case) -> str | None:
    """What strangers may be let do, and what takes a thing that few know."""
    if guests(case):
        return "adds data"
    if counts_up(case):
        return "counts one up"
    if reports(case):
        return "puts forward whichever record is named,"
    known = (_KNOWS_THE_RECORD, _KNOWS_THE_PERSON, _ASKED_WITH_ADDRESS)
    if any(sign.search(case.own) for sign in known):
        return "changes data of whoever an address or a number is known of,"
    return None


_OF_A_FORM = re.compile(
    r"(?:from|into|insert)\(\s*['\"`]?\w*(?:inquir|enquir|contact_?|lead|feedback|newsletter|wait_?list)\w*"
    r"|\b(?:new\s+)?\w*(?:Inquir|Enquir|ContactM|ContactF|Feedback|Newsletter|Wait[lL]ist)\w*(?:\(|\.create\()"
    r"|\b(?:prisma|db)\.\w*(?:inquir|enquir|contact|lead|feedback|newsletter|waitlist)\w*\.create\(",
    re.IGNORECASE,
)
"""What strangers are asked to fill in."""
_FIXED = re.compile(
    r"\bto\s*:\s*\[?\s*(?:['\"][^'\"$\s]+@|process\.env|(?:env|config|settings)\.|[A-Z][A-Z_]+\b)"
)


_TO = re.compile(r"\bto\s*:")


def _to_us(case: Case) -> bool:
    """Whether the letters only go to an address that stands in the code or its settings."""
    letters = [
        letter
        for piece in case.pieces
        for call in piece.module.calls_in(piece.start, piece.end)
        if MAIL.search(f"{call.callee}(") and _TO.search(letter := piece.module.slice(call))
    ]
    return bool(letters) and all(_FIXED.search(letter) for letter in letters)


_SHOWN_OF_ONE = re.compile(
    r"/:\w+/(?:ratings?|reviews?|avatar|photos?|image|listings|posts|products|portfolio|followers"
    r"|following|badges|skills|availability|projects|recipes|articles)/?$"
    r"|/(?:ratings?|reviews?|listings|products|posts|articles)/(?:by-)?(?:user|member|client)/:\w+/?$"
    r"|/(?:available|availability|free|open)[\w-]*/?$|/(?:time-?)?slots/?$"
)
"""What a page about a seller shows of them, and when there is time."""


def _public_read(case: Case, effects: dict[str, Spot]) -> tuple[Severity, str] | None:
    route = case.route
    people = re.search(
        r"(?i)/(?:users?|customers?|clients?|patients?|employees?|(?:team-?)?members?|orders?|bookings?"
        r"|notifications?|invoices?|payments?|messages?|contacts?"
        r"|leads?|transactions?|ledgers?|students?|appointments?|donors?|expenses?|accounts?|(?:[\w-]+-)?applic(?:ants?|ations?)"
        r"|conversations?)(?:/|$)",
        route.path,
    )
    if "read" in effects and not _knows_the_caller(case) and of_the_house(case):
        return HIGH, "hands out what the administration knows"
    if (
        "read" not in effects
        or not people
        or OPEN_READ.search(route.path)
        or _SHOWN_OF_ONE.search(route.path)
        or _knows_the_caller(case)
        or _KNOWS_THE_RECORD.search(case.own)
        or card(case)
        or directory(case)
        or profile(case)
        or made_up(case)
        or comes_back(case)
    ):
        return None
    return HIGH, "hands out data of people"


def _webhook(case: Case, effects: dict[str, Spot]) -> Finding | None:
    body = case.first(BODY)
    if asks_back(case) or (body is None and case.route.kind != "nest"):
        return None
    changes = "write" in effects or "delete" in effects
    severity = CRITICAL if changes and MONEY.search(case.code) else HIGH if changes else MEDIUM
    message = (
        f"The webhook {case.route.label} trusts whatever is posted: no signature or "
        f"secret is checked"
    )
    return finding(
        "edge-fn.webhook-unsigned",
        at_route(case),
        message,
        severity,
        [at_spot(body)] if body else [],
    )
