"""The gate table of a prototype, from what inspection saw: who may call which of its routes.

A route that checks its caller keeps being called by callers only, one that is public by nature
stays public, and one that asks nobody but should is for callers from now on, with its finding
beside it. What was seen does not tell of the rest: it is listed for a person to decide, and
refused until then. The gate only reports at first, so that a wrong line cuts nobody off.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.inspection import Inspection

from .gate_lines import DECIDE, NOBODY, PUBLIC, SIGNED_IN, Line, Section, rendered
from .gate_procedures import Judged, is_procedure, procedure_lines, without_procedures
from .gate_supabase import edge_of, supabase_sections

_METHODS = frozenset({
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "WEBSOCKET",
})  # fmt: skip
_ASKS = {"caller": "asks who calls", "role": "asks for a role"}
_PROVES = {"signature": "checks a signature itself", "secret": "checks a secret itself"}
_HOLES = ("authz.", "edge-fn.", "auth.", "payments.")
_NO_ADDRESS = {
    "action": "a server action, which is a POST to whichever page calls it",
    "procedure": "a procedure of tRPC, and where a server answers for it was not seen",
}
_STATIC = {
    "nextjs": ("/favicon.ico", "/_next/**"),
    "streamlit": ("/", "/favicon.ico", "/static/**", "/_stcore/health", "/_stcore/host-config"),
}
SUPABASE_AT = "/supabase"
_FRONT_ENDS = {"Vite", "Create React App", "React", "Vue", "Svelte", "Angular"}
_USUAL = ("/", "/favicon.ico", "/assets/**", "/static/**")


@dataclass(frozen=True)
class Prototype:
    """What the gate stands before. A front end reaches Supabase below `supabase_at`."""

    kind: str
    app: str = "."
    supabase_at: str | None = None

    @classmethod
    def of(cls, answers: Mapping[str, Any]) -> "Prototype":
        on_supabase = answers["database"] == "supabase"
        return cls(answers["kind"], answers["app"], SUPABASE_AT if on_supabase else None)

    def holds(self, path: str) -> bool:
        return self.app == "." or path.startswith(f"{self.app.rstrip('/')}/")


def gate_of(inspection: Inspection, prototype: Prototype) -> str:
    """The text of gate.toml. The same inspection gives the same text."""
    rows = list(served_rows(inspection, prototype))
    holes = _holes(inspection)
    others = [row for row in without_procedures(rows) if not _is_any_page(row)]
    lines = [line for row in others for line in _lines(row, holes)]
    lines += procedure_lines([_judged(row, holes) for row in rows if is_procedure(row)])
    lines += _pages(inspection, prototype, holes)
    files = list(_files(inspection, prototype, rows))
    sections = [
        Section(
            "Whoever calls says who they are, today already.",
            [line for line in lines if line.access == SIGNED_IN and not line.finding],
        ),
        Section(
            "Public by nature: log-in, health, what checks a signature itself, pages and files.",
            [*(line for line in lines if line.access == PUBLIC), *files],
        ),
        Section(
            "These ask nobody today, and should. The findings say why.",
            [line for line in lines if line.access == SIGNED_IN and line.finding],
        ),
        *supabase_sections(inspection, prototype.supabase_at, _edges(inspection, prototype, holes)),
        Section(
            "To decide: what was seen does not tell. They are refused until a line is for them.",
            [line for line in lines if line.access == DECIDE],
        ),
    ]
    return rendered(sections)


def served_rows(inspection: Inspection, prototype: Prototype) -> Iterator[Mapping[str, Any]]:
    """The routes of the prototype, but for edge functions, which Supabase serves."""
    for fact in ("routes", "python_routes"):
        for row in inspection.facts.get(fact) or ():
            served = row.get("served", True) and row["why"] != "not mounted"
            if served and row["kind"] != "edge" and prototype.holds(row["file"]):
                yield row


def _edges(
    inspection: Inspection, prototype: Prototype, holes: Mapping[tuple[str, int], str]
) -> Iterator[Line]:
    for row in inspection.facts.get("routes") or ():
        if row["kind"] == "edge" and (
            prototype.holds(row["file"]) or row["file"].startswith("supabase/")
        ):
            yield edge_of(row, _finding(row, holes))


def _lines(row: Mapping[str, Any], holes: Mapping[tuple[str, int], str]) -> Iterator[Line]:
    method = row["method"] if row["method"] in _METHODS else "*"
    judged = _judged(row, holes)
    if not row["patterns"]:
        why = _NO_ADDRESS[row["kind"]]
        yield Line("POST", f"/…  {row['name']}", DECIDE, f"{why} ({_place(row)})")
        return
    for pattern in row["patterns"]:
        why = f"{judged.why} ({_place(row)})"
        yield Line(method, pattern, judged.access, why, judged.finding)


def _judged(row: Mapping[str, Any], holes: Mapping[tuple[str, int], str]) -> Judged:
    access, why = _access(row, _finding(row, holes))
    finding = _finding(row, holes) if access == SIGNED_IN and row["access"] == "public" else ""
    return Judged(row, access, why, finding)


def _access(row: Mapping[str, Any], finding: str) -> tuple[str, str]:
    """Who may call a route from now on, and why."""
    access, nature = row["access"], row["nature"]
    if access in _PROVES:
        return PUBLIC, _PROVES[access]
    if nature == "log-in" and row["inside"] and access in {"public", "caller"}:
        return PUBLIC, "where callers prove who they are"
    if access in _ASKS:
        return SIGNED_IN, f"{_ASKS[access]}: {row['why']}"
    if access == "public" and nature and (nature != "front page" or row["method"] == "GET"):
        return PUBLIC, nature
    if access == "public" and finding:
        return SIGNED_IN, finding
    return DECIDE, "nothing asks who calls, and no rule says that it should" if (
        access == "public"
    ) else f"what it asks is not known: {row['why']}"


def _holes(inspection: Inspection) -> dict[tuple[str, int], str]:
    """The worst finding at each line that has one; issues come the worst first."""
    found: dict[tuple[str, int], str] = {}
    for issue in inspection.issues:
        if issue.rule.startswith(_HOLES):
            for place in issue.places:
                found.setdefault((place.path, place.line), issue.rule)
    return found


def _finding(row: Mapping[str, Any], holes: Mapping[tuple[str, int], str]) -> str:
    return holes.get((row["file"], row["line"]), "")


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['file']}:{row['line']}"


def _pages(
    inspection: Inspection, prototype: Prototype, holes: Mapping[tuple[str, int], str]
) -> Iterator[Line]:
    for row in inspection.facts.get("pages") or ():
        if prototype.kind != "nextjs" or not prototype.holds(row["file"]):
            continue
        asks = row["access"] in _ASKS
        why = f"a page that {_ASKS[row['access']]}" if asks else "a page"
        finding = "" if asks else _finding(row, holes)
        for pattern in row["patterns"]:
            access = SIGNED_IN if asks or finding else PUBLIC
            yield Line("GET", pattern, access, f"{finding or why} ({row['file']})", finding)


def _files(
    inspection: Inspection, prototype: Prototype, rows: Sequence[Mapping[str, Any]]
) -> Iterator[Line]:
    """Pages and assets, and what keeps a line for all pages from opening anything else."""
    if _shows_any_page(inspection, prototype, rows):
        yield Line("GET", "/**", PUBLIC, "the front end: pages and files")
        yield Line("WEBSOCKET", "/**", SIGNED_IN, "a page is no socket")
        for prefix in _prefixes(rows):
            yield Line("*", f"/{prefix}/**", NOBODY, "of the rest, nothing is a page")
        return
    for pattern in _STATIC.get(prototype.kind, _USUAL):
        yield Line("GET", pattern, PUBLIC, "pages and files")
    if prototype.kind == "streamlit":
        yield Line("WEBSOCKET", "/_stcore/stream", SIGNED_IN, "all of the app's data")
    app = "" if prototype.app == "." else prototype.app.rstrip("/")
    for row in inspection.facts.get("public_files") or ():
        if row["app"] == app:
            yield Line("GET", row["pattern"], PUBLIC, "lies in public/")


def _shows_any_page(
    inspection: Inspection, prototype: Prototype, rows: Sequence[Mapping[str, Any]]
) -> bool:
    """Whether any path may be a page: a front end that is served alone, or by its own server."""
    if prototype.kind in {"supabase", "node"}:
        app = "" if prototype.app == "." else prototype.app.rstrip("/")
        built = {name for it in inspection.stack.apps if it.root == app for name in it.frameworks}
        if prototype.kind == "supabase" or built & _FRONT_ENDS:
            return True
    return any(map(_is_any_page, rows))


def _is_any_page(row: Mapping[str, Any]) -> bool:
    """A route that answers every path with the front end, as single-page apps want it."""
    reads = row["method"] in {"GET", "ALL", "ANY"}
    return reads and "/**" in row["patterns"] and row["access"] == "public"


def _prefixes(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    found = {
        segments[0]
        for row in rows
        for pattern in row["patterns"]
        if len(segments := pattern.strip("/").split("/")) > 1 and segments[0][:1] not in {"{", "*"}
    }
    return sorted(found)
