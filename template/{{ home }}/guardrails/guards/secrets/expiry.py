"""When a token ends: by `exp`, or by a claim of the program's own that means the same."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ...engine import regex as re

_ENDS = re.compile(
    r"exp|expir(?:y|es|ed|ation)(?:_?(?:at|on|in|time|date))?|valid_?(?:until|to)|ttl",
    re.IGNORECASE,
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w|y)[a-z]*", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_557_600}
_MILLISECONDS = 1e11
"""A moment with more seconds than that is of the year 5138."""
_MOMENT = 1e9
"""And with fewer it is of before 2001: it is a span."""


def ends(payload: Mapping[str, Any]) -> float | None:
    """Seconds since 1970; None where no claim tells."""
    since = _number(payload.get("iat"))
    told = (_end(value, since) for name, value in payload.items() if _ENDS.fullmatch(name))
    return next((end for end in told if end is not None), None)


def _end(value: object, since: float | None) -> float | None:
    number = _number(value)
    if number is not None and number > _MOMENT:
        return number
    span = number if number is not None else _span(value)
    if span is not None:
        return None if since is None else since + span
    return _date(value)


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None
    return number / 1_000 if number is not None and number > _MILLISECONDS else number


def _span(value: object) -> float | None:
    """`7d` and `2 hours`, as libraries take them."""
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(found[1]) * _SECONDS[found[2].lower()] if found else None


def _date(value: object) -> float | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
