"""Accounts: changed for whoever a stranger names, and handed out with what nobody should see."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ....engine.finding import Finding
from ..facts.access import Case, Spot
from ..facts.flow import Names
from ..facts.meant import by_cookie, first_start, guests, not_in_production, proves_it, signs_up
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.proofs import made_here
from ..facts.queries import Query, changed, queries, stem
from ..facts.shared import listed
from ..facts.signs import ASKS_CALLER, LOGIN_PATH, PUBLIC_PATH, READS, WEBHOOK_NAME
from ..facts.source import Call
from ..facts.ties import tied
from .rolepaths import OF_ALL, PRIVATE_PATH, of_a_role, roles_asked
from .say import CRITICAL, HIGH, MEDIUM, at_route, at_spot, finding, place

_ACCOUNTS = {
    "user",
    "account",
    "profil",
    "admin",
    "customer",
    "seller",
    "vendor",
    "employe",
    "member",
}
_PROVES = re.compile(
    r"token|otp|\bcode\b|secret|\.compare\w*\(|verif|reset|forgot|confirm|activat|webhook|callback"
    r"|log-?out|unsubscri|refresh|signature|invit",
    re.IGNORECASE,
)


def accounts(cases: list[Case], found: Sequence[Finding]) -> Iterator[Finding]:
    supplied = "authz.client-supplied-identity"
    signed_in = {one.place.symbol for one in found if one.rule == supplied}
    appointed = {one.place.symbol for one in found if one.rule == "authz.self-assigned-role"}
    told = _lines(found, {supplied, "authz.idor", "authz.missing-role-check"})
    open_ = _lines(found, {"authz.unauthenticated-endpoint"})
    apps: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        apps[case.route.app].append(case)
    for of_app in apps.values():
        asks = any(case.access in {Access.CALLER, Access.ROLE} for case in of_app)
        roles = any(case.access is Access.ROLE for case in of_app)
        grows = any(_registers(case) and case.access is Access.PUBLIC for case in of_app)
        kept = not grows and any(_registers(case) for case in of_app)
        named = {role for case in of_app for role in roles_asked(case)}
        yield from _open_books(of_app if grows and not roles else [])
        for case in of_app:
            at = at_route(case)
            if case.route.label not in signed_in:
                yield from _named_account(case)
            if case.route.label not in appointed:  # the account is taken with its role
                milder = (at.path, at.line) in open_
                yield from (_told(one, milder=milder) for one in _in_their_name(case, asks))
            yield from _makes_staff(case)
            yield from _tells(case)
            if (at.path, at.line) not in told:
                yield from _of_somebody(case)
                yield from _all_of_them(case, roles and grows)
                yield from of_a_role(case, named)
                if not kept:
                    yield from _left_open(case, of_app)


def _told(one: Finding, *, milder: bool) -> Finding:
    """That the route asks nobody is said by itself."""
    return replace(one, severity=MEDIUM) if milder else one


def _lines(found: Sequence[Finding], rules: Collection[str]) -> set[tuple[str, int]]:
    return {
        (one.path, one.line) for it in found if it.rule in rules for one in (it.place, *it.also)
    }


def _registers(case: Case) -> bool:
    return case.route.method == "POST" and (
        re.search(r"regist|sign-?_?up", case.route.path, re.IGNORECASE) is not None
        or signs_up(case)
    )


def _anybody(case: Case) -> bool:
    return (
        case.access is Access.PUBLIC
        and case.route.known
        and case.route.kind in {"server", "next"}
        and not case.bound_by_rows
        and not case.token_in_hand
        and not first_start(case)
        and not not_in_production(case)
        and not by_cookie(case)
        and not ASKS_CALLER.search(case.own)
    )


def _named_account(case: Case) -> Iterator[Finding]:
    """`POST /auth/become-host` for the user of the body: an open path, a change that isn't."""
    path = case.route.path
    if (
        case.route.method not in {"POST", "PUT", "PATCH"}
        or not PUBLIC_PATH.search(path)  # the others are told of as open
        or not _anybody(case)
        or LOGIN_PATH.search(path)
        or _PROVES.search(path + case.own)
        or proves_it(case)
        or _registers(case)
    ):
        return
    one = next((it for it in queries(case) if _names_account(it) and changed(it)), None)
    if one is None or not {name for name, _ in case.effects()} & {"write", "delete"}:
        return
    message = (
        f"{case.route.label} changes the account that the request names, for anybody: nothing on "
        f"the way asks who is calling"
    )
    where = at_spot(one.spot, case.route.label)
    yield finding("authz.client-supplied-identity", where, message, CRITICAL, [at_route(case)])


def _names_account(one: Query) -> bool:
    by_id = re.search(r"ById\w*\(|ByPk\(|\b(?:_?id|\w+_?[iI]d)\b", one.code)
    return stem(one.table) in _ACCOUNTS and not one.inserts and by_id is not None


_WHO = re.compile(
    r"\b(?:user_?id|userId|owner_?id|author_?id|sender_?id|host_?id|guest_?id)\s*"
    r"(?::\s*([^,}\n]+)|(?=[,}]))",
    re.IGNORECASE,
)
_ADDS = re.compile(r"\.(?:create|insertOne|insert|values)$|^[A-Z]\w+$")


def _in_their_name(case: Case, asks: bool) -> Iterator[Finding]:
    """A row for the user that the request names, where others have to sign in."""
    if (
        not asks
        or not case.route.writes
        or not _anybody(case)
        or WEBHOOK_NAME.search(case.route.path)
    ):
        return
    if _PROVES.search(case.route.path) or LOGIN_PATH.search(case.route.path):
        return
    for piece in case.pieces[:1]:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            at = _named_in(piece, call, names)
            if at:
                message = (
                    f"{case.route.label} asks nobody who they are, and writes for the user that "
                    f"the request names"
                )
                where = place(piece.module, at, case.route.label)
                severity = MEDIUM if guests(case) else HIGH
                also = [at_route(case)]
                yield finding("authz.client-supplied-identity", where, message, severity, also)
                return


def _named_in(piece: Piece, call: Call, names: Names) -> int:
    if not _ADDS.search(call.callee) or re.search(r"(?i)stripe|checkout|sessions\.", call.callee):
        return 0  # who pays for somebody else takes nothing from them
    if not call.arguments or call.end - call.start > 2_500:
        return 0
    given = piece.module.slice(call.arguments[0])
    match = _WHO.search(given)
    if match is None or not given.startswith("{") or made_here(piece, match[1] or ""):
        return 0
    if names.has_sent(match[1] or match[0]):
        return call.arguments[0].start + match.start()
    return 0


_STAFF = re.compile(
    r"\bnew\s+(?:Super)?Admin(?:istrator)?(?:Model)?\(|\b(?:Super)?Admin(?:istrator)?(?:Model)?\.create\("
    r"|\b(?:prisma|db|tx)\.(?:super_?)?admin\.create\("
    r"|\brole['\"]?\s*:\s*['\"](?:super_?)?admin['\"]",
    re.IGNORECASE,
)
_VETTED = re.compile(
    r"invit|approv|pending|whitelist|allow_?list|process\.env|secret|(?:setup|admin|access)_?-?(?:key|code)"
    r"|count(?:Documents)?\(|is_?[vV]erified\s*:\s*false",
    re.IGNORECASE,
)


def _makes_staff(case: Case) -> Iterator[Finding]:
    """`POST /register` for whoever comes: the account is an administrator's."""
    if not _registers(case) or not _anybody(case) or _VETTED.search(case.own):
        return
    spot = case.first(_STAFF, own=True)
    if spot is not None:
        message = f"{case.route.label} makes an administrator of whoever asks"
        also = [at_route(case)]
        where = at_spot(spot, case.route.label)
        yield finding("authz.unauthenticated-endpoint", where, message, CRITICAL, also)


_OWNER = re.compile(
    r":(?:user|host|owner|seller|customer|client|patient|student|employee|member|vendor|driver)_?[iI]d\b"
)


def _of_somebody(case: Case) -> Iterator[Finding]:
    """`/users/:userId/orders` for whoever is signed in: whose id it is, nobody compares."""
    if (
        case.access is not Access.CALLER
        or case.route.kind not in {"server", "next"}
        or not _OWNER.search(case.route.path)
        or not PRIVATE_PATH.search(case.route.path)
        or case.bound_by_rows
        or case.scoped
        or case.token_in_hand
        or tied(case)
    ):
        return
    effects = dict(case.effects())
    spot = effects.get("delete") or effects.get("write") or effects.get("read")
    if spot is None:
        return
    used = _parameter_in(case) or spot
    message = (
        f"{case.route.label} does it for whichever id is named: it is never compared with who is "
        f"signed in"
    )
    yield finding("authz.idor", at_spot(used, case.route.label), message, HIGH, [at_route(case)])


def _parameter_in(case: Case) -> Spot | None:
    return case.first(re.compile(r"\bparams\b"), own=True)


_OF_PEOPLE = {
    "user", "customer", "payment", "payout", "transaction", "invoic", "contact", "messag", "order",
    "salar", "payroll", "lead", "client", "patient", "employe", "inquir", "enquir",
}  # fmt: skip


def _all_of_them(case: Case, grows: bool) -> Iterator[Finding]:
    """The list of everybody's rows for any account, where some accounts have a role and anybody
    may have an account.
    """
    if not grows or case.access is not Access.CALLER or case.route.method != "GET":
        return
    path = case.route.path
    if case.bound_by_rows or OF_ALL.search(path) or ":" in path or ASKS_CALLER.search(case.own):
        return
    whole = sorted(listed(case) & _OF_PEOPLE)
    if whole:
        message = (
            f"{case.route.label} lists everybody's {whole[0]} rows for any account: other routes "
            f"look at the role, this one doesn't"
        )
        also = [at_spot(spot) for name, spot in case.effects() if name == "read"]
        yield finding("authz.missing-role-check", at_route(case), message, MEDIUM, also)


_BOOKS = {
    "customer", "payment", "payout", "transaction", "invoic", "salar", "payroll", "lead", "client",
    "patient", "employe", "order", "booking",
}  # fmt: skip


def _open_books(of_app: list[Case]) -> Iterator[Finding]:
    """Everybody's invoices for any account, where anybody may have one and no row has an owner."""
    found: list[tuple[Case, str]] = []
    for case in of_app:
        asks = case.access is Access.CALLER and case.route.method == "GET"
        if (
            not asks
            or case.bound_by_rows
            or ":" in case.route.path
            or OF_ALL.search(case.route.path)
        ):
            continue
        whole = sorted(listed(case) & _BOOKS) if not ASKS_CALLER.search(case.own) else []
        found += [(case, whole[0])] if whole else []
    if found:
        case, name = found[0]
        message = (
            f"{case.route.label} lists everybody's {name} rows for any account, and anybody may "
            f"sign up: the rows say nothing of whose they are"
        )
        spots = [spot for one, _ in found if (spot := _deepest_read(one))]
        also = [at_route(case), *map(at_spot, spots[1:]), *(at_route(one) for one, _ in found[1:])]
        where = at_spot(spots[0], case.route.label) if spots else at_route(case)
        yield finding("authz.idor", where, message, HIGH, also)


def _deepest_read(case: Case) -> Spot | None:
    """Where the store is asked, below the classes that only hand it on."""
    found = [(piece, match) for piece in case.pieces if (match := READS.search(piece.code))]
    return Spot(found[-1][0], found[-1][0].start + found[-1][1].start()) if found else None


_BY_ANYBODY = re.compile(
    r"(?i)like|vote|review|comment|rate|rating|follow|join|leave|book|cancel|cart|wish|favou?rite|read|view"
)


def _left_open(case: Case, of_app: list[Case]) -> Iterator[Finding]:
    """A change that any account may make, beside one of the same rows that looks at the role."""
    route = case.route
    if case.access is not Access.CALLER or route.method not in {"PUT", "PATCH", "DELETE"}:
        return
    if case.bound_by_rows or _BY_ANYBODY.search(route.path) or ASKS_CALLER.search(case.own):
        return
    beside = any(
        one.access is Access.ROLE
        and one.route.writes
        and one.route.module is route.module
        and _rows_of(one.route.path) == _rows_of(route.path)
        for one in of_app
    )
    if beside and {name for name, _ in case.effects()} & {"write", "delete"} and not tied(case):
        message = (
            f"{route.label} may be called by any account; another route that changes the same rows "
            f"looks at the role"
        )
        yield finding("authz.missing-role-check", at_route(case), message)


def _rows_of(path: str) -> str:
    """`/tours` of `/tours/:id`."""
    return "/".join(part for part in path.split("/") if part and not part.startswith(":"))


_NO_ACCOUNT = re.compile(
    r"['\"`][^'\"`\n]*(?:(?:user|account|e-?mail)\b[^'\"`\n]{0,20}"
    r"(?:not (?:found|registered|exist)"
    r"|does ?n.t exist)|no (?:user|account)|not registered|unknown (?:user|e-?mail))"
    r"[^'\"`\n]*['\"`]",
    re.IGNORECASE,
)
_WRONG_PASSWORD = re.compile(
    r"['\"`][^'\"`\n]*(?:(?:incorrect|wrong|invalid) (?:password|credential)"
    r"|password[^'\"`\n]{0,16}(?:incorrect|wrong|invalid|not match|does))",
    re.IGNORECASE,
)
_FORGOTTEN = re.compile(
    r"forg[eo]t|reset-?_?(?:password|request|link)|request-?_?reset", re.IGNORECASE
)


def _tells(case: Case) -> Iterator[Finding]:
    """One answer for a wrong password, and another one for an address without an account."""
    if case.access is not Access.PUBLIC or case.route.method != "POST":
        return
    path = case.route.path
    log_in = LOGIN_PATH.search(path) and any(
        _WRONG_PASSWORD.search(piece.code) for piece in case.pieces
    )
    if not log_in and not _FORGOTTEN.search(path):
        return
    spot = case.first(_NO_ACCOUNT)
    if spot is not None:
        message = f"{case.route.label} says whether there is an account for an address"
        where = at_spot(spot, case.route.label)
        yield finding("auth.user-enumeration", where, message, also=[at_route(case)])
