"""How bad it is that anybody may call a route; for some that is their purpose."""

import ast
import re

from ....engine.finding import Severity
from ...private_rows import PRIVATE
from ..facts import meant
from ..facts.handlers import Handler
from ..facts.kept import private
from ..facts.shared import subject
from ..facts.storing import is_query
from ..facts.syntax import text_of
from . import acts, kinds
from .ownership import CATALOGUE, IDENTITY, PERSONAL, changed_rows, is_owned
from .state import changes_kept

_MEANT_OPEN = re.compile(
    r"log_?-?(in|out)|sign_?-?(in|up|out)|register|auth|token|refresh|forgot|reset|verif|confirm|"
    r"health|ping|webhook|callback|oauth|contact|inquir|enquir|subscri|newsletter|feedback|"
    r"track|analytic|visit|waitlist|leads?\b|quote|demo|search|docs|static|favicon|robots|sitemap|"
    r"public|survey|rsvp|checkout|session|chat|predict|detect|webchat|estimate|calculat|preview|"
    r"display|kiosk|leaderboard|validate|check|convert|analy[sz]e|generate|translate|summari[sz]e|\bask\b|query|upload|"
    r"heartbeat|telemetry",
    re.IGNORECASE,
)
_ENDS_SOMETHING = re.compile(
    r"log_?-?out|auth|token|reset|verif|confirm|webhook|callback|session|unsubscri|public",
    re.IGNORECASE,
)
_GUESTS_ADD = re.compile(
    r"booking|order|message|review|comment|applications?|appointment|reservation|registration|"
    r"donation|vote|like|score|rating|request|cart|event|log|submit|finali[sz]e|response|answer|"
    r"pending|suggest|propos|report|prospect|applicant|candidate",
    re.IGNORECASE,
)
ADMIN = re.compile(r"(^|[/_-])admin([/_-]|$)", re.IGNORECASE)
_SHOWN = re.compile(
    r"profile|public|display|community|avatar|photo|image|post|article|review|rating|follow|"
    r"portfolio|feed|author|health|login|token|verif|reset|webhook|callback|leaderboard|badge|"
    r"users?/[{<][^/ ]*[}>]/? ",
    re.IGNORECASE,
)
_GIVEN_OUT = re.compile(
    r"share|public|invit|log_?in|token|verif|webhook|callback|lookup", re.IGNORECASE
)
_WHOLE = re.compile(r"export|backup|admin", re.IGNORECASE)


def harm(handler: Handler) -> Severity | None:
    """How bad it is that anybody may call it; None when that may be its purpose."""
    route = handler.route
    name = f"{route.path} {route.function.name}"
    if route.writes and (handler.writes or meant.gives_back(handler)):
        return _harm_of_writing(handler, name)
    if route.writes and changes_kept(handler):
        return Severity.MEDIUM if _harm_of_writing(handler, name) else None
    if of_a_link := acts.harm_of_a_link(handler) or meant.harm_of_contacts(handler):
        return of_a_link
    reads = handler.reads or private(handler)
    return _harm_of_reading(handler, name) if route.method == "GET" and reads else None


def _harm_of_writing(handler: Handler, name: str) -> Severity | None:
    if meant.takes_over(handler, name) or meant.gives_back(handler):
        return Severity.CRITICAL
    post = handler.route.method == "POST"
    guests = post and not _alters(handler, name)
    adds = guests and _GUESTS_ADD.search(_PARAMETER.sub("", name)) and not ADMIN.search(name)
    if _ENTRANCE.match(handler.route.path) and _ALTERS.search(name) and not _ENTERS.search(name):
        name = name.replace("auth", "")  # so its siblings are called, which let people in
    if _DECIDED_BY_NUMBER.search(handler.route.path) and any(changed_rows(handler)):
        name = name.replace("confirm", "")
    if adds or (_MEANT_OPEN if post else _ENDS_SOMETHING).search(name):
        return Severity.MEDIUM if post and _works_on_a_row(handler, name) else None
    if meant.first_start(handler, name) or (guests and meant.takes_on(handler)):
        return None
    if guests and meant.by_invitation(handler):
        return None
    if meant.by_code(handler) or (guests and meant.only_starts(handler)):
        return Severity.MEDIUM
    grave = not guests or handler.changes or ADMIN.search(name)
    return Severity.CRITICAL if grave else Severity.HIGH


_DECIDED_BY_NUMBER = re.compile(r"[}>]/confirm/?$")
"""`/bookings/{id}/confirm` is for who is booked; `/auth/confirm/{token}` is a link in a mail."""
_PARAMETER = re.compile(r"[{<][^}>]*[}>]")
"""`/payout/{order_id}` pays out: the order is only named."""
_OVERWRITES = re.compile(r"delete|remove|update|edit", re.IGNORECASE)
_DECIDES = re.compile(
    r"cancel|approv|reject|decline|accept|complete|assign|reschedul|refund|mark_?-?(as|paid|done|read)"
    r"|(change|set)_?-?status",
    re.IGNORECASE,
)


def _alters(handler: Handler, name: str) -> bool:
    """Whether it changes what is there: a guest adds an order, and doesn't cancel anybody's."""
    if _OVERWRITES.search(name):
        return True
    changes = handler.changes or any(True for _ in changed_rows(handler))
    decides = _DECIDES.search(name) and handler.path_parameters and changes
    sets = handler.path_parameters and any(True for _ in changed_rows(handler, tallies=False))
    somebodys = decides or (sets and not _OF_A_GUEST.search(name))
    return bool(somebodys) and not (meant.by_code(handler) or meant.shows_knowledge(handler))


_OF_A_GUEST = re.compile(
    r"cart|basket|vote|poll|like|rsvp|join|\bpay|payment|checkout|session", re.IGNORECASE
)
"""What one who has no account goes on with, by the number that was given out for it."""


_ENTRANCE = re.compile(r"^(/api)?(/v\d+)?/(auth|session|chat|checkout|public)/")
_ALTERS = re.compile(r"update|edit|change|delete|remove|suspend|status|\bban\b|role", re.IGNORECASE)
_ENTERS = re.compile(
    r"log_?-?(in|out)|sign_?-?(in|up|out)|register|refresh|forgot|reset|verif|confirm|callback|oauth"
    r"|token|otp|webhook|public",
    re.IGNORECASE,
)
_WORKS = re.compile(
    r"predict|detect|estimate|calculat|validate|check(?!_?out)|convert|analy[sz]e|generate|translate"
    r"|summari[sz]e|upload|submit|report",
    re.IGNORECASE,
)


def _works_on_a_row(handler: Handler, name: str) -> bool:
    """`/claims/{id}/analyze` keeps what it finds out in somebody's row."""
    only = not _MEANT_OPEN.search(_WORKS.sub("", name)) and not _GUESTS_ADD.search(
        _WORKS.sub("", handler.route.function.name)
    )
    rows = changed_rows(handler) if only and handler.path_parameters else ()
    return not meant.by_code(handler) and any(is_owned(handler, row) for row in rows)


def _harm_of_reading(handler: Handler, name: str) -> Severity | None:
    if any(map(_PERSON.match, handler.path_parameters)) and _CONFIDENTIAL.search(name):
        return _harm_of_somebodys(handler)
    if any(IDENTITY.match(parameter) for parameter in handler.path_parameters):
        return _harm_of_a_person(handler, name)
    words = name.replace("_", " ")
    other = re.sub(r"contact|subscribers\b", "", name)
    asked = _MEANT_OPEN.search(other) and not ADMIN.search(handler.route.path)
    open_ = asked or meant.free_places(name) or _said_open(handler)
    if _own_row(handler, name):
        counted = _can_be_counted(handler) and PERSONAL.search(meant.told_of(handler))
        return Severity.HIGH if counted else Severity.MEDIUM
    if open_ or handler.path_parameters:
        known = None if open_ else _harm_by_number(handler, words)
        return known or _harm_by_contrast(handler)
    personal = ADMIN.search(handler.route.path) or PERSONAL.search(words)
    listed = _harm_of_a_list(handler, words) if personal else None
    shown = Severity.MEDIUM if not personal and meant.shows_accounts(handler) else None
    if shown or listed is Severity.CRITICAL or _TO_READ.search(words):
        return shown or listed
    return Severity.HIGH if meant.names_people(handler) else listed or _harm_by_contrast(handler)


def _harm_by_contrast(handler: Handler) -> Severity | None:
    """Others show whoever calls their own of these rows; this one all of them to anybody."""
    apart = {name for name, column in handler.narrowed if _SAYS_WHO.search(column)}
    asked = (call for call in handler.all_calls if is_query(call))
    about = {subject(handler.project, handler.module, call) for call in asked}
    told = {name for name in about if name and not _ACCOUNTS.match(name)}
    private_ = bool(told) and all(
        name in apart and PRIVATE.search(name) and not _TAKES_PART.search(name) for name in told
    )
    proven = meant.by_code(handler) or meant.shows_knowledge(handler) or meant.said_open(handler)
    name = f"{handler.route.path} {handler.function.name}"
    free = meant.free_places(name) or _WORKED_OUT.search(name)
    return Severity.MEDIUM if private_ and not proven and not free else None


_SAYS_WHO = re.compile(r"^(user|customer|client|patient|student|player|member|guest|employee)_?id$")
_ACCOUNTS = re.compile(r"^(users?|accounts?|profiles?)$", re.IGNORECASE)
_WORKED_OUT = re.compile(
    r"public|predict|trend|stat|recommend|popular|count|average", re.IGNORECASE
)
_TAKES_PART = re.compile(r"particip|attend|member|regist|enrol", re.IGNORECASE)


_PERSON = re.compile(r"^(patient|student|client|customer|user|member|employee|tenant)_?id$")
_CONFIDENTIAL = re.compile(
    r"chat|messages?\b|medical|(health|medical|patient)_?-?(records?|reports?|histor)|prescription"
    r"|diagnos|payslip|salar",
    re.IGNORECASE,
)


def _harm_of_a_person(handler: Handler, name: str) -> Severity | None:
    """A profile is there to be seen; how to reach whose it is, is not."""
    if not _SHOWN.search(f"{name} {ast.get_docstring(handler.function) or ''}"):
        return _harm_of_somebodys(handler)
    reached = meant.shows_people(handler, many=False) and not meant.said_open(handler)
    return Severity.MEDIUM if reached else None


def _harm_of_somebodys(handler: Handler) -> Severity | None:
    """`/customers/{customer_id}/bookings`: what there is of whoever is named."""
    told = meant.told_of(handler)
    if not (PERSONAL.search(told) or _CONFIDENTIAL.search(handler.route.path)):
        return None if CATALOGUE.search(told) else Severity.MEDIUM
    asked = (call for call in handler.all_calls if is_query(call))
    if not any(is_owned(handler, call) for call in asked):
        return Severity.MEDIUM
    return Severity.CRITICAL if _can_be_counted(handler) else Severity.HIGH


def _can_be_counted(handler: Handler) -> bool:
    """Whether the path takes a number: who has one guesses the next."""
    return bool(handler.numbers & set(handler.path_parameters))


def _harm_by_number(handler: Handler, words: str) -> Severity | None:
    if PERSONAL.search(words):
        if meant.shows_people(handler, many=True):
            return Severity.CRITICAL
        if meant.shows_people(handler, many=False) and not meant.by_code(handler):
            return Severity.MEDIUM  # who has the number may well be meant to see it
    return Severity.MEDIUM if _lists_names(handler) else None


_TO_READ = re.compile(
    r"reviews?\b|ratings?\b|testimonial|comments?\b|leader|winner|wall", re.IGNORECASE
)
"""What says by name who wrote it, or who won."""
_NAME_OF_ONE = re.compile(
    r"^(user|customer|client|guest|patient|tenant|student|buyer)_?(full_?)?(name|email|phone)$",
    re.IGNORECASE,
)


def _lists_names(handler: Handler) -> bool:
    """`/rooms/{id}/bookings` says by name who has booked."""
    if not PERSONAL.search(meant.told_of(handler)) or meant.by_code(handler):
        return False
    keys = (key for node in handler.body if isinstance(node, ast.Dict) for key in node.keys)
    return meant.a_list(handler) and any(_NAME_OF_ONE.match(text_of(key) or "") for key in keys)


def _own_row(handler: Handler, name: str) -> bool:
    """Somebody's own row, for whoever names it; a code that was given away may do."""
    named = [one for one in handler.path_parameters if not _CREDENTIAL.search(one)]
    if not named or meant.by_code(handler) or meant.free_places(name):
        return False
    return private(handler) and not meant.said_open(handler) and not _GIVEN_OUT.search(name)


_CREDENTIAL = re.compile(r"session", re.IGNORECASE)
"""Whoever has it is let in by it."""


def _said_open(handler: Handler) -> bool:
    """It says of itself that it is for everybody, which makes nobody's records public."""
    return meant.said_open(handler) and not PERSONAL.search(meant.told_of(handler))


def _harm_of_a_list(handler: Handler, words: str) -> Severity | None:
    if PERSONAL.search(re.sub(r"(?i)admin|export|backup", " ", meant.told_of(handler))):
        return Severity.CRITICAL
    if not ADMIN.search(handler.route.path):
        return Severity.MEDIUM if _WHOLE.search(words) else None
    if not meant.a_list(handler):
        return None  # one setting, not a list
    mild = meant.a_number(handler) or kinds.rows_of_nobody(handler)
    return Severity.MEDIUM if mild else Severity.HIGH
