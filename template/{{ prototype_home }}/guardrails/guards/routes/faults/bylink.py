"""What a mere link does for strangers: it maintains the data of everybody, or it listens in."""

import re

from ....engine.finding import Severity
from ..facts.access import Case
from ..facts.flow import SENT
from ..facts.meant import by_cookie
from ..facts.middleware import Access
from ..facts.signs import ASKS_CALLER, OPEN_CHANGE, OPEN_READ
from .rolepaths import PRIVATE_PATH
from .say import HIGH, MEDIUM

_MAINTAINS = re.compile(
    r"(?:^|[/_-])(?:migrat\w*|seed\w*|reset|clear|clean-?up|wipe|backfill|fix|repair|purge|re-?index)(?:[/_-]|$)",
    re.IGNORECASE,
)
_ALL_ROWS = re.compile(
    r"\.(?:updateMany|deleteMany|bulkWrite|insertMany|createMany|truncate)\("
    r"|(?i:\b(?:UPDATE\s+[\w\".]+\s+SET|DELETE\s+FROM|TRUNCATE|DROP\s+TABLE)\b)"
)
_GRAVE = re.compile(
    r"\brole\b|password|deleteMany\(\s*(?:\{\s*\})?\s*\)|TRUNCATE|DROP\s", re.IGNORECASE
)
_STREAMS = re.compile(r"text/event-stream")
_TALKS = re.compile(r"chat|conversation|thread|inbox", re.IGNORECASE)


def maintains(case: Case) -> tuple[Severity, str] | None:
    """`GET /migrate/roles`: a crawler is enough to change the rows of everybody."""
    if not _MAINTAINS.search(case.route.path) or ASKS_CALLER.search(case.own):
        return None
    if case.first(_ALL_ROWS) is None:
        return None
    return HIGH if _GRAVE.search(case.code) else MEDIUM, "changes the rows of everybody by a link"


def listens(case: Case) -> tuple[Severity, str] | None:
    """A stream of whatever is said in the conversation that the request names."""
    path = case.route.path
    if not _STREAMS.search(case.own) or ASKS_CALLER.search(case.own) or by_cookie(case):
        return None
    if not (_TALKS.search(path) or PRIVATE_PATH.search(path)) or not SENT.search(case.own):
        return None
    return HIGH, "sends on what is said in any conversation that is named"


def meant_for_nobody(case: Case) -> bool:
    """What reads or writes with the service key, and is meant for everybody by no word of it."""
    effects = {name for name, _ in case.effects()}
    touches = effects & {"read", "write", "delete"}
    meant = OPEN_READ if case.route.method == "GET" else OPEN_CHANGE
    return (
        bool(touches)
        and case.service
        and case.access is Access.PUBLIC
        and case.route.known
        and meant.search(case.route.path) is None
    )
