"""Whose records a signed-in caller reaches: by an id alone, below somebody's, and stored files."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ....engine.finding import Finding, Place
from ..facts.access import Case
from ..facts.meant import not_in_production
from ..facts.middleware import Access
from ..facts.models import below
from ..facts.queries import Query, altered, changed, for_sale, only_tested, queries, stem
from ..facts.rowowners import behind_policies, kept_by_role
from ..facts.shared import shared_tables
from ..facts.signs import ADMIN_PATH, LOGIN_PATH, TAKES_PART, WEBHOOK_NAME
from ..facts.ties import in_their_folder, tenant_tables, tied
from .called import calls_for_any_user
from .exposure import AT_THE_PROVIDER
from .owners import owned_tables, written_tables
from .parties import compared, of_parties, private
from .pastrows import past_the_rows
from .references import BETWEEN_TWO
from .rolepaths import PRIVATE_PATH
from .say import HIGH, MEDIUM, at_route, at_spot, finding, on_the_way, place
from .staffrows import staff_rows


def records(cases: list[Case]) -> Iterator[Finding]:
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        program = of_app[0].program
        shared = shared_tables(of_app)
        owned = owned_tables(of_app) | compared(of_app) | (written_tables(of_app) - shared)
        theirs = tenant_tables(of_app)
        owned |= below(program, theirs - _ACCOUNTS)
        hang = below(program, owned - _ACCOUNTS) - owned
        shown = _shown(of_app)
        behind, kept = behind_policies(of_app), kept_by_role(of_app)
        tenants = tenant_tables([case for case in of_app if case.access is Access.ROLE])
        for case in of_app:
            if case.access is Access.CALLER:
                whose = owned | behind if case.service else owned
                told = list(_records(case, Tables(whose, hang, shared, shown)))
                told = told or list(past_the_rows(case, owned))
                yield from told or list(calls_for_any_user(case)) or staff_rows(case, kept)
            elif case.access is Access.ROLE and not _OVER_ALL.search(case.route.label):
                theirs_too = Tables(tenants | owned | private(hang), hang, shared, shown)
                yield from _records(case, theirs_too if of_parties(case) else Tables(tenants))
            yield from _stored_files(case)
            yield from _below(case, owned)


@dataclass(frozen=True)
class Tables:
    """Their stems: with owners, below one that has, shown to every account, put up to be read."""

    owned: set[str]
    hang: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)


_ACCOUNTS = {"user", "account", "profil", "member"}
"""Whoever a row was written by, it may be there for all to see."""


_OVER_ALL = re.compile(r"super|platform|root|system", re.IGNORECASE)
"""Who administers all organisations reaches each."""


def _records(case: Case, tables: Tables) -> Iterator[Finding]:
    """A signed-in caller names any record of a table whose records belong to somebody."""
    if case.bound_by_rows or case.token_in_hand or case.scoped or not_in_production(case):
        return
    if case.route.method == "POST" and LOGIN_PATH.search(case.route.path):
        return  # who calls is what it finds out
    if WEBHOOK_NAME.search(case.route.label) or _HARMLESS.search(case.route.path) or tied(case):
        return
    by_anyone = case.access is Access.CALLER or of_parties(case)
    said = by_anyone and case.route.kind == "next" and ADMIN_PATH.search(case.route.path)
    if said or AT_THE_PROVIDER.search(case.code):
        return  # what becomes of the record is what the provider says
    asked = list(queries(case))
    found = [
        one
        for one in asked
        if one.alone
        and (
            stem(one.table) in tables.owned
            or (one.writes and stem(one.table) in tables.hang)
            or _somebodys(case, one, tables.owned)
        )
        and not one.inserts
        and (not stem(one.table).endswith(_CATALOGUE) or _managed(case, one))
        and not for_sale(one)
        and (one.writes or not _PUBLISHED.search(one.code))
        and not (case.route.method == "GET" and _seen_by_all(stem(one.table), tables.shown))
        and (stem(one.table) not in tables.shared or _touched(case, one))
        and not only_tested(one)
        and (one.writes or not _ONLY_ITS_ID.search(one.code))
        and not (stem(one.table) in _ACCOUNTS and _spelled_out(one))
        and not (case.route.method == "POST" and _JUDGES.search(case.route.path))
    ]
    if not found or _only_booked(case, found):
        return
    worst = max(found, key=lambda one: (one.writes, altered(one)))
    verb = (
        "changes" if altered(worst) or case.route.method in {"PUT", "PATCH", "DELETE"} else "reads"
    )
    message = (
        f"{case.route.label} {verb} {worst.table or 'records'} by their id alone: whose they "
        "are is never compared with the caller"
    )
    takes_part = case.sends or TAKES_PART.search(case.route.path) is not None
    addressed = takes_part and case.route.method in {"POST", "ANY"} and not altered(worst)
    severity = MEDIUM if _MARK.search(case.route.path) or addressed else HIGH
    also = [at_spot(worst.begins), at_route(case), *on_the_way(worst.spot.piece)]
    also += [at_spot(one.spot) for one in found if one.table != worst.table]
    also += _unasked(case, asked, worst)
    yield finding("authz.idor", at_spot(worst.spot, case.route.label), message, severity, also)


_BY_A_PARENT = re.compile(
    r"(?<![\w$])(\w+?)(?:_?[iI]d)?\s*(?:=(?!=)\s*[$?:%]|:(?!:)\s*(?=[\w$.]*[iI]d\b)|,\s*(?=[\w$.]*[iI]d\b))"
)


def _somebodys(case: Case, query: Query, owned: set[str]) -> bool:
    """`FROM notes WHERE booking_id = $1`, where bookings have owners; and an account is somebody's
    even where no route asks for the caller's own.
    """
    if case.access is not Access.CALLER or not query.table:
        return False
    changes = query.writes and case.route.method in {"PUT", "PATCH", "DELETE"}
    if changes and stem(query.table) == "user":
        return True
    parents = {stem(one) for one in _BY_A_PARENT.findall(query.code)} - {stem(query.table)}
    return bool(parents & owned & BETWEEN_TWO)


def _unasked(case: Case, asked: list[Query], worst: Query) -> Iterator[Place]:
    """Where whose it is could have been asked: where the row is looked up, and in the handler."""
    rows = (one for one in asked if one.alone and stem(one.table) == stem(worst.table))
    yield from (at_spot(one.spot) for one in rows if not (one.writes or one.inserts))
    handler = case.pieces[0]
    yield place(handler.module, handler.start)
    for call in handler.module.calls_in(handler.start, handler.end):
        if case.route.method == "POST" and _HUNG_ON.search(call.callee):
            yield place(handler.module, call.start)


_HUNG_ON = re.compile(r"\.(?:create|insertOne|insert|values)$")
"""What is added in the same go: a message in whichever conversation is named."""
_ONLY_ITS_ID = re.compile(r"\bselect\s*:\s*\{\s*_?id\s*:\s*true,?\s*\}")
_ADDS = re.compile(
    r"\.(?:create|insertOne|insert|save|values)\(|\bINSERT\s+INTO\b"
    r"|\b(?:locked|held|reserved|booked|claimed)_?[bB]y\s*:"
)
"""What is booked is added, or the free place is marked with whom it is kept for."""


_BY_OWNER = re.compile(
    r"[{,]\s*(?:user|owner|host|seller|vendor|customer|client|member|author)_?[iI]d\s*[,:}]"
)
"""It is asked for by whose it is, and not by what it is."""


_TAKES_A_PLACE = re.compile(
    r",\s*\{\s*(?:\$\w+\s*:\s*\{\s*)?['\"`]?\w*(?:slots|booked|reserved|seats|stock|available|capacity)\w*"
    r"[^,{}]*\}",
    re.IGNORECASE,
)
"""What is booked is marked as taken, and nothing else of it is changed."""


def _only_booked(case: Case, found: list[Query]) -> bool:
    """`POST /bookings` looks up the room and the host that anybody may book."""
    if case.route.method != "POST" or ":" in case.route.path or not _ADDS.search(case.code):
        return False
    return not any(
        (altered(one) and not (one.writes and _TAKES_A_PLACE.search(one.code)))
        or PRIVATE_PATH.search(one.table)
        or _BY_OWNER.search(one.code)
        for one in found
    )


_SPELLED = re.compile(r"\breturn\s+\{(?!\s*\.\.\.)[^;]*?\bid\s*:\s*(\w+)\.\w+")


def _spelled_out(query: Query) -> bool:
    """Of an account, what everybody may see of it: chosen one by one, and never the row."""
    made = _SPELLED.search(query.spot.piece.code)
    if made is None or query.writes:
        return False
    return re.search(rf"\breturn\s+{made[1]}\b|\.\.\.{made[1]}\b", query.spot.piece.code) is None


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
    if case.route.method == "POST" and _ADDS.search(case.code) and _only_counts(found):
        return False  # an answer is added to what everybody reads, and counted there
    return changed(found) if case.route.method != "GET" else found.writes


_COUNT = re.compile(r"\.\w*[cC]ounts?\s*(?:[-+]?=(?!=)|\+\+|--)[^;\n]*")
_SETS = re.compile(r"\.\w+\s*(?:[-+*/]?=(?![=>])|\+\+|--)")


def _only_counts(found: Query) -> bool:
    code = found.spot.piece.code
    return (
        not found.writes
        and _COUNT.search(code) is not None
        and _SETS.search(_COUNT.sub("", code)) is None
    )


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


_MANAGES = re.compile(r"(?:update|edit|delete|remove|destroy)\w*\(\)$", re.IGNORECASE)


def _managed(case: Case, query: Query) -> bool:
    """`PUT /products/:id`: whoever may read the offers of a market changes nobody else's."""
    label = case.route.label
    acts = case.route.method in {"PUT", "PATCH", "DELETE"} or _MANAGES.search(label)
    named = stem(re.sub(r"\W|_", "", query.table)) in re.sub(r"\W|_", "", label).lower()
    by_any = case.access is Access.CALLER and not query.inserts
    return bool(query.writes and acts and named and by_any) and not _ON_COUNTS.search(query.code)


_ON_COUNTS = re.compile(
    r"\$inc\b|\b(?:in|de)crement\b|\w*(?:[vV]iews?|[lL]ikes?|[sS]tock|[cC]ount|[rR]ating)\w*['\"]?\s*:"
)
"""What others do to a thing that is not theirs: they look at it, like it, buy it."""


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
