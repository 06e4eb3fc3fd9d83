"""Secrets of the environment in the answer of a route that asks nobody."""

import re
from collections.abc import Iterator

from ...engine.finding import Finding
from .access import Case
from .meant import not_in_production
from .middleware import Access
from .say import CRITICAL, at_route, finding, place

_ANSWERS = re.compile(r"Response(?:\.json)?$|\.json$|\.send$|^json$")
_WHOLE = re.compile(
    r"(?<![!\w(])(?:process\.env\.|Deno\.env\.get\(\s*['\"])(\w*(?:SECRET|PASSWORD|PRIVATE_KEY|API_KEY"
    r"|SERVICE_ROLE|DATABASE_URL|MONGO\w*_URI|ACCESS_TOKEN|AUTH_TOKEN)\w*)(?!\w|['\")]*\s*(?:\?\.|\.|\?(?!\?)|&&|[!=]==))"
)
_OPEN_ANYWAY = re.compile(r"NEXT_PUBLIC|VITE_|ANON|PUBLISHABLE|PUBLIC_KEY")


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
