"""What the guards say about a tree beside findings: how the database was made, who gets in where.

Every value comes from a SARIF file, so nothing here relies on its shape.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from roadworthy.inspection import Inspection, listed

_MOST = 10
_MEANT = re.compile(
    r"(?i)/(?:auth|log-?(?:in|out)|sign-?(?:in|out|up)|register|health\w*|static|docs)\b|/$|^$"
)
"""Routes that are mostly for everybody."""
_WHO = {
    "public": "anybody",
    "caller": "whoever is signed in",
    "role": "those with a role",
    "secret": "who knows a secret",
    "signature": "who signs the request",
    "unknown": "not known",
}
_OUTCOMES = {
    "applied": "ran",
    "failed": "failed",
    "cascade": "failed only because of an earlier one",
    "stopped": "were stopped",
    "left": "were not tried",
}


@dataclass(frozen=True)
class Route:
    """A way in over HTTP, and who may take it."""

    label: str
    who: str
    why: str
    place: str
    open: bool


@dataclass(frozen=True)
class Replay:
    """How making the database from one chain of migrations went."""

    folder: str
    went: str
    whole: bool
    skipped: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    more: int
    rebuilt: str


def routes(inspection: Inspection) -> list[Route]:
    """All routes; first those that are open, change something and are hardly meant to."""
    found = [
        *_entries(inspection.facts.get("routes")),
        *_entries(inspection.facts.get("python_routes")),
    ]
    return sorted(map(_route, found), key=_order)


def _order(route: Route) -> tuple[bool, bool, bool, str]:
    method, _, path = route.label.rpartition(" ")
    return not route.open, bool(_MEANT.search(path)), method == "GET", path


def _route(entry: Mapping[str, Any]) -> Route:
    access = str(entry.get("access", "unknown"))
    method, path = str(entry.get("method", "")), str(entry.get("path", ""))
    return Route(
        label=path if method == "ANY" else f"{method} {path}",
        who=_WHO.get(access, access),
        why=str(entry.get("why", "")),
        place=f"{entry.get('file', '')}:{entry.get('line', '')}",
        open=access == "public",
    )


def replays(inspection: Inspection) -> list[Replay]:
    """The chains of migrations that were replayed."""
    return [_replay(entry) for entry in _entries(inspection.facts.get("chains"))]


def _replay(entry: Mapping[str, Any]) -> Replay:
    failed = [
        (f"{it.get('path', '')}:{it.get('line', '')}", str(it.get("reason", "")))
        for it in _entries(entry.get("failed"))
    ]
    skipped = tuple(str(path) for path in entry.get("skipped") or ())
    rebuilt = [f"`{name}`" for name in entry.get("rebuilt") or ()]
    types = entry.get("types") or "the generated types"
    return Replay(
        folder=str(entry.get("folder") or "."),
        went=_went(entry),
        whole=not failed and not skipped and not rebuilt,
        skipped=skipped,
        failed=tuple(failed[:_MOST]),
        more=max(len(failed) - _MOST, 0),
        rebuilt=f"{listed(rebuilt)} had to be completed from `{types}`" if rebuilt else "",
    )


def _went(entry: Mapping[str, Any]) -> str:
    files, runs = entry.get("files", 0), entry.get("would_run", 0)
    counted = entry.get("outcomes")
    outcomes = counted if isinstance(counted, Mapping) else {}
    said = ", ".join(
        f"{outcomes[name]:,} {words}" for name, words in _OUTCOMES.items() if outcomes.get(name)
    )
    ran = f"{files} files" if runs == files else f"{runs} of {files} files would be run"
    statements = entry.get("statements", 0)
    if outcomes.get("applied") == statements:
        return f"{ran}; all {statements:,} statements ran"
    return f"{ran}; of {statements:,} statements {said or 'none ran'}"


def _entries(value: Any) -> Iterator[Mapping[str, Any]]:
    for entry in value if isinstance(value, (list, tuple)) else ():
        if isinstance(entry, Mapping):
            yield entry
