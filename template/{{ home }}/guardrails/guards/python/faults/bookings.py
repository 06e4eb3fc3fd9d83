"""Bookings that are added without looking whether the time is taken."""

import ast
import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.handlers import Handler
from ..facts.modules import Function, Module, Project
from ..facts.storing import is_query, is_write
from ..facts.syntax import called, calls_in, chain, found, place, strings_in, text_of, words_in
from ..facts.walking import nodes_in
from . import kinds

_BOOKING = re.compile(
    r"^(Room|Table|Appointment|Doctor|Service)?(Booking|Appointment|Reservation)(Model|DB)?$"
)
_BOOKINGS = re.compile(r"^(bookings?|appointments?|reservations?)(_?(collection|col|table))?$")
_TIME = re.compile(
    r"^((booking|appointment|reservation|slot|visit)_?)?(date|time|day|slot|starts?|starts?_?(at|time|date)"
    r"|date_?time|timestamp|scheduled_?(at|for|time)|check_?in(_?date)?|time_?slot|slot_?(id|time))$",
    re.IGNORECASE,
)
_OF_WHAT = re.compile(
    r"^(room|table|doctor|staff|provider|service_provider|professional|barber|stylist|employee"
    r"|therapist|dentist|coach|trainer|tutor|technician|court|field|hall|venue|car|vehicle|desk"
    r"|property|hotel|listing|slot|seat|artist|mentor)_?(id|no|number|email|name)?$",
    re.IGNORECASE,
)
_LOOKS = re.compile(
    r"availab|conflict|overlap|is_(free|booked|taken|open)|double_book|existing|clash|already"
    r"|IntegrityError|DuplicateKeyError|slot_taken",
    re.IGNORECASE,
)


def look(handler: Handler) -> Iterator[tuple[Finding, ast.AST]]:
    """`db.add(Appointment(doctor_id=…, date=…))`, and nobody asked for the doctor's day."""
    route = handler.route
    of_staff = route.access == "role" and not kinds.for_many(handler)
    if route.method != "POST" or not handler.writes or of_staff:
        return
    reached = list(handler.reached())
    if any(_LOOKS.search(word) for _, it in reached for word in words_in(it) | strings_in(it)):
        return
    for module, function in reached:
        for made, kept in _added(function):
            if not _asked_for(handler, reached, kept) and not _only_once(
                handler.project, module, kept
            ):
                yield found(
                    "data.double-booking", module, made,
                    f"{route.label} adds it without looking whether the time is taken.",
                    symbol=function.name,
                    also=[place(handler.module, route.line, handler.function.name)],
                ), handler.function  # fmt: skip
                return


def _added(function: Function) -> Iterator[tuple[ast.Call, str]]:
    """What is made for a time of a thing, and of which model or collection it is."""
    for call in calls_in(function):
        said = {one.arg or "" for one in call.keywords if not _is_now(one)}
        if _BOOKING.match(called(call)) and _at_a_time(said):
            yield call, called(call)
        elif called(call) == "insert_one" and _BOOKINGS.match(next(iter(chain(call)[-2:-1]), "")):
            keys = {text_of(key) or "" for node in nodes_in(function) for key in _keys(node)}
            if _at_a_time(keys):
                yield call, chain(call)[-2]


def _is_now(given: ast.keyword) -> bool:
    """`timestamp=datetime.utcnow()` says when it was made, `timestamp=chosen` for when."""
    return called(given.value) in {"now", "utcnow", "today"}


def _keys(node: ast.AST) -> list[ast.expr | None]:
    return node.keys if isinstance(node, ast.Dict) else []


def _at_a_time(keys: set[str]) -> bool:
    return any(map(_TIME.match, keys)) and any(map(_OF_WHAT.match, keys))


def _asked_for(handler: Handler, reached: list[tuple[Module, Function]], kept: str) -> bool:
    """A query for the same rows that says anything of the time, and is not for one's own."""
    return any(
        (is_query(call) or called(call) == "execute")
        and not is_write(call)
        and kept in words_in(call)
        and any(map(_TIME.match, told := words_in(call) | strings_in(call) | _named(call)))
        and (any(map(_OF_WHAT.match, told)) or not handler.of_the_user(handler.whole(call)))
        for _, function in reached
        for call in calls_in(function)
    )


def _named(call: ast.Call) -> set[str]:
    return {word.arg for inner in calls_in(call) for word in inner.keywords if word.arg}


def _only_once(project: Project, module: Module, kept: str) -> bool:
    """Whether the store refuses the second one."""
    meant = project.resolve(module, kept)
    if isinstance(meant.node, ast.ClassDef):
        return bool({"UniqueConstraint", "ExcludeConstraint"} & words_in(meant.node))
    return any(
        called(call) == "create_index" and kept in chain(call) and "unique" in _named(call)
        for other in project.modules
        for call in other.calls
    )
