"""Boundaries that most code bases have, and what goes over them."""

import re
from collections.abc import Iterator, Mapping

from ...engine.finding import Evidence, Finding, Place, Severity
from .imports import Import

_UI = re.compile(
    r"(^|/)(components?|pages|views|screens|routes|layouts|widgets|ui|features|modules)/"
    r".*\.(tsx|jsx|vue|svelte)$|(^|/)app/.*(page|layout)\.(tsx|jsx)$"
)
_GENERATED_UI = re.compile(r"(^|/)components/ui/")
_DATABASE = re.compile(
    r"(^|/)(integrations/supabase|supabase(-?client)?(\.\w+$|/client)|firebase\.)"
)
_LOWER = re.compile(r"(^|/)(lib|libs|utils|services|api|data|domain|core|shared|types)/")
_UPPER = re.compile(r"(^|/)(pages|screens|views|components)/")
_SERVER = re.compile(r"(^|/)(server|backend)/")
_CLIENT = re.compile(r"(^|/)(client|frontend)/")
_FEATURE = re.compile(r"^(?P<base>.*?(?:^|/)features)/(?P<name>[^/]+)/(?P<rest>.+)$")
_QUERY = re.compile(
    r"\b(?:supabase\w*|sb|supa)(?:\s+as\s+\w+\))?\)?\s*\.\s*(?:from|rpc|schema|storage|channel)\b"
    r"|\b(?:getDocs?|addDoc|setDoc|updateDoc|deleteDoc|onSnapshot)\s*\("
)
_FEWEST = 3
_MANY = 0.3


def crossing(source: str, target: str) -> str:
    """Why the import goes over a boundary; empty for one that does not."""
    if _UI.search(source) and _DATABASE.search(target):
        return "the interface reaches for the database"
    if _SERVER.search(source) and _CLIENT.search(target):
        return "the server imports the client"
    if _LOWER.search(source) and not _UPPER.search(source) and _UPPER.search(target):
        return "what everything stands on imports a page or component"
    if feature_crossing(source, target):
        return "a feature reaches into another"
    return ""


def feature_crossing(source: str, target: str) -> bool:
    """From one feature into the insides of another, past its index."""
    here, there = _FEATURE.match(source), _FEATURE.match(target)
    if not here or not there or here["base"] != there["base"] or here["name"] == there["name"]:
        return False
    return not re.fullmatch(r"(index\.\w+|__init__\.py|service\.py|api\.\w+)", there["rest"])


def crossings(edges: list[Import]) -> Iterator[Finding]:
    found = [edge for edge in edges if edge.eager and feature_crossing(edge.source, edge.target)]
    if found:
        places = [Place(edge.source, edge.line) for edge in found]
        yield Finding(
            "arch.feature-crossing",
            places[0],
            f"{len(found)} import(s) reach into the insides of another feature, "
            f"such as {found[0].target}.",
            evidence=Evidence.EXACT,
            also=tuple(places[1:50]),
        )


def database_in_interface(texts: Mapping[str, str]) -> Iterator[Finding]:
    """Components and pages with queries of their own: the worst first."""
    screens = [path for path in texts if _UI.search(path) and not _GENERATED_UI.search(path)]
    counted: list[tuple[int, str, int]] = []
    for path in screens:
        found = list(_QUERY.finditer(texts[path]))
        if found:
            line = texts[path].count("\n", 0, found[0].start()) + 1
            counted.append((len(found), path, line))
    if len(counted) < _FEWEST:
        return
    counted.sort(key=lambda entry: (-entry[0], entry[1]))
    places = [Place(path, line) for _, path, line in counted]
    share = len(counted) / len(screens)
    yield Finding(
        "arch.ui-imports-db-client",
        places[0],
        f"{len(counted)} of {len(screens)} components and pages query the database themselves; "
        f"{places[0].path} most often ({counted[0][0]} times).",
        severity=None if share >= _MANY else Severity.LOW,
        evidence=Evidence.EXACT,
        also=tuple(places[1:400]),
    )
