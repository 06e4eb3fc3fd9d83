"""The paths of a prototype that the service, whose own routes come first, would answer instead."""

from collections.abc import Iterator

from roadworthy.inspection import Inspection

from .gate import Prototype, served_rows

# The accounts of a stamped service, as its access.lock has them. Its probes stay its own.
ACCOUNTS = frozenset({
    ("POST", "/auth/sign-up"),
    ("POST", "/auth/verify-email"),
    ("POST", "/auth/log-in"),
    ("POST", "/auth/log-out"),
    ("POST", "/auth/password-reset"),
    ("POST", "/auth/password-reset/confirm"),
    ("PUT", "/auth/password"),
    ("GET", "/auth/me"),
    ("GET", "/auth/sessions"),
    ("DELETE", "/auth/sessions/{session_id}"),
})  # fmt: skip
_EVERY_METHOD = {"ANY", "ALL"}
_TAIL = "**"


def kept_paths(inspection: Inspection, prototype: Prototype) -> list[str]:
    """The same inspection gives the same paths."""
    taken = {
        path
        for method, pattern in _served(inspection, prototype)
        for owned, path in ACCOUNTS
        if method in {owned, *_EVERY_METHOD} and _covers(pattern, path)
    }
    return sorted(path.partition("/{")[0] for path in taken)


def _served(inspection: Inspection, prototype: Prototype) -> Iterator[tuple[str, str]]:
    for row in served_rows(inspection, prototype):
        yield from ((row["method"], pattern) for pattern in row["patterns"])
    for page in inspection.facts.get("pages") or ():
        if prototype.holds(page["file"]):
            yield from (("GET", pattern) for pattern in page["patterns"])


def _covers(pattern: str, path: str) -> bool:
    """Segment by segment, the first of them by its name: what answers any path is for pages."""
    asked, *below = path.strip("/").split("/")
    first, *rest = pattern.strip("/").split("/")
    if first.lower() != asked:
        return False
    for index, segment in enumerate(rest):
        if segment == _TAIL:
            return True
        if index >= len(below) or not ("{" in segment or segment.lower() == below[index]):
            return False
    return len(rest) == len(below)
