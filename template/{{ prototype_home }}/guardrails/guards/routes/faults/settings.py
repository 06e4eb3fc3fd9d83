"""Secrets of the environment in the answer of a route that asks nobody."""

import re
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.meant import not_in_production
from ..facts.middleware import Access
from .say import CRITICAL, MEDIUM, at_route, at_spot, finding, place

_ANSWERS = re.compile(r"Response(?:\.json)?$|\.json$|\.send$|^json$")
_WHOLE = re.compile(
    r"(?<![!\w(])(?:process\.env\.|Deno\.env\.get\(\s*['\"])(\w*(?:SECRET|PASSWORD|PRIVATE_KEY|API_KEY"
    r"|SERVICE_ROLE|DATABASE_URL|MONGO\w*_URI|ACCESS_TOKEN|AUTH_TOKEN)\w*)(?!\w|['\")]*\s*(?:\?\.|\.|\?(?!\?)|&&|[!=]==))"
)
_OPEN_ANYWAY = re.compile(r"NEXT_PUBLIC|VITE_|ANON|PUBLISHABLE|PUBLIC_KEY")


_INSIDE = re.compile(
    r"\binformation_schema\.|\bpg_(?:tables|class|stat_\w+|roles|settings)\b|sqlite_master"
)
_OWN_SOURCE = re.compile(
    r"\breadFile(?:Sync)?\(\s*(?:[\w.]+\(\s*)?[^;]{0,160}?(?:\.tsx?['\"`]|\.env\b|\w*(?:[rR]oute|[sS]ource)Path\b)"
)


def told_inside(cases: list[Case]) -> Iterator[Finding]:
    """What was put up to look for a fault, and is still there for everybody."""
    for case in cases:
        if case.access is not Access.PUBLIC or not case.route.known or not_in_production(case):
            continue
        for sign, what in ((_INSIDE, "how the database is built"), (_OWN_SOURCE, "its own source")):
            spot = case.first(sign, own=True)
            if spot is not None and case.route.kind in {"next", "server", "vercel"}:
                message = f"{case.route.label} tells anybody {what}"
                also = [at_spot(spot, case.route.label)]
                rule = "authz.unauthenticated-endpoint"
                yield finding(rule, at_route(case), message, MEDIUM, also)
                break


def told_settings(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if case.access is not Access.PUBLIC or not case.route.known or not_in_production(case):
            continue
        for piece in case.pieces[:1]:
            for call in piece.module.calls_in(piece.start, piece.end):
                given = " ".join(piece.module.slice(one) for one in call.arguments[:1])
                told = _WHOLE.search(given) if _ANSWERS.search(call.callee) else None
                if told is None or _OPEN_ANYWAY.search(told[1]):
                    continue
                message = f"{case.route.label} hands {told[1]} out to anybody"
                where = place(piece.module, call.start, case.route.label)
                also = [at_route(case)]
                yield finding("authz.unauthenticated-endpoint", where, message, CRITICAL, also)
                break
