"""How a path may be read on its way to a handler (RFC 3986), so that nobody can pick a reading.

Frameworks differ: one decodes before it splits a path into segments and one after, one heeds case
and one does not. A gate that decides on one reading while the prototype acts on another can be
walked around (CWE-436, CWE-647). So every reading must be allowed, and a path that no client
writes by accident is refused.
"""

import re
from typing import Final
from urllib.parse import unquote

Segments = tuple[str, ...]

# Control characters, a space, and what some servers take for a slash or for the end of the path.
_NEVER = re.compile(r"[\x00-\x20\x7f\\?#]")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_AGAIN = re.compile(r"%(?:25)*(?:2[ef]|5c)", re.IGNORECASE)
LONGEST_PATH: Final = 4096


class Ambiguous(Exception):
    """A path that servers read in different ways, and that no client needs."""


def readings(raw: str) -> tuple[Segments, ...]:
    """The segments of a path: as most servers read them, then as others may.

    Raises:
        Ambiguous: it has empty or dot segments, control characters or broken encodings.
    """
    if len(raw) > LONGEST_PATH or not raw.startswith("/") or _NEVER.search(raw):
        raise Ambiguous(raw)
    written = _segments(raw)
    if "%" not in raw:
        return (written,)
    if _BAD_PERCENT.search(raw):
        raise Ambiguous(raw)
    decoded = tuple(_decoded(segment) for segment in written)
    found = [decoded]
    if any("/" in segment for segment in decoded):
        found.append(_segments("/" + "/".join(decoded)))
    for reading in found:
        _check(reading)
    return tuple(found)


def undecoded(raw: str) -> Segments:
    """The reading of servers that match a path as it was sent."""
    return _segments(raw)


def _segments(path: str) -> Segments:
    """One slash at the end is no segment: most frameworks take it or redirect."""
    parts = path[1:].split("/")
    if parts[-1] == "":
        parts.pop()
    _check(parts)
    return tuple(parts)


def _check(segments: Segments | list[str]) -> None:
    for segment in segments:
        if segment in {"", ".", ".."}:
            raise Ambiguous(segment)


def _decoded(segment: str) -> str:
    try:
        text = unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise Ambiguous(segment) from error
    if re.search(r"[\x00-\x1f\x7f\\]", text) or _ENCODED_AGAIN.search(text):
        raise Ambiguous(segment)
    return text
