"""The paths of a prototype that the service, whose own routes come first, would answer instead."""

from collections.abc import Iterator, Mapping
from typing import Any

from roadworthy.inspection import Inspection

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


def kept_paths(inspection: Inspection, app: str) -> list[str]:
    """Of the app in this folder; the same inspection gives the same paths."""
    taken = {
        path
        for method, pattern in _served(inspection, app)
        for owned, path in ACCOUNTS
        if method in {owned, *_EVERY_METHOD} and _covers(pattern, path)
    }
    return sorted(path.partition("/{")[0] for path in taken)


def _served(inspection: Inspection, app: str) -> Iterator[tuple[str, str]]:
    for fact in ("routes", "python_routes", "pages"):
        for row in inspection.facts.get(fact) or ():
            if row.get("kind") != "edge" and _is_in(row, app):
                yield from ((row.get("method", "GET"), pattern) for pattern in row["patterns"])


def _is_in(row: Mapping[str, Any], app: str) -> bool:
    return app == "." or str(row["file"]).startswith(f"{app.rstrip('/')}/")


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
