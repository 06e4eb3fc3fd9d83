"""What the gate refused, or would have refused, summed up from the lines of a log."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from .decision import NO_CREDENTIAL, NOT_ALLOWED, REFUSED, WOULD_REFUSE
from .table import UNKNOWN_ROUTE

_LISTED: Final = 40
_IDENTIFIER = re.compile(
    r"\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9a-fA-F]{24,}|(?=[^/]*\d)[\w-]{16,}"
)
_ADVICE: Final = {
    UNKNOWN_ROUTE: "gate.toml has no line for it; add one, or let it be refused",
    NO_CREDENTIAL: "nobody was logged in; if that is right, make it public",
    NOT_ALLOWED: "somebody was logged in who may not; look at the rule",
    "expired": "the session was over; the front end has to renew it",
    "cannot-verify": "the issuer's keys were out of reach",
    "issuer": "whose tokens they are, no setting says",
    "audience": "the token is for something else, or the setting for its `aud` is wrong",
    "client": "the token was issued to a client that OIDC_CLIENTS does not name",
}


@dataclass(frozen=True, order=True)
class Refusal:
    reason: str
    method: str
    where: str


@dataclass
class Summary:
    """How often which refusal, and how many requests there were in all."""

    refusals: Counter[Refusal] = field(default_factory=Counter)
    requests: int = 0
    first: str = ""
    last: str = ""

    @property
    def total(self) -> int:
        return self.refusals.total()


def summed_up(lines: Iterable[str]) -> Summary:
    """Sum up JSON log lines; what is none is passed over, for logs are mixed."""
    summary = Summary()
    for line in lines:
        event = _event(line)
        if event is None:
            continue
        moment = str(event.get("timestamp", ""))
        summary.first = min(filter(None, (summary.first, moment)), default="")
        summary.last = max(summary.last, moment)
        if event["event"] == "request":
            summary.requests += 1
        elif event["event"] in {WOULD_REFUSE, REFUSED}:
            summary.refusals[_refusal(event)] += 1
    return summary


def told(summary: Summary) -> Iterator[str]:
    """The summary for a person, the most frequent first."""
    span = f", from {summary.first[:16]} to {summary.last[:16]}" if summary.first else ""
    if not summary.total:
        yield f"Nothing was refused or would have been, of {summary.requests} requests{span}."
        if summary.requests:
            yield "If that log is of usual days, GATE_MODE=enforcing cuts nobody off."
        return
    yield f"{summary.total} refused or to be refused, of {summary.requests} requests{span}:"
    yield ""
    ranked = sorted(summary.refusals.items(), key=lambda entry: (-entry[1], entry[0]))
    for refusal, count in ranked[:_LISTED]:
        yield f"{count:>7}  {refusal.reason:<18} {refusal.method} {refusal.where}"
    if len(ranked) > _LISTED:
        yield f"         and {len(ranked) - _LISTED} more"
    yield ""
    for reason in dict.fromkeys(refusal.reason for refusal, _ in ranked):
        if reason in _ADVICE:
            yield f"{reason}: {_ADVICE[reason]}."


def _event(line: str) -> dict[str, Any] | None:
    start = line.find("{")  # container runtimes write a time or a name before it
    try:
        event = json.loads(line[start:]) if start >= 0 else None
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _refusal(event: dict[str, Any]) -> Refusal:
    where = event.get("route")
    if isinstance(where, str) and " " in where:
        where = where.partition(" ")[2]
    else:
        where = _anonymous(str(event.get("path", "?")))
    return Refusal(str(event.get("reason", "?")), str(event.get("method", "?")), where)


def _anonymous(path: str) -> str:
    """Paths that differ in an id only are one."""
    return "/".join(
        "{id}" if _IDENTIFIER.fullmatch(segment) else segment for segment in path.split("/")
    )
