"""The paths of routes in the one notation of gate.toml, whatever framework they are written for."""

import re

REST = "**"
_REST = re.compile(
    r"\*\w*"  # Express 4 and 5
    r"|:\w+[*+]|\{\*\w+\}"  # path-to-regexp
    r"|\{\w+:path\}|<path:\w+>"  # Starlette, Werkzeug
    r"|\[{1,2}\.\.\.\w+\]{1,2}"  # Next.js
)
_PARAMETER = re.compile(
    r":(?P<colon>\w+)(?:\(.*\))?\??"
    r"|\{(?P<brace>\w+)(?::\w+)?\}"
    r"|<(?:[^<>:]+:)?(?P<angle>\w+)>"
    r"|\[(?P<bracket>\w+)\]"
)
_LITERAL = re.compile(r"[\w.~@!$'+,;=-]+")
_OPTIONAL = re.compile(r":\w+(?:\(.*\))?\?")


def patterns(path: str) -> tuple[str, ...]:
    """A path, as `/jobs/{id}` and `/files/**`; two where its last segment may be missing.

    A segment that is more than a name or a parameter (`:from-:to`, a regular expression) becomes
    a parameter: the pattern may fit more than the route, and never less.
    """
    written = [segment for segment in path.strip("^$").split("/") if segment]
    whole = _pattern(written)
    if written and (_OPTIONAL.fullmatch(written[-1]) or written[-1].startswith("[[...")):
        return tuple(dict.fromkeys((_pattern(written[:-1]), whole)))
    return (whole,)


def _pattern(written: list[str]) -> str:
    segments: list[str] = []
    for segment in written:
        if _REST.fullmatch(segment):
            segments.append(REST)
            break
        segments.append(_segment(segment, len(segments)))
    return "/" + "/".join(segments)


def _segment(segment: str, at: int) -> str:
    if found := _PARAMETER.fullmatch(segment):
        name = next(name for name in found.groups() if name)
    elif _LITERAL.fullmatch(segment):
        return segment
    else:
        name = f"part{at + 1}"
    name = re.sub(r"\W", "_", name, flags=re.ASCII)
    name = name if not name[:1].isdigit() else f"_{name}"
    return "{" + name + "}"


_LOG_IN = re.compile(
    r"log[-_]?in|sign[-_]?in|sign[-_]?up|register|registration|token|authenticate|sessions?"
    r"|forgot(?:[-_]?password)?|(?:password[-_]?)?reset(?:[-_]?password)?|magic[-_]?link"
    r"|(?:send|request|verify)[-_]?(?:otp|code|email)|verify|otp|confirm|refresh(?:[-_]?token)?"
    r"|log[-_]?out|sign[-_]?out|callback|csrf(?:[-_]?token)?",
    re.IGNORECASE,
)
_HEALTH = re.compile(r"health\w*|livez?|readyz?|ping|status|version|heartbeat", re.IGNORECASE)


def nature(path: str) -> str:
    """Why everybody may call a route: `log-in`, `health`, `front page`, or empty."""
    last = path.rstrip("/").rpartition("/")[2]
    if not last:
        return "front page"
    if _LOG_IN.fullmatch(last):
        return "log-in"
    return "health" if _HEALTH.fullmatch(last) else ""
