"""The part of the gate table for Supabase: its services below one prefix, and each edge function.

Row-level security decides on rows, and goes on to. The gate decides who gets as far as that:
whoever is signed in, and everybody where the database itself showed that it is meant so.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from roadworthy.inspection import Inspection

from .gate_lines import NOBODY, PUBLIC, SIGNED_IN, Line, Section

_SERVICE = "role:service_role"
_PROVES = {"signature": "checks a signature itself", "secret": "checks a secret itself"}


def edge_of(row: Mapping[str, Any], finding: str) -> Line:
    """The line of an edge function, whose path begins with /functions/v1."""
    path, place = row["patterns"][0], f"{row['file']}:{row['line']}"
    access = row["access"]
    if access in _PROVES:
        return Line("*", path, PUBLIC, f"{_PROVES[access]} ({place})")
    if access in {"caller", "role"}:
        return Line("*", path, SIGNED_IN, f"asks who calls: {row['why']} ({place})")
    if finding:
        return Line("*", path, SIGNED_IN, f"{finding} ({place})", finding)
    # Deny by default costs little here: the front end sends its user's token with every call.
    return Line("*", path, SIGNED_IN, f"asks nobody today ({place})")


def supabase_sections(
    inspection: Inspection, at: str | None, edges: Iterable[Line]
) -> Iterator[Section]:
    """Nothing where Supabase is not reached through the facade."""
    if at is None:
        return
    yield Section(
        "Supabase Auth: whoever logs in is nobody yet. Its administration is for servers.",
        [
            Line("*", f"{at}/auth/v1/**", PUBLIC, "sign-up, log-in, refresh, keys"),
            Line("*", f"{at}/auth/v1/admin/**", _SERVICE, "for servers"),
        ],
    )
    yield Section(
        "Supabase's data and files. Row-level security still decides on each row.",
        [*_services(at), *_tables(inspection, at)],
    )
    functions = [
        Line(line.method, f"{at}{line.path}", line.access, line.why, line.finding) for line in edges
    ]
    yield Section("Supabase's edge functions.", functions)
    yield Section(
        "Supabase's realtime: the token comes over the socket, and its policies judge it.",
        [
            Line("WEBSOCKET", f"{at}/realtime/v1/websocket", PUBLIC, "channels"),
            Line("POST", f"{at}/realtime/v1/api/broadcast", SIGNED_IN, "broadcast without one"),
        ],
    )
    if at:
        yield Section(
            "Of Supabase, nothing else.", [Line("*", f"{at}/**", NOBODY, "no line above is for it")]
        )


def _services(at: str) -> Iterator[Line]:
    yield Line("*", f"{at}/rest/v1/**", SIGNED_IN, "tables and functions of the database")
    yield Line("*", f"{at}/graphql/v1", SIGNED_IN, "the same as GraphQL")
    yield Line("*", f"{at}/storage/v1/**", SIGNED_IN, "files")
    for kind, why in (("public", "files of public buckets"), ("sign", "files by a signed link")):
        yield Line("GET", f"{at}/storage/v1/object/{kind}/**", PUBLIC, why)
        yield Line("GET", f"{at}/storage/v1/render/image/{kind}/**", PUBLIC, why)
    yield Line("PUT", f"{at}/storage/v1/object/upload/sign/**", PUBLIC, "uploads by a signed link")


def _tables(inspection: Inspection, at: str) -> Iterator[Line]:
    """What strangers may do with a table by its policies, where its kind says that they should."""
    for row in inspection.facts.get("matrix") or ():
        strangers = row.get("anon", {})
        if row.get("schema") != "public":
            continue
        path = f"{at}/rest/v1/{row['table']}"
        if row.get("purpose") == "catalogue" and not row.get("sensitivity"):
            if _may(strangers, "select"):
                yield Line("GET", path, PUBLIC, "a catalogue, which everybody may read")
        elif row.get("purpose") == "intake" and _may(strangers, "insert"):
            yield Line("POST", path, PUBLIC, "a form for strangers")


def _may(strangers: Mapping[str, Any], command: str) -> bool:
    outcome = strangers.get(command, {}).get("outcome", "")
    return isinstance(outcome, str) and outcome.startswith("allowed")
