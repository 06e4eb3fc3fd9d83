"""Who the caller is taken for, and what they may reach: identity, role and ownership."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ...engine.finding import Finding, Place
from .access import Case, Spot
from .exposure import AT_THE_PROVIDER, people, principal, provider_token
from .flow import Names
from .leftopen import left_open
from .meant import not_in_production
from .middleware import Access
from .program import Piece
from .proofs import made_here
from .queries import Query, changed, for_sale, owned_tables, queries, stem
from .roles import roles
from .rowowners import behind_policies
from .say import CRITICAL, HIGH, MEDIUM, at_route, at_spot, finding, place
from .shared import shared_tables
from .signs import ADMIN_PATH, LOGIN_PATH, PUBLIC_PATH, STORES, TAKES_PART, WEBHOOK_NAME
from .ties import in_their_folder, tenant_tables, tied

_ID_COOKIE = re.compile(
    r"\bcookies\??\.(?:get\(\s*['\"])?(user_?[iI]d|uid|user|email|account_?[iI]d"
    r"|customer_?[iI]d|role|isAdmin)\b"
)
_ID_HEADER = re.compile(
    r"headers?\??\.(?:get\(\s*['\"]|\[\s*['\"])?\[?['\"]?(x-(?:user|customer|account|admin"
    r"|tenant)-?(?:id|email|role)?)['\"]",
    re.IGNORECASE,
)
_FLAG = re.compile(
    r"^(?:is_?premium|is_?pro|is_?paid|is_?vip|is_?admin|is_?subscribed|has_?paid"
    r"|has_?premium|has_?subscription|isSubscriber|premium)$",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"^(?:is_?correct|correct|has_?won|is_?winner|won|passed|is_?completed|success)$", re.IGNORECASE
)
"""What only the server can know: whether the answer was right."""
_PAID_OUT = re.compile(
    r"\b\w*(?:credits?|points|coins|balance|xp|rewards?)\s*(?:\+=|:\s*sql`[^`]*\+|:\s*\{\s*increment)"
    r"|\$inc\s*:\s*\{\s*['\"]?\w*(?:credits?|points|coins|balance|xp|rewards?)\b",
    re.IGNORECASE,
)


def identity(cases: list[Case]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        owned, shared = owned_tables(of_app), shared_tables(of_app)
        shown = _shown(of_app)
        behind = behind_policies(of_app)
        tenants = tenant_tables([case for case in of_app if case.access is Access.ROLE])
        for case in of_app:
            yield from _missing(case)
            yield from _supplied(case)
            yield from _signed_as(case)
            if case.access is Access.CALLER:
                whose = owned | behind if case.service else owned
                yield from _records(case, whose, shared, shown)
            elif case.access is Access.ROLE and not _OVER_ALL.search(case.route.label):
                yield from _records(case, tenants, set(), set())
            yield from _stored_files(case)
            yield from _below(case, owned)
            yield from roles(case)
            yield from provider_token(case)
        yield from people(of_app)
        yield from left_open(of_app)
    yield from principal(cases)


def _missing(case: Case) -> Iterator[Finding]:
    """The handler relies on what only a middleware sets, and none is before it."""
    if case.route.kind != "server" or case.access is not Access.PUBLIC or not case.route.known:
        return
    for piece in case.pieces[:1]:
        used = re.search(r"\breq\.(?:user\.(?:id|_id|userId|email)|userId|user_id)\b", piece.code)
        if used and not re.search(
            r"\breq\.(?:user|userId|user_id)\s*=[^=]|\breq\.login\(|req\.logIn"
            r"|\breq\.user\s*(?:&&|\?|\)|\|\|)|!\s*req\.user\b",
            piece.code,
        ):  # nor where it does without
            message = f"{case.route.label} uses {used[0]}, which no middleware on the way sets"
            at = piece.start + used.start()
            yield finding(
                "authz.missing-auth",
                place(piece.module, at, case.route.label),
                message,
                None,
                [at_route(case)],
            )


def _supplied(case: Case) -> Iterator[Finding]:
    label = case.route.label
    if case.access in {Access.SIGNATURE, Access.SECRET} or WEBHOOK_NAME.search(label):
        return
    changes = {name for name, _ in case.effects()} & {"write", "delete", "read"}
    for piece in case.pieces:
        for sign, what in (
            (_ID_COOKIE, "an unsigned cookie"),
            (_ID_HEADER, "a header that anybody can set"),
        ):
            match = sign.search(piece.code)
            if (
                match
                and changes
                and not case.asked
                and not re.search(r"(?i)verify\w*\(|jwt|unsign|decrypt|signedCookies", piece.code)
            ):
                spot = Spot(piece, piece.start + match.start())
                message = f"{label} takes who the caller is ({match[1]}) from {what}"
                yield finding(
                    "authz.client-supplied-identity",
                    at_spot(spot, label),
                    message,
                    CRITICAL,
                    [at_route(case)],
                )
                return
        yield from _flags(case, piece)
    yield from _named_user(case)


def _flags(case: Case, piece: Piece) -> Iterator[Finding]:
    """`is_premium` of the body decides something."""
    names = case.flow.of(piece)
    if piece.depth or case.access is Access.ROLE:
        return
    for binding in piece.module.bindings_in(piece.start, piece.end):
        if (
            not names.has_sent(piece.module.slice(binding)[:300])
            or "searchParams" in piece.module.slice(binding)[:300]
            or "price" in binding.names  # of what is offered, not of who calls
        ):
            continue
        for name in re.findall(r"[A-Za-z_$][\w$]*", binding.names):
            earned = _RESULT.match(name) and _PAID_OUT.search(piece.code)
            decides = re.search(
                rf"(?:if\s*\(|&&\s*|\|\|\s*)!?\s*{re.escape(name)}\s*(?:\)|&&|\|\|)"
                rf"|(?<![\w$.]){re.escape(name)}\s*\?[^.:]",
                piece.code,
            )
            if (_FLAG.match(name) or earned) and name in names.sent and decides:
                message = (
                    f"{case.route.label} believes the request's {name}: whoever sends "
                    f"true gets what it is for"
                )
                also = [place(piece.module, piece.start + decides.start())]
                yield finding(
                    "authz.client-supplied-entitlement",
                    place(piece.module, binding.at, name),
                    message,
                    None,
                    also,
                )
                return


_CUSTOMERS_SIGN_IN = re.compile(
    r"(?i)\b(?:req|request|session|user|auth|token|payload|decoded)\w*[\w.?!]*\.customer_?id\b|req\.customer\b"
    r"|\brole\s*[!=]==?\s*['\"]customer['\"]"
)


def _named_user(case: Case) -> Iterator[Finding]:
    """A signed-in caller says in the body which user they act as."""
    if (
        case.access is not Access.CALLER
        or case.bound_by_rows
        or tied(case)
        or PUBLIC_PATH.search(case.route.label)
        or ADMIN_PATH.search(case.route.path)  # that not everybody is an administrator is said
    ):
        return
    for piece in case.pieces[:1]:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if (
                not STORES.search("." + call.callee)
                or not call.arguments
                or call.end - call.start > 2_500
            ):
                continue
            given = piece.module.slice(call.arguments[0])
            match = re.search(
                r"\b(?:user_?id|userId|owner_?id|author_?id|sender_?id|host_?id"
                + (r"|customer_?id" if _CUSTOMERS_SIGN_IN.search(piece.module.code) else "")
                + r")\s*(?::\s*([^,}\n]+)|(?=[,}]))",
                given,
                re.IGNORECASE,
            )
            if match is None or names.has_caller(given) or made_here(piece, match[1] or ""):
                continue
            if names.has_sent(match[1] or match[0]):
                at = call.arguments[0].start + match.start()
                message = (
                    f"{case.route.label} knows who is signed in, and writes for the "
                    f"user that the request names"
                )
                yield finding(
                    "authz.client-supplied-identity",
                    place(piece.module, at, case.route.label),
                    message,
                    HIGH,
                    [*_taken(piece, (match[1] or match[0]).strip(), names), at_route(case)],
                )
                return


_SIGNED_AS = re.compile(
    r"\b(\w*(?:[bB]y|_by|ById|_by_id))\s*:\s*((?:\w+\.)*(?:admin|moderator|staff|reviewer|approver|user)"
    r"_?[iI]d)\b"
)


def _signed_as(case: Case) -> Iterator[Finding]:
    """`approvedBy: adminId`, and which administrator that was, the request says."""
    if case.access not in {Access.CALLER, Access.ROLE} or case.bound_by_rows:
        return
    for piece in case.pieces[:1]:
        names = case.flow.of(piece)
        for match in _SIGNED_AS.finditer(piece.code):
            if names.has_sent(match[2]) and not names.has_caller(match[2]):
                message = (
                    f"{case.route.label} records as `{match[1]}` whomever the request names, "
                    f"though it knows who is signed in"
                )
                where = place(piece.module, piece.start + match.start(), case.route.label)
                also = [*_taken(piece, match[2], names), at_route(case)]
                yield finding("authz.client-supplied-identity", where, message, MEDIUM, also)
                return


def _taken(piece: Piece, name: str, names: Names) -> Iterator[Place]:
    """Where the name got what the client sent."""
    for binding in piece.module.bindings_in(piece.start, piece.end):
        named = re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", binding.names)
        if named and names.has_sent(piece.module.slice(binding)):
            yield place(piece.module, binding.at)


_OVER_ALL = re.compile(r"super|platform|root|system", re.IGNORECASE)
"""Who administers all organisations reaches each."""


def _records(case: Case, owned: set[str], shared: set[str], shown: set[str]) -> Iterator[Finding]:
    """A signed-in caller names any record of a table whose records belong to somebody."""
    if case.bound_by_rows or case.token_in_hand or case.scoped or not_in_production(case):
        return
    if case.route.method == "POST" and LOGIN_PATH.search(case.route.path):
        return  # who calls is what it finds out
    if WEBHOOK_NAME.search(case.route.label) or _HARMLESS.search(case.route.path) or tied(case):
        return
    by_anyone = case.access is Access.CALLER
    said = by_anyone and case.route.kind == "next" and ADMIN_PATH.search(case.route.path)
    if said or AT_THE_PROVIDER.search(case.code):
        return  # what becomes of the record is what the provider says
    found = [
        one
        for one in queries(case)
        if one.alone
        and stem(one.table) in owned
        and not one.inserts
        and not stem(one.table).endswith(_CATALOGUE)
        and not for_sale(one)
        and (one.writes or not _PUBLISHED.search(one.code))
        and not (case.route.method == "GET" and _seen_by_all(stem(one.table), shown))
        and (stem(one.table) not in shared or _touched(case, one))
        and not (case.route.method == "POST" and _JUDGES.search(case.route.path))
    ]
    if not found:
        return
    worst = max(found, key=lambda one: one.writes)
    verb = "changes" if worst.writes or case.route.method in {"PUT", "PATCH", "DELETE"} else "reads"
    message = (
        f"{case.route.label} {verb} {worst.table or 'records'} by their id alone: whose they "
        "are is never compared with the caller"
    )
    takes_part = case.sends or TAKES_PART.search(case.route.path) is not None
    addressed = takes_part and case.route.method in {"POST", "ANY"} and not worst.writes
    severity = MEDIUM if _MARK.search(case.route.path) or addressed else HIGH
    also = [at_spot(worst.begins), at_route(case)]
    yield finding("authz.idor", at_spot(worst.spot, case.route.label), message, severity, also)


_GIVES = re.compile(
    r"invit|member|access|permission|role|share|lease|tenanc|contract|invoice|employee|staff|worker",
    re.IGNORECASE,
)
"""A row of it gives somebody a right to what it is below, or binds its owner; a comment doesn't."""
_PARENT = re.compile(r"\b([a-z]\w*?)_?[iI]d\b(?:\s*:\s*([^,}\n]+))?")


def _below(case: Case, owned: set[str]) -> Iterator[Finding]:
    """A row is put below a record that has an owner, by a handler that never learns who calls."""
    if case.access is not Access.CALLER or not case.gate or case.asked or not case.service:
        return
    for one in queries(case):
        names = case.flow.of(one.spot.piece)
        parents = [
            found[1]
            for found in _PARENT.finditer(
                one.code if one.inserts and _GIVES.search(one.table) else ""
            )
            if stem(found[1]) in owned and names.has_sent(found[2] or found[0])
        ]
        if parents:
            message = (
                f"{case.route.label} adds to {one.table or 'records'} below whichever {parents[0]} "
                f"the request names: whose that is is never compared with the caller"
            )
            where = at_spot(one.spot, case.route.label)
            yield finding("authz.idor", where, message, HIGH, [at_route(case)])
            return


_STORED = re.compile(r"\.(createSignedUrl|download|remove)\(\s*\[?\s*([A-Za-z_$][\w$.]*)\s*[,)\]]")


def _stored_files(case: Case) -> Iterator[Finding]:
    """Whoever is signed in names any file of a private bucket, and the service key fetches it."""
    if case.access is not Access.CALLER or not case.service or case.token_in_hand or tied(case):
        return
    for piece in case.pieces[:1]:
        names = case.flow.of(piece)
        for match in _STORED.finditer(piece.code):
            if "storage" in piece.code[max(0, match.start() - 200) : match.start()] and (
                names.has_sent(match[2])
                and not names.has_caller(match[2])
                and not in_their_folder(piece, names, match[2])
            ):
                verb = "removes" if match[1] == "remove" else "hands out"
                message = (
                    f"{case.route.label} {verb} whichever stored file the request names, with the "
                    f"service key: whose it is is never compared with the caller"
                )
                where = place(piece.module, piece.start + match.start(1), case.route.label)
                yield finding("authz.idor", where, message, HIGH, [at_route(case)])
                return


def _touched(case: Case, found: Query) -> bool:
    """Whether more is done with what is shown to everybody than to look it up."""
    return changed(found) if case.route.method != "GET" else found.writes


_PUBLISHED = re.compile(
    r"\b(?:status|state|visibility)['\"]?\s*:\s*['\"](?:published|public)['\"]"
    r"|\bis_?published['\"]?\s*:\s*true\b|\bpublished['\"]?\s*:\s*true\b",
    re.IGNORECASE,
)
"""Only what its owner has put up is read."""
_HARMLESS = re.compile(
    r"/(?:click|view|track|impression|share|open|seen)s?$|/magic-?link$|/resend(?:-[\w-]+)?$",
    re.IGNORECASE,
)
_MARK = re.compile(
    r"/(?:mark-?(?:as-?)?)?(?:un)?(?:read|pin|star|favou?rite|dismiss"
    r"|shown|seen|viewed|acknowledge)$|/(?:update|re-?calculate|refresh|sync|recount)-?[\w-]*counts?$",
    re.IGNORECASE,
)
"""What is marked by somebody else can be marked back."""
_JUDGES = re.compile(r"/(?:reviews?|ratings?|rate|feedback)/?$", re.IGNORECASE)
"""Whoever rates a thing changes what is said of it on the whole."""
_VACANCIES = {"job", "vacanc", "job_post", "jobpost", "job_posting", "jobposting", "job_listing"}
_SHOWN = _VACANCIES | {
    "event", "cours", "listing", "articl", "blog", "review", "vehicl", "recip", "restaurant",
    "hotel", "venu", "podcast",
}  # fmt: skip
"""What people put up in order that others read it."""
_UNDER_A_POST = ("reaction", "like", "lik", "upvot", "follow")
"""Who liked what is there for the others to see."""


def _seen_by_all(table: str, shown: set[str]) -> bool:
    return table in shown or table.endswith(_UNDER_A_POST)


_WHO_HIRES = {"compan", "employer", "company_profil", "companyprofil", "employer_profil"}


def _shown(cases: list[Case]) -> set[str]:
    """Where vacancies are read, the companies behind them are to be read too."""
    vacancies = any(
        case.route.method == "GET" and stem(one.table) in _VACANCIES
        for case in cases
        for one in queries(case)
    )
    return _SHOWN | _WHO_HIRES if vacancies else _SHOWN


_CATALOGUE = (
    "product", "categor", "plan", "servic", "post", "setting", "config", "catalog", "menu",
    "templat",
)  # fmt: skip
