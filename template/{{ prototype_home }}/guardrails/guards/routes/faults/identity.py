"""Who the caller is taken for, and what they may do: identity and role."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ....engine.finding import Finding, Place
from ..facts.access import Case, Spot
from ..facts.flow import Names
from ..facts.given import named_by_client
from ..facts.middleware import Access
from ..facts.program import Piece
from ..facts.proofs import made_here
from ..facts.signs import ADMIN_PATH, PUBLIC_PATH, STORES, WEBHOOK_NAME
from ..facts.source import Call
from ..facts.ties import tied
from .cookiesessions import kept_in_cookies
from .exposure import people, principal, provider_token
from .leftopen import left_open
from .roles import roles
from .say import CRITICAL, HIGH, MEDIUM, at_route, at_spot, finding, place

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
        for case in of_app:
            yield from _missing(case)
            yield from _supplied(case)
            yield from _signed_as(case)
            yield from roles(case)
            yield from provider_token(case)
            yield from kept_in_cookies(case)
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
    for piece in case.pieces:
        names = case.flow.of(piece)
        for call in piece.module.calls_in(piece.start, piece.end):
            if (
                not (STORES.search("." + call.callee) or _makes_a_row(piece, call))
                or not call.arguments
                or call.end - call.start > 2_500
                or (piece.depth and _FOR_OTHERS.search(piece.module.slice(call)[:200]))
            ):
                continue
            given = piece.module.slice(call.arguments[0])
            match = _whose(piece, given)
            value = (match[1] or match[2] or match[0]).strip() if match else ""
            if match is None or names.has_caller(given) or made_here(piece, value):
                continue
            if named_by_client(case, piece, value):
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
                    [*_taken(piece, value, names), at_route(case)],
                )
                return


_OF_A_USER = (
    r"(?<!:\s)(?<![:.])\b(?:(?:user_?id|owner_?id|author_?id|sender_?id|host_?id{})\s*(?::\s*([^,}}\n]+)|(?=[,}}]))"
    r"|(?:user|owner|author|sender)\s*:\s*((?:[\w$]+\.)*(?:user|owner|author|sender)_?id\b))"
)


_FOR_OTHERS = re.compile(r"notif|\blog|audit|activit|alert|histor|event|message", re.IGNORECASE)
"""What is written down for whoever it is about."""


def _makes_a_row(piece: Piece, call: Call) -> bool:
    """`new Order({ ... })`, and `save()` behind it."""
    made = re.match(r"[A-Z]\w+$", call.callee) and piece.module.code.startswith("new ", call.start)
    return bool(made) and ".save(" in piece.code


def _whose(piece: Piece, given: str) -> "re.Match[str] | None":
    """The column that says whose a row is, and what is put there."""
    customers = r"|customer_?id" if _CUSTOMERS_SIGN_IN.search(piece.module.code) else ""
    return re.search(_OF_A_USER.format(customers), given, re.IGNORECASE)


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
